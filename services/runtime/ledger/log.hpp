// What a driver needs of a log, be it Kafka (kafka_log.hpp) or the simulator's. Nothing here blocks
// but wait(), flush() and close(): questions are answered later, by a callback within poll().
#pragma once

#include "runtime/base/time.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::runtime {

using Headers = std::vector<std::pair<std::string, std::string>>;

// The offsets [low, high) that a partition holds.
struct LogRange {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

// Why it is unknown what a log holds.
enum class Unsaid {
    silent,    // asked in time, and not answered
    not_asked  // its time passed behind other questions; the log may be well
};
using LogRangeAnswer = std::expected<LogRange, Unsaid>;

// What became of the wish to append a record.
enum class Queued {
    queued,     // its callback will be called
    full,       // the local queue takes no more for now
    too_large,  // no log takes a record of this size: final
    missing,    // there is no such topic or partition
    refused,    // for another reason, which the writer logs
    dead        // the handle is closed or died: final for this handle
};

// What became of a record that was queued.
struct Stored {
    enum class Kind {
        stored,
        failed,     // it may have been stored or not
        too_large,  // refused for its size: final
        missing     // there is no such topic or partition
    };
    Kind kind = Kind::failed;
    std::int64_t offset = -1;  // when stored
    Time stored_at;            // by the broker's clock, in milliseconds; zero where it did not say
    std::string why;           // when not stored, as the client of Kafka says it; it may be empty

    bool ok() const { return kind == Kind::stored; }
};

// Appends records and answers questions about the log. append() is safe from any thread; the rest,
// and every callback, belongs to the one thread that polls.
class LogWriter {
public:
    using Done = std::move_only_function<void(const Stored&)>;
    using RangeAnswer = std::move_only_function<void(LogRangeAnswer)>;
    using Answer = std::move_only_function<void(bool)>;

    virtual ~LogWriter() = default;

    // `done` is called once if the answer is `queued`, otherwise never.
    virtual Queued append(const std::string& topic, int partition, std::string_view key,
                          std::string_view value, const Headers& headers, Done done) = 0;
    // Answered within `wait` or soon after.
    virtual void ask_range(const std::string& topic, int partition, std::chrono::milliseconds wait,
                           RangeAnswer answer) = 0;
    // Whether a broker answers within `wait`.
    virtual void ask_reachable(std::chrono::milliseconds wait, Answer answer) = 0;
    // Gets to know a topic, so that the first append to it does not wait for that.
    virtual void ask_warm(const std::string& topic, std::chrono::milliseconds wait,
                          Answer answer) = 0;
    // Calls what is due.
    virtual void poll() = 0;
    // Lets what is queued leave, at most `wait`.
    virtual void flush(std::chrono::milliseconds wait) = 0;
    // Gives up what is queued: calls what is left to call, in this call, and takes nothing more.
    virtual void close() = 0;
    // Why the handle died; empty while it lives.
    virtual const std::string& fatal() const = 0;
    // Set when all brokers were seen down; cleared by the call.
    virtual bool take_trouble() = 0;
};

// Reads any number of partitions, each from a given offset on. One thread only.
class LogReader {
public:
    struct Sink {
        virtual ~Sink() = default;
        virtual void on_record(int source, std::int64_t offset, std::string_view key,
                               std::string_view value, Time stored_at) = 0;
        // Everything stored so far was read; the next offset is `offset`. At least once after each
        // start, however busily the partition is written.
        virtual void on_end(int source, std::int64_t offset) = 0;
        // The offset asked for, or reached, does not exist in the log; nothing more comes.
        virtual void on_out_of_range(int source) = 0;
        virtual void on_trouble(int source, const std::string& what) = 0;
    };

    virtual ~LogReader() = default;

    // Reads `topic`/`partition` from `offset` on and names its records `source`. Started again, it
    // moves; nothing from before is delivered afterwards. One source at a time for each partition.
    // False: it could not be started, and is not.
    virtual bool start(int source, const std::string& topic, int partition,
                       std::int64_t offset) = 0;
    virtual void stop(int source) = 0;
    // Delivers what is there of sources that were at their end once, each up to a bound, then at
    // most `replayed_max` records of the others in turn. False when nothing was there. The sink
    // must not start or stop sources meanwhile.
    virtual bool poll(Sink& sink, std::size_t replayed_max) = 0;
    // Offset after the last record of a source, by the last fetch; nothing before the first.
    virtual std::optional<std::int64_t> high(int source) const = 0;
    virtual bool take_trouble() = 0;
    virtual const std::string& fatal() const = 0;
};

// Where a driver gets its handles from, and how it sleeps. Lives longer than what it made.
class LogBackend {
public:
    virtual ~LogBackend() = default;
    virtual std::unique_ptr<LogWriter> writer() = 0;
    virtual std::unique_ptr<LogReader> reader() = 0;
    // Ends a reader that may be slow to end, without waiting for it.
    virtual void discard(std::unique_ptr<LogReader> reader) = 0;
    // Returns when a handle has something to poll, after wake(), or after `most`.
    virtual void wait(std::chrono::milliseconds most) = 0;
    // Whether there is news, an answer or a wake() since the last wait(), so that what takes long
    // ends early. Any thread.
    virtual bool urgent() const = 0;
    // Safe from any thread; one that comes before wait() counts.
    virtual void wake() = 0;
};

}  // namespace tocsin::runtime
