// One partition of a topic, as it lies in a FakeKafka.
#pragma once

#include "sim/fake_kafka.hpp"

namespace tocsin::sim {

class Topic {
public:
    using Record = FakeKafka::Record;

    Topic(FakeKafka& kafka, std::string topic, int partition)
        : name(std::move(topic)),
          number(partition),
          kafka_(&kafka),
          log_(&kafka.log(name, partition)) {}

    std::int64_t low() const { return log_->low; }
    std::int64_t end() const { return log_->end(); }
    std::int64_t size() const { return log_->end() - log_->low; }
    bool holds(std::int64_t offset) const { return log_->holds(offset); }
    const Record& at(std::int64_t offset) const { return log_->at(offset); }
    bool is(const FakeKafka::Place& place) const {
        return place.second == number && place.first == name;
    }

    // Appends at once, as somebody else would.
    std::int64_t put(std::string value) { return kafka_->put(name, number, "", std::move(value)); }
    void lose_tail(std::int64_t count) { kafka_->lose_tail(name, number, count); }
    void fall_behind(int count, int steps, milliseconds each) {
        kafka_->fall_behind(name, number, count, steps, each);
    }
    void drop_before(std::int64_t offset) { kafka_->drop_before(name, number, offset); }
    void stall(bool with_handle) { kafka_->stall(name, number, with_handle); }

    std::string name;
    int number;

private:
    FakeKafka* kafka_;
    const FakeKafka::Log* log_;
};

}  // namespace tocsin::sim
