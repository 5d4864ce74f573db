// The only place that knows librdkafka. Writer appends, Reader reads partitions from given offsets
// by plain start and stop (no groups), TopicAdmin creates and inspects. Traps of librdkafka 2.0.2
// that shaped this are named where they bite.
#pragma once

#include "runtime/time.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
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

using Headers = std::vector<std::pair<std::string, std::string>>;

// Appends records. `append` is safe from any thread; `poll` and the callbacks belong to one thread.
class KafkaWriter {
public:
    // ok: stored at `offset`. Otherwise it may have been stored or not.
    using Stored = std::move_only_function<void(bool ok, std::int64_t offset)>;

    // `event_fd` becomes readable when poll() has something to do.
    KafkaWriter(const KafkaAccess& access, int event_fd, KafkaPace pace = KafkaPace::prompt);
    ~KafkaWriter();
    KafkaWriter(const KafkaWriter&) = delete;

    // False, and `stored` is not called: the local queue is full or the handle is dead.
    bool append(const std::string& topic, int partition, std::string_view key,
                std::string_view value, const Headers& headers, Stored stored);
    void poll();
    // Fatal: the process must end, a supervisor restarts it.
    const std::string& fatal() const { return fatal_; }
    // Set when all brokers were seen down; cleared by take_trouble().
    bool take_trouble();
    // Asks for metadata; true when a broker answered within `wait`.
    bool reachable(std::chrono::milliseconds wait);
    // [low, high) of a partition, or nothing within `wait`. Asked of a writer although a reader can
    // be asked as well: there the question waits behind a fetch that waits for records.
    std::optional<std::pair<std::int64_t, std::int64_t>> range(const std::string& topic,
                                                               int partition,
                                                               std::chrono::milliseconds wait);
    // Lets what is queued leave, at most `wait`.
    void flush(std::chrono::milliseconds wait);
    // Loads topic metadata, so that the first append does not wait for it.
    bool warm(const std::string& topic, std::chrono::milliseconds wait);

private:
    friend struct KafkaCallbacks;
    rd_kafka_topic_t* topic(const std::string& name);

    rd_kafka_t* handle_ = nullptr;
    rd_kafka_queue_t* main_queue_ = nullptr;
    std::map<std::string, rd_kafka_topic_t*> topics_;
    std::unique_ptr<struct KafkaLock> lock_;
    std::string fatal_;
    bool trouble_ = false;
};

// Reads any number of partitions into one stream of calls. One thread only.
class KafkaReader {
public:
    struct Sink {
        virtual ~Sink() = default;
        virtual void on_record(int source, std::int64_t offset, std::string_view key,
                               std::string_view value, Time stored_at) = 0;
        // Everything stored so far was read; the next offset is `offset`. At least once after each
        // start, however busily the partition is written.
        virtual void on_end(int source, std::int64_t offset) = 0;
        // The offset asked for, or reached, does not exist in the log.
        virtual void on_out_of_range(int source) = 0;
        virtual void on_trouble(int source, const std::string& what) = 0;
    };

    // `fetch_wait`: how long the broker holds an empty fetch.
    KafkaReader(const KafkaAccess& access, int event_fd, std::chrono::milliseconds fetch_wait,
                KafkaPace pace = KafkaPace::prompt);
    ~KafkaReader();
    KafkaReader(const KafkaReader&) = delete;

    // Reads `topic`/`partition` from `offset` on and names its records `source`. Started again, it
    // moves; nothing from before is delivered afterwards. One source at a time for each partition.
    bool start(int source, const std::string& topic, int partition, std::int64_t offset);
    void stop(int source);
    // Delivers at most `most`; false when nothing was there.
    bool poll(Sink& sink, std::size_t most);
    // [low, high) of a partition, or nothing within `wait`.
    std::optional<std::pair<std::int64_t, std::int64_t>> range(const std::string& topic,
                                                               int partition,
                                                               std::chrono::milliseconds wait);
    // Offset after the last record of a source, as the last fetch told; nothing before the first.
    std::optional<std::int64_t> high(int source) const;
    // Of the record that is being delivered: within on_record() only.
    Headers headers() const;
    bool take_trouble();
    const std::string& fatal() const { return fatal_; }

private:
    friend struct KafkaCallbacks;
    struct Source {
        rd_kafka_topic_t* topic = nullptr;
        int partition = -1;
        std::int64_t next = 0;
        bool ended = false;  // its end was reached once since it was started
    };

    void look_for_end(Sink& sink, int id);

    rd_kafka_t* handle_ = nullptr;
    rd_kafka_queue_t* main_queue_ = nullptr;
    rd_kafka_queue_t* records_ = nullptr;
    std::map<int, Source> sources_;
    std::map<std::pair<rd_kafka_topic_t*, int>, int> source_of_;
    std::map<std::string, rd_kafka_topic_t*> topics_;
    const rd_kafka_message_s* delivered_ = nullptr;
    std::string fatal_;
    bool trouble_ = false;
};

struct TopicSpec {
    std::string name;
    int partitions = 1;
    std::map<std::string, std::string> config;
};

// Why a topic cannot be used, and what to do.
struct TopicFault {
    enum class Kind {
        away,     // nobody answers for now: ask again
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

    // Number of brokers, or why none answered within `wait`.
    std::expected<int, std::string> brokers(std::chrono::milliseconds wait);
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
