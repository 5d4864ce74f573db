// The bare client: librdkafka with the settings of the runtime and nothing above it. What the
// benchmarks compare with.
#pragma once

#include "runtime/kafka/kafka.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::bench {

using Clock = std::chrono::steady_clock;

struct Place {
    std::string topic;
    int partition = 0;
};

// Names of all topics.
std::vector<std::string> topic_names(const runtime::KafkaAccess& access);
// The last record of a partition; empty when there is none.
std::string last_record(const runtime::KafkaAccess& access, const Place& place);

// The records of a partition from `from` on up to its present end.
std::vector<std::string> records_from(const runtime::KafkaAccess& access, const Place& place,
                                      std::int64_t from);
// Deletes topics and returns once Kafka names none of them any more; throws when one stays for 60
// s.
void delete_topics(const runtime::KafkaAccess& access, const std::vector<std::string>& names);

// Offset after the last record of a partition.
std::int64_t end_offset(const runtime::KafkaAccess& access, const Place& place);

// Produces to a partition by one handle and consumes it by another.
class Hop {
public:
    Hop(const runtime::KafkaAccess& access, Place place, std::string record);
    ~Hop();
    Hop(const Hop&) = delete;

    // One record there and back; throws when it does not come within 10 s.
    void pass();
    void produce();
    // Waits for one record; false when none comes within `wait`.
    bool consume(std::chrono::milliseconds wait);

private:
    struct Handles;
    Place place_;
    std::string record_;
    std::unique_ptr<Handles> handles_;
};

// Follows one partition from where it ends when this is made.
class Tail {
public:
    Tail(const runtime::KafkaAccess& access, Place place);
    ~Tail();
    Tail(const Tail&) = delete;

    struct Record {
        std::int64_t offset = 0;
        std::string bytes;
    };
    // The next record; nothing when none comes within `wait`.
    std::optional<Record> next(std::chrono::milliseconds wait);

private:
    struct Handles;
    Place place_;
    std::unique_ptr<Handles> handles_;
};

// Records per second around the loop produce to `there`, consume, produce to `back`, consume, with
// `in_flight` on their way for the length of `duration`.
double loop_rate(Hop& there, Hop& back, int in_flight, std::chrono::milliseconds duration);

// Seconds to consume all `partitions` of a topic to their ends; throws unless it holds `expected`.
double consume_all(const runtime::KafkaAccess& access, const std::string& topic, int partitions,
                   std::int64_t expected);

// Seconds since `since`, and in milliseconds.
double seconds_since(Clock::time_point since);
double ms_since(Clock::time_point since);

}  // namespace tocsin::bench
