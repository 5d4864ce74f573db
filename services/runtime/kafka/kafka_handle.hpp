// How a handle of librdkafka is opened, and what it calls back; for kafka_*.cpp only.
#pragma once

#include "runtime/host/logs.hpp"
#include "runtime/kafka/kafka.hpp"

#include <librdkafka/rdkafka.h>

namespace tocsin::runtime {

struct KafkaCallbacks {
    template <class Owner>
    static void error(rd_kafka_t* handle, int code, const char* reason, void* opaque) {
        auto* owner = static_cast<Owner*>(opaque);
        if (code == RD_KAFKA_RESP_ERR__FATAL) {
            char text[512];
            rd_kafka_fatal_error(handle, text, sizeof text);
            owner->fatal_ = text;
            logs::error("the Kafka client failed for good", {{"error", text}});
            return;
        }
        if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) owner->trouble_ = true;
        logs::debug("the Kafka client reports an error", {{"error", reason}});
    }
    static void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*);
};

// A setting that librdkafka refuses is thrown.
rd_kafka_conf_t* conf_of(const KafkaSettings& settings);
// Takes `conf`; a handle that cannot be opened is thrown.
rd_kafka_t* open_handle(rd_kafka_type_t type, rd_kafka_conf_t* conf);
// `event_fd` becomes readable when something is put into the empty queue.
void wake_by(rd_kafka_queue_t* queue, int event_fd);
std::optional<LogRange> ask_range(rd_kafka_t* handle, const std::string& topic, int partition,
                                  std::chrono::milliseconds wait);

}  // namespace tocsin::runtime
