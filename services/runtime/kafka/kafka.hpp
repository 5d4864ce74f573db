// The only place that knows librdkafka. Writer appends, Reader reads partitions from given offsets
// by plain start and stop (no groups), TopicAdmin creates and inspects. Traps of librdkafka 2.0.2
// that shaped this are named where they bite.
#pragma once

#include "runtime/kafka/kafka_questions.hpp"
#include "runtime/ledger/log.hpp"
#include "runtime/ledger/topics.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
struct rd_kafka_message_s;

namespace tocsin::runtime {

struct KafkaAccess {
    std::string bootstrap;
    // librdkafka properties from a file: TLS, SASL.
    std::map<std::string, std::string> properties;
};

// Reads `key=value` lines; an error names the line.
std::expected<std::map<std::string, std::string>, std::string> read_properties(
    const std::string& path);

// What a writer and a reader give librdkafka; the benchmarks measure the bare client with the same.
using KafkaSettings = std::vector<std::pair<std::string, std::string>>;
KafkaSettings writer_settings(const KafkaAccess& access);
KafkaSettings reader_settings(const KafkaAccess& access, std::chrono::milliseconds fetch_wait);

// prompt: every record at once, and a replay as fast as it comes. relaxed: for copies that nobody
// waits for; fewer and larger requests, little memory.
enum class KafkaPace { prompt, relaxed };

// Appends records. Threads and callbacks: see LogWriter. What blocks here is for threads that may
// wait.
class KafkaWriter final : public LogWriter {
public:
    // `event_fd` becomes readable when poll() has something to do.
    KafkaWriter(const KafkaAccess& access, int event_fd, KafkaPace pace = KafkaPace::prompt);
    ~KafkaWriter() override;
    KafkaWriter(const KafkaWriter&) = delete;

    Queued append(const std::string& topic, int partition, std::string_view key,
                  std::string_view value, const Headers& headers, Done done) override;
    // By a writer although a reader can do it as well: there the query waits behind a fetch that
    // waits for records.
    void ask_range(const std::string& topic, int partition, std::chrono::milliseconds wait,
                   RangeAnswer answer) override;
    void ask_reachable(std::chrono::milliseconds wait, Answer answer) override;
    void ask_warm(const std::string& topic, std::chrono::milliseconds wait, Answer answer) override;
    void poll() override;
    void flush(std::chrono::milliseconds wait) override;
    void close() override;
    const std::string& fatal() const override { return fatal_; }
    bool take_trouble() override;

    // Blocks until the answer is there, at most `wait`.
    std::optional<LogRange> range(const std::string& topic, int partition,
                                  std::chrono::milliseconds wait);

private:
    friend struct KafkaCallbacks;
    rd_kafka_topic_t* topic(const std::string& name);
    bool warm(const std::string& topic, std::chrono::milliseconds wait);
    void log_refused(const std::string& topic, int error);

    rd_kafka_t* handle_ = nullptr;
    rd_kafka_queue_t* main_queue_ = nullptr;
    std::shared_mutex mutex_;  // held alone by who adds a topic or closes
    std::map<std::string, rd_kafka_topic_t*> topics_;
    std::map<std::string, int> refused_;  // by topic, why its records were, as last logged
    bool closed_ = false;
    std::string fatal_;
    bool trouble_ = false;
    int event_fd_;
    KafkaQuestions questions_;  // last: what it asks is above
};

// Reads each source through a queue of its own, so that none waits behind another.
class KafkaReader final : public LogReader {
public:
    // `fetch_wait`: how long the broker holds an empty fetch. `source_kbytes`: what may wait here
    // of one source; little where the pace is relaxed.
    KafkaReader(const KafkaAccess& access, int event_fd, std::chrono::milliseconds fetch_wait,
                KafkaPace pace = KafkaPace::prompt, std::size_t source_kbytes = 16'384);
    ~KafkaReader() override;
    KafkaReader(const KafkaReader&) = delete;

    bool start(int source, const std::string& topic, int partition, std::int64_t offset) override;
    void stop(int source) override;
    bool poll(Sink& sink, std::size_t replayed_max) override;
    std::optional<std::int64_t> high(int source) const override;
    bool take_trouble() override;
    const std::string& fatal() const override { return fatal_; }

    // Blocks until the answer is there, at most `wait`.
    std::optional<LogRange> range(const std::string& topic, int partition,
                                  std::chrono::milliseconds wait);
    // Of the record that is being delivered: within on_record() only.
    Headers headers() const;

private:
    friend struct KafkaCallbacks;
    struct Source {
        rd_kafka_topic_t* topic = nullptr;
        int partition = -1;
        rd_kafka_queue_t* queue = nullptr;
        std::int64_t next = 0;
        bool ended = false;  // its end was reached once since it was started
    };

    rd_kafka_topic_t* topic(const std::string& name);
    std::size_t deliver(Sink& sink, int id, Source& source, std::size_t most,
                        std::chrono::steady_clock::time_point until);
    void deliver(Sink& sink, int id, Source& source, const rd_kafka_message_s& message);
    bool replay(Sink& sink, std::size_t most);
    std::optional<std::int64_t> high(const Source& source) const;

    rd_kafka_t* handle_ = nullptr;
    rd_kafka_queue_t* main_queue_ = nullptr;
    int event_fd_;
    std::map<int, Source> sources_;
    int replayed_last_ = -1;  // the source whose turn it was
    std::map<std::string, rd_kafka_topic_t*> topics_;
    const rd_kafka_message_s* delivered_ = nullptr;  // only while on_record() is called
    std::string fatal_;
    bool trouble_ = false;
};

// Why a topic cannot be used, and what to do.
struct TopicFault {
    enum class Kind {
        away,     // no broker answers for now: try again
        unsafe,   // it would work, and break the promises
        unusable  // it cannot work
    };
    Kind kind = Kind::away;
    std::string text;
};

// Creates topics and checks what is there. Blocking; used at start only.
class TopicAdmin {
public:
    explicit TopicAdmin(const KafkaAccess& access);
    ~TopicAdmin();

    // The brokers, each as host:port as it is advertised to clients, or why none answered within
    // `wait`. Never empty.
    std::expected<std::vector<std::string>, std::string> brokers(std::chrono::milliseconds wait);
    // Replicas of a topic, up or down; 0: there is no such topic, or nobody says.
    int replicas(const std::string& topic);
    // Creates what is missing. A topic that exists and does not fit is a fault that names the
    // topic, the setting, what it is, what it must be and how to change it; where a stronger value
    // keeps the promises too, it fits.
    std::expected<void, TopicFault> ensure(const std::vector<TopicSpec>& topics, int replication,
                                           bool allow_unsafe);

private:
    struct Layout {
        bool asked = false;  // the broker answered
        int partitions = 0;  // 0: there is no such topic
        int replicas = 0;    // of the partition that has fewest
    };
    Layout layout(const TopicSpec& topic, std::string& why);
    std::expected<void, TopicFault> create(const TopicSpec& topic, int replication);
    std::expected<void, TopicFault> check_layout(const TopicSpec& topic, int replication);
    std::expected<void, TopicFault> check_settings(const TopicSpec& topic);

    rd_kafka_t* handle_ = nullptr;
    std::string last_error_;
};

}  // namespace tocsin::runtime
