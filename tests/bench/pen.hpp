// Appends raw records to topics without losing any, however full the queue is.
#pragma once

#include "bench/stage.hpp"

#include <cstdint>
#include <string>

namespace tocsin::bench {

class Pen {
public:
    explicit Pen(const Stage& stage) : writer_(stage.kafka(), -1) {}

    // Throws when Kafka takes none for a minute.
    void append(const std::string& topic, int partition, const std::string& key,
                const std::string& record, const runtime::Headers& headers = {});
    // Waits until all are stored; throws when one is not.
    void finish();

private:
    runtime::KafkaWriter writer_;
    std::int64_t wanted_ = 0, stored_ = 0, lost_ = 0;
    std::size_t bytes_ = 0;  // in the queue
};

}  // namespace tocsin::bench
