#include "runtime/ledger/topics.hpp"

#include <fmt/format.h>

namespace tocsin::runtime {

static std::string prefixed(std::string_view world, const std::string& rest) {
    return world == "exercise" ? "exercise." + rest : rest;
}

std::string commands_topic(std::string_view world, std::string_view service) {
    return prefixed(world, fmt::format("tocsin.{}.commands.v1", service));
}

std::string ledger_topic(std::string_view world, std::string_view service) {
    return prefixed(world, fmt::format("tocsin.{}.ledger.v1", service));
}

std::string stream_topic(std::string_view world, std::string_view service,
                         std::string_view stream) {
    return prefixed(world, fmt::format("tocsin.{}.{}.v1", service, stream));
}

bool is_stream(std::string_view topic, std::string_view service, std::string_view stream) {
    return topic.ends_with(stream_topic("live", service, stream));
}

std::string dead_letters_topic(std::string_view world) {
    return prefixed(world, "tocsin.dead-letters.v1");
}

std::string events_topic(std::string_view world) { return prefixed(world, "tocsin.events.v1"); }

std::string probes_topic(std::string_view world) { return prefixed(world, "tocsin.probes.v1"); }

static constexpr std::string_view hours_1 = "3600000";
static constexpr std::string_view days_7 = "604800000";
static constexpr std::string_view days_90 = "7776000000";

static TopicSpec spec(const TopicPlan& plan, std::string name, std::string_view retention_ms,
                      bool promised) {
    TopicSpec topic{std::move(name), plan.partitions, {}};
    topic.config["cleanup.policy"] = "delete";
    topic.config["retention.ms"] = std::string(retention_ms);
    topic.config["retention.bytes"] = "-1";
    topic.config["message.timestamp.type"] = "LogAppendTime";
    topic.config["max.message.bytes"] = "1048588";
    if (!promised) return topic;
    topic.config["unclean.leader.election.enable"] = "false";
    if (plan.replicas > 1)
        topic.config["min.insync.replicas"] = "2";
    else  // Without replicas, stored means on disk.
        topic.config["flush.messages"] = "1";
    return topic;
}

TopicSpec ledger_spec(const TopicPlan& plan, std::string_view service) {
    return spec(plan, ledger_topic(plan.world, service), "-1", true);
}

//  name                             key      value                        kept
//  tocsin.<service>.commands.v1     realm    ledger.v1.CommandRecord      7 days
//  tocsin.<service>.ledger.v1       realm    ledger.v1.Decision           for ever
//  tocsin.<service>.<stream>.v1     realm    ledger.v1.CommandRecord      7 days
//  tocsin.dead-letters.v1           service  bytes that were not decided  90 days
//  tocsin.events.v1                 realm    ledger.v1.PublicEvent        90 days
//  tocsin.probes.v1                 service  nothing; one partition       1 hour
std::vector<TopicSpec> topics_of(const TopicPlan& plan, std::string_view service,
                                 const std::vector<std::string>& streams) {
    std::vector<TopicSpec> topics;
    topics.push_back(spec(plan, commands_topic(plan.world, service), days_7, true));
    topics.push_back(ledger_spec(plan, service));
    for (const std::string& stream : streams)
        topics.push_back(spec(plan, stream_topic(plan.world, service, stream), days_7, false));
    topics.push_back(spec(plan, dead_letters_topic(plan.world), days_90, true));
    topics.push_back(spec(plan, events_topic(plan.world), days_90, false));
    TopicSpec probes = spec(plan, probes_topic(plan.world), hours_1, false);
    probes.partitions = 1;
    topics.push_back(std::move(probes));
    return topics;
}

std::string missing_text(std::string_view log) {
    return fmt::format(
        "{} does not exist in Kafka: restore it, or restart an instance, which creates missing "
        "topics",
        log);
}

static std::string refused_text(std::string_view log, std::string_view why) {
    return fmt::format(
        "Kafka accepts no records for {} ({}): check its settings, its replicas and the rights of "
        "this service",
        log, why.empty() ? "without a reason" : why);
}

std::string not_stored_text(std::string_view log, const Stored& stored) {
    return stored.kind == Stored::Kind::missing ? missing_text(log) : refused_text(log, stored.why);
}

std::string not_queued_text(std::string_view log, Queued queued) {
    switch (queued) {
        case Queued::missing:
            return missing_text(log);
        case Queued::refused:
            return fmt::format(
                "the Kafka client accepts no records for {}, most often because rights are "
                "missing: the service's log has the reason",
                log);
        case Queued::too_large:
            return fmt::format("a record for {} is larger than any log accepts", log);
        case Queued::dead:
            return "this instance is about to start again";
        case Queued::full:
        case Queued::queued:
            break;
    }
    return fmt::format("the queue to Kafka is full: no record for {} is accepted now", log);
}

}  // namespace tocsin::runtime
