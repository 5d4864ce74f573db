#include "runtime/kafka.hpp"
#include "runtime/logs.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <stdexcept>

namespace tocsin::runtime {

static constexpr int admin_timeout_ms = 15'000;

TopicAdmin::TopicAdmin(const KafkaAccess& access) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    char text[512];
    const auto set = [&](const std::string& key, const std::string& value) {
        if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), text, sizeof text) !=
            RD_KAFKA_CONF_OK)
            throw std::runtime_error(fmt::format("kafka property {}: {}", key, text));
    };
    for (const auto& [key, value] : access.properties) set(key, value);
    set("bootstrap.servers", access.bootstrap);
    set("reconnect.backoff.ms", "20");
    set("reconnect.backoff.max.ms", "500");
    if (access.bootstrap.starts_with("127.")) set("broker.address.family", "v4");
    rd_kafka_conf_set_log_cb(conf, nullptr);
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (handle_ == nullptr) throw std::runtime_error(fmt::format("kafka: {}", text));
}

TopicAdmin::~TopicAdmin() { rd_kafka_destroy(handle_); }

std::expected<int, std::string> TopicAdmin::brokers(std::chrono::milliseconds wait) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error =
        rd_kafka_metadata(handle_, 0, nullptr, &metadata, static_cast<int>(wait.count()));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return std::unexpected(rd_kafka_err2str(error));
    const int count = metadata->broker_cnt;
    rd_kafka_metadata_destroy(metadata);
    return count;
}

struct EventDeleter {
    void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
using EventPointer = std::unique_ptr<rd_kafka_event_t, EventDeleter>;

// Runs one admin call and waits for its answer.
template <class Call>
static EventPointer ask(rd_kafka_t* handle, rd_kafka_admin_op_t operation, Call call) {
    rd_kafka_queue_t* queue = rd_kafka_queue_new(handle);
    rd_kafka_AdminOptions_t* options = rd_kafka_AdminOptions_new(handle, operation);
    char text[256];
    rd_kafka_AdminOptions_set_request_timeout(options, admin_timeout_ms, text, sizeof text);
    call(options, queue);
    EventPointer event(rd_kafka_queue_poll(queue, admin_timeout_ms + 1000));
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return event;
}

template <class... Parts>
static std::unexpected<TopicProblem> fault(fmt::format_string<Parts...> text, Parts&&... parts) {
    return std::unexpected(TopicProblem{fmt::format(text, std::forward<Parts>(parts)...)});
}

template <class... Parts>
static std::unexpected<TopicProblem> passing(fmt::format_string<Parts...> text, Parts&&... parts) {
    return std::unexpected(TopicProblem{fmt::format(text, std::forward<Parts>(parts)...), true});
}

// The first: every broker that could hold the topic is fenced, or too few are there yet.
static bool passes(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR ||
           error == RD_KAFKA_RESP_ERR_NOT_CONTROLLER ||
           error == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT ||
           error == RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION ||
           error == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

std::expected<void, TopicProblem> TopicAdmin::create(const TopicSpec& topic, int replication) {
    char text[512];
    rd_kafka_NewTopic_t* wanted =
        rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, replication, text, sizeof text);
    if (wanted == nullptr) return fault("{}: {}", topic.name, text);
    for (const auto& [key, value] : topic.config)
        rd_kafka_NewTopic_set_config(wanted, key.c_str(), value.c_str());
    const auto event =
        ask(handle_, RD_KAFKA_ADMIN_OP_CREATETOPICS, [&](auto* options, auto* queue) {
            rd_kafka_CreateTopics(handle_, &wanted, 1, options, queue);
        });
    rd_kafka_NewTopic_destroy(wanted);
    if (!event) return passing("{}: the broker did not answer", topic.name);
    if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return passing("{}: {}", topic.name, rd_kafka_event_error_string(event.get()));
    std::size_t count = 0;
    const auto* results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto error = rd_kafka_topic_result_error(results[i]);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            continue;
        const char* reason = rd_kafka_topic_result_error_string(results[i]);
        if (reason == nullptr) reason = rd_kafka_err2str(error);
        if (passes(error)) return passing("creating topic {}: {}", topic.name, reason);
        return fault("creating topic {}: {}", topic.name, reason);
    }
    return {};
}

static std::optional<std::string> setting(const rd_kafka_ConfigResource_t* resource,
                                          const std::string& key) {
    std::size_t count = 0;
    const auto* entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (std::size_t i = 0; i < count; ++i)
        if (key == rd_kafka_ConfigEntry_name(entries[i])) {
            const char* value = rd_kafka_ConfigEntry_value(entries[i]);
            return value != nullptr ? value : "";
        }
    return std::nullopt;
}

static std::expected<void, TopicProblem> check_layout(rd_kafka_t* handle, const TopicSpec& topic,
                                                      int replication) {
    rd_kafka_topic_t* where = rd_kafka_topic_new(handle, topic.name.c_str(), nullptr);
    TopicProblem problem{"the broker does not know it", true};
    // A topic just created may take a moment to have leaders.
    for (int attempt = 0; attempt < 50 && !problem.text.empty(); ++attempt) {
        const rd_kafka_metadata_t* metadata = nullptr;
        const auto error = rd_kafka_metadata(handle, 0, where, &metadata, 5000);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
            problem = {rd_kafka_err2str(error), true};
            continue;
        }
        const bool known = metadata->topic_cnt == 1 && metadata->topics[0].partition_cnt > 0;
        if (known) {
            const auto& found = metadata->topics[0];
            if (found.partition_cnt != topic.partitions)
                problem = {fmt::format("it has {} partitions and must have {}", found.partition_cnt,
                                       topic.partitions)};
            else if (found.partitions[0].replica_cnt < replication)
                problem = {fmt::format("its replication factor is {} and must be at least {}",
                                       found.partitions[0].replica_cnt, replication)};
            else
                problem = {};
            attempt = 50;
        }
        rd_kafka_metadata_destroy(metadata);
        if (!known && rd_kafka_poll(handle, 100) < 0) break;
    }
    rd_kafka_topic_destroy(where);
    if (problem.text.empty()) return {};
    problem.text = fmt::format("topic {}: {}", topic.name, problem.text);
    return std::unexpected(std::move(problem));
}

std::expected<void, TopicProblem> TopicAdmin::check(const TopicSpec& topic, int replication) {
    if (auto fits = check_layout(handle_, topic, replication); !fits) return fits;
    rd_kafka_ConfigResource_t* resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.name.c_str());
    const auto event =
        ask(handle_, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, [&](auto* options, auto* queue) {
            rd_kafka_DescribeConfigs(handle_, &resource, 1, options, queue);
        });
    rd_kafka_ConfigResource_destroy(resource);
    if (!event || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return passing("topic {}: its settings cannot be read", topic.name);
    std::size_t count = 0;
    const auto* resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    if (count != 1) return passing("topic {}: no settings", topic.name);
    for (const auto& [key, wanted] : topic.config) {
        const auto found = setting(resources[0], key);
        if (found && *found != wanted)
            return fault(
                "topic {}: {} is {} and must be {}; change the topic or choose another cluster",
                topic.name, key, *found, wanted);
    }
    return {};
}

std::expected<void, TopicProblem> TopicAdmin::ensure(const std::vector<TopicSpec>& topics,
                                                     int replication, bool allow_unsafe) {
    for (const TopicSpec& topic : topics) {
        if (auto created = create(topic, replication); !created) return created;
        auto fits = check(topic, replication);
        if (fits) continue;
        if (!allow_unsafe || fits.error().passes) return fits;
        logs::warn("topic does not keep the promises; going on as told",
                   {{"why", fits.error().text}});
    }
    return {};
}

}  // namespace tocsin::runtime
