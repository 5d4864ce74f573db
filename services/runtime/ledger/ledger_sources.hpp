// What a driver reads: its sources, each a partition of a log, kept going. A start that fails is
// tried again; a source that stands still although its log goes on, which a client of Kafka may do
// without an error, is started again, and when that does not help the handle is replaced. Ledger
// thread only.
#pragma once

#include "runtime/host/clock.hpp"
#include "runtime/ledger/log.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace tocsin::runtime {

// Takes what was read.
class SourceSink {
public:
    virtual ~SourceSink() = default;
    virtual void read_record(int source, std::int64_t offset, std::string_view record,
                             Time stored_at) = 0;
    virtual void read_end(int source, std::int64_t offset) = 0;
    // Its offset does not exist; nothing is read of it until it is started again.
    virtual void read_out_of_range(int source) = 0;
    virtual void read_trouble(int source, const std::string& what) = 0;
};

class LedgerSources final : private LogReader::Sink {
public:
    struct Options {
        // A record that is known to be there is read by then, unless the source stands still.
        std::chrono::milliseconds stall_after{3'000};
        // So does one that brings neither a record nor its end after a start.
        std::chrono::milliseconds end_after{10'000};
        // How often the range of a quiet source's log is requested, to see whether it has more.
        std::chrono::milliseconds look_every{30'000};
        std::chrono::milliseconds look_wait{2'000};
        std::chrono::milliseconds retry_first{250};
        std::chrono::milliseconds retry_last{5'000};
    };
    struct Restarts {
        std::int64_t sources = 0;
        std::int64_t readers = 0;
    };

    // `asked` is the writer by which ranges are requested; it lives longer.
    LedgerSources(LogBackend& log, LogWriter& asked, const Clock& clock, SourceSink& sink,
                  std::string service, Options options);
    LedgerSources(const LedgerSources&) = delete;

    // Reads it from `offset` on; no record from before is delivered afterwards.
    void start(int source, const std::string& topic, int partition, std::int64_t offset);
    void stop(int source);
    bool poll(std::size_t replayed_max);
    // The log is known to hold a record there.
    void stored(int source, std::int64_t offset);
    // Starts what is to be started again and looks after those that are quiet. While Kafka is away
    // nothing can be said of them.
    void tend(Tick tick, bool connected);
    // Whether it is meant to be read and is not, or not to the end although it was started again,
    // or its end is unknown.
    bool down(int source) const;
    // As topic/partition, of the first that is.
    std::optional<std::string> first_down() const;
    bool any_down() const { return first_down().has_value(); }
    // Since when the first of those that are down is.
    std::optional<Tick> down_since() const;
    // Offset after the last record of a source, as far as it is known.
    std::optional<std::int64_t> high(int source) const;
    bool take_trouble() { return reader_->take_trouble(); }
    const Restarts& restarts() const { return restarts_; }

private:
    struct Source {
        std::string topic;
        int partition = 0;
        std::int64_t next = 0;
        bool running = false;
        bool out_of_range = false;
        bool ended = false;       // its end was reported since the start
        std::uint64_t start = 0;  // number of the start; an answer to an older one is stale
        Tick heard{};             // when a record or its end came last
        std::int64_t known_end = 0;
        Tick lacking{};  // since when it is known to hold more than was read
        bool asked = false;
        Tick next_look{};
        int stalls = 0;                    // since the last record
        int unanswered = 0;                // looks since then at which nobody knew the log
        Tick whole{};                      // when a look last showed that nothing of it is left
        std::optional<Tick> unread_since;  // when it stood still, or was not to be started
        Tick retry_at{};
        std::chrono::milliseconds pause{};
    };

    void try_start(int id, Source& source, Tick tick);
    void look_after(int id, Source& source, Tick tick);
    void looked(int id, std::uint64_t start, std::int64_t next, const LogRangeAnswer& range);
    void stalled(int id, Source& source, Tick tick);
    void replace_reader(Tick tick);
    static void read_on(Source& source);
    static void know_end(Source& source, std::int64_t end, Tick tick);
    Tick quiet_since(const Source& source) const;

    void on_record(int source, std::int64_t offset, std::string_view key, std::string_view value,
                   Time stored_at) override;
    void on_end(int source, std::int64_t offset) override;
    void on_out_of_range(int source) override;
    void on_trouble(int source, const std::string& what) override;

    LogBackend& log_;
    LogWriter& asked_;
    const Clock& clock_;
    SourceSink& sink_;
    std::string service_;
    Options options_;
    std::unique_ptr<LogReader> reader_;
    std::map<int, Source> sources_;
    std::uint64_t starts_ = 0;
    Tick polled_at_{};
    Tick tended_at_{};
    std::optional<Tick> watched_since_;  // Kafka answers and this process runs
    Restarts restarts_;
};

}  // namespace tocsin::runtime
