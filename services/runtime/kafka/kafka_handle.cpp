#include "runtime/kafka/kafka_handle.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace tocsin::runtime {

// librdkafka prints to stderr by default, which is for JSON lines.
static void log(const rd_kafka_t*, int level, const char* facility, const char* text) {
    if (level <= 3)
        logs::warn("kafka client", {{"facility", facility}, {"text", text}});
    else
        logs::debug("kafka client", {{"facility", facility}, {"text", text}});
}

rd_kafka_conf_t* conf_of(const KafkaSettings& settings) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    for (const auto& [key, value] : settings) {
        char text[512];
        if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), text, sizeof text) !=
            RD_KAFKA_CONF_OK)
            throw std::runtime_error(fmt::format("kafka property {}: {}", key, text));
    }
    rd_kafka_conf_set_log_cb(conf, &log);
    return conf;
}

rd_kafka_t* open_handle(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
    char text[512];
    rd_kafka_t* handle = rd_kafka_new(type, conf, text, sizeof text);
    if (handle == nullptr) {
        rd_kafka_conf_destroy(conf);
        throw std::runtime_error(fmt::format("kafka: {}", text));
    }
    return handle;
}

void wake_by(rd_kafka_queue_t* queue, int event_fd) {
    static const std::uint64_t one = 1;
    if (event_fd >= 0) rd_kafka_queue_io_event_enable(queue, event_fd, &one, sizeof one);
}

std::optional<LogRange> ask_range(rd_kafka_t* handle, const std::string& topic, int partition,
                                  std::chrono::milliseconds wait) {
    LogRange range;
    const auto error = rd_kafka_query_watermark_offsets(
        handle, topic.c_str(), partition, &range.low, &range.high, static_cast<int>(wait.count()));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
    return range;
}

}  // namespace tocsin::runtime
