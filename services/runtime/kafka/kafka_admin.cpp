#include "runtime/host/logs.hpp"
#include "runtime/kafka/kafka.hpp"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <cstdlib>
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
    set("client.id", "tocsin");
    set("reconnect.backoff.ms", "20");
    set("reconnect.backoff.max.ms", "500");
    if (access.bootstrap.starts_with("127.") || access.bootstrap.starts_with("localhost"))
        set("broker.address.family", "v4");
    for (const auto& [key, value] : access.properties) set(key, value);
    set("bootstrap.servers", access.bootstrap);
    rd_kafka_conf_set_log_cb(conf, nullptr);
    rd_kafka_conf_set_opaque(conf, this);
    // What a connection failed of, such as a wrong password, is only ever said here.
    rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t*, int code, const char* reason, void* opaque) {
        if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
            static_cast<TopicAdmin*>(opaque)->last_error_ = reason;
    });
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (handle_ == nullptr) throw std::runtime_error(fmt::format("kafka: {}", text));
}

TopicAdmin::~TopicAdmin() { rd_kafka_destroy(handle_); }

std::expected<std::vector<std::string>, std::string> TopicAdmin::brokers(
    std::chrono::milliseconds wait) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error =
        rd_kafka_metadata(handle_, 0, nullptr, &metadata, static_cast<int>(wait.count()));
    rd_kafka_poll(handle_, 0);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return std::unexpected(last_error_.empty() ? rd_kafka_err2str(error) : last_error_);
    std::vector<std::string> all;
    all.reserve(static_cast<std::size_t>(metadata->broker_cnt));
    for (int i = 0; i < metadata->broker_cnt; ++i)
        all.push_back(fmt::format("{}:{}", metadata->brokers[i].host, metadata->brokers[i].port));
    rd_kafka_metadata_destroy(metadata);
    // One that just started answers before it counts itself among those that store anything.
    if (all.empty()) return std::unexpected("no broker is registered yet");
    return all;
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

static std::unexpected<TopicFault> away(const TopicSpec& topic, std::string_view why) {
    return std::unexpected(
        TopicFault{TopicFault::Kind::away, fmt::format("topic `{}`: {}", topic.name, why)});
}

static std::unexpected<TopicFault> unfit(TopicFault::Kind kind, const TopicSpec& topic,
                                         std::string_view why) {
    return std::unexpected(TopicFault{kind, fmt::format("topic `{}`: {}", topic.name, why)});
}

// Whether asking again would only bring the same answer.
static bool lasts(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
           error == RD_KAFKA_RESP_ERR_POLICY_VIOLATION ||
           error == RD_KAFKA_RESP_ERR_INVALID_CONFIG || error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
}

std::expected<void, TopicFault> TopicAdmin::create(const TopicSpec& topic, int replication) {
    char text[512];
    rd_kafka_NewTopic_t* wanted =
        rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, replication, text, sizeof text);
    if (wanted == nullptr) return unfit(TopicFault::Kind::unusable, topic, text);
    for (const auto& [key, value] : topic.config)
        rd_kafka_NewTopic_set_config(wanted, key.c_str(), value.c_str());
    const auto event =
        ask(handle_, RD_KAFKA_ADMIN_OP_CREATETOPICS, [&](auto* options, auto* queue) {
            rd_kafka_CreateTopics(handle_, &wanted, 1, options, queue);
        });
    rd_kafka_NewTopic_destroy(wanted);
    if (!event) return away(topic, "the broker did not answer when it was to be made");
    if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return away(topic, rd_kafka_event_error_string(event.get()));
    std::size_t count = 0;
    const auto* results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto error = rd_kafka_topic_result_error(results[i]);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            continue;
        const char* reason = rd_kafka_topic_result_error_string(results[i]);
        if (!lasts(error)) return away(topic, reason != nullptr ? reason : rd_kafka_err2str(error));
        return unfit(TopicFault::Kind::unusable, topic,
                     fmt::format("cannot be made: {}; have it made, or allow this user to create "
                                 "topics",
                                 reason != nullptr ? reason : rd_kafka_err2str(error)));
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

TopicAdmin::Layout TopicAdmin::layout(const TopicSpec& topic, std::string& why) {
    rd_kafka_topic_t* where = rd_kafka_topic_new(handle_, topic.name.c_str(), nullptr);
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error = rd_kafka_metadata(handle_, 0, where, &metadata, 5000);
    rd_kafka_topic_destroy(where);
    Layout found;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        why = rd_kafka_err2str(error);
        return found;
    }
    found.asked = true;
    if (metadata->topic_cnt == 1 && metadata->topics[0].partition_cnt > 0) {
        const rd_kafka_metadata_topic_t& one = metadata->topics[0];
        found.partitions = one.partition_cnt;
        found.replicas = one.partitions[0].replica_cnt;
        for (int i = 1; i < one.partition_cnt; ++i)
            found.replicas = std::min(found.replicas, one.partitions[i].replica_cnt);
    }
    rd_kafka_metadata_destroy(metadata);
    return found;
}

int TopicAdmin::replicas(const std::string& topic) {
    std::string why;
    return layout({topic, 0, {}}, why).replicas;
}

std::expected<void, TopicFault> TopicAdmin::check_layout(const TopicSpec& topic, int replication) {
    std::string why = "the broker does not know it yet";
    Layout found;
    // A topic just created may take a moment to have leaders.
    for (int attempt = 0; attempt < 50 && found.partitions == 0; ++attempt) {
        found = layout(topic, why);
        if (found.partitions == 0 && rd_kafka_poll(handle_, 100) < 0) break;
    }
    if (found.partitions == 0) return away(topic, why);
    // Those beyond are never used; how many a ledger began with, it says itself.
    if (found.partitions < topic.partitions)
        return unfit(TopicFault::Kind::unusable, topic,
                     fmt::format("it has {} partitions and must have {}; see that "
                                 "--kafka-partitions is what this world began with, or give the "
                                 "topic more by kafka-topics.sh --alter",
                                 found.partitions, topic.partitions));
    if (found.replicas < replication)
        return unfit(TopicFault::Kind::unsafe, topic,
                     fmt::format("its replication factor is {} and must be at least {}; "
                                 "kafka-reassign-partitions.sh gives it more replicas",
                                 found.replicas, replication));
    return {};
}

// Whether a setting is good: some values are stronger than the one required.
static bool fits(const std::string& key, const std::string& found, const std::string& wanted) {
    static constexpr std::string_view at_least[] = {"min.insync.replicas", "retention.ms",
                                                    "retention.bytes", "max.message.bytes"};
    if (found == wanted) return true;
    if (std::ranges::find(at_least, key) == std::end(at_least)) return false;
    if (key.starts_with("retention.") && (wanted == "-1" || found == "-1")) return found == "-1";
    return std::strtoll(found.c_str(), nullptr, 10) >= std::strtoll(wanted.c_str(), nullptr, 10);
}

std::expected<void, TopicFault> TopicAdmin::check_settings(const TopicSpec& topic) {
    rd_kafka_ConfigResource_t* resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.name.c_str());
    const auto event =
        ask(handle_, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, [&](auto* options, auto* queue) {
            rd_kafka_DescribeConfigs(handle_, &resource, 1, options, queue);
        });
    rd_kafka_ConfigResource_destroy(resource);
    if (!event || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return away(topic, event ? rd_kafka_event_error_string(event.get())
                                 : "the broker did not answer about its settings");
    std::size_t count = 0;
    const auto* resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    if (count != 1) return away(topic, "the broker's answer has none of its settings");
    // Another node than the one that made the topic may not know it for a moment.
    const auto error = rd_kafka_ConfigResource_error(resources[0]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR && !lasts(error))
        return away(topic, rd_kafka_err2str(error));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return unfit(TopicFault::Kind::unsafe, topic,
                     fmt::format("its settings cannot be checked ({}); allow this user to describe "
                                 "them",
                                 rd_kafka_ConfigResource_error_string(resources[0])));
    for (const auto& [key, wanted] : topic.config) {
        const auto found = setting(resources[0], key);
        if (found && !fits(key, *found, wanted))
            return unfit(TopicFault::Kind::unsafe, topic,
                         fmt::format("{} is {} and must be {}; kafka-configs.sh --alter "
                                     "--entity-type topics --entity-name {} --add-config {}={} "
                                     "changes it",
                                     key, *found, wanted, topic.name, key, wanted));
    }
    return {};
}

// With `allow_unsafe` a setting that only weakens the guarantees is logged, and is no fault.
static std::expected<void, TopicFault> tolerated(std::expected<void, TopicFault> good,
                                                 bool allow_unsafe) {
    if (good || good.error().kind != TopicFault::Kind::unsafe || !allow_unsafe) return good;
    logs::warn("topic settings break the guarantees; going on because kafka-allow-unsafe is set",
               {{"why", good.error().text}});
    return {};
}

std::expected<void, TopicFault> TopicAdmin::ensure(const std::vector<TopicSpec>& topics,
                                                   int replication, bool allow_unsafe) {
    for (const TopicSpec& topic : topics) {
        std::string why;
        const Layout there = layout(topic, why);
        if (!there.asked) return away(topic, why);
        if (there.partitions == 0)
            if (auto created = create(topic, replication); !created) return created;
        if (auto good = tolerated(check_layout(topic, replication), allow_unsafe); !good)
            return good;
        if (auto good = tolerated(check_settings(topic), allow_unsafe); !good) return good;
    }
    return {};
}

}  // namespace tocsin::runtime
