// Every topic: name, key, what lies in it, partitions, retention. Nothing else creates or names
// one.
#pragma once

#include "runtime/ledger/log.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::runtime {

// The world is part of every name, so that an exercise cannot read or write a live topic.
std::string commands_topic(std::string_view world, std::string_view service);
std::string ledger_topic(std::string_view world, std::string_view service);
std::string stream_topic(std::string_view world, std::string_view service, std::string_view stream);
// Whether a topic, of either world, is that stream of that service.
bool is_stream(std::string_view topic, std::string_view service, std::string_view stream);
std::string dead_letters_topic(std::string_view world);
std::string events_topic(std::string_view world);
// Where instances compare their clocks with the brokers'.
std::string probes_topic(std::string_view world);

struct TopicSpec {
    std::string name;
    int partitions = 1;
    std::map<std::string, std::string> config;
};

struct TopicPlan {
    std::string_view world;
    int partitions = 8;
    int replicas = 1;
};

// The topics that a service writes.
std::vector<TopicSpec> topics_of(const TopicPlan& plan, std::string_view service,
                                 const std::vector<std::string>& streams);
// Only its ledger: for those who follow it and may start first.
TopicSpec ledger_spec(const TopicPlan& plan, std::string_view service);

// What is wrong where a topic, or the partition of one that is named, does not exist; what to do.
std::string missing_text(std::string_view log);
// The same where Kafka accepts no records for it, with Kafka's reason.
std::string not_stored_text(std::string_view log, const Stored& stored);
// The same where a record for it could not even be queued; it is in no log.
std::string not_queued_text(std::string_view log, Queued queued);

}  // namespace tocsin::runtime
