// From a crossing to a submitted message, in one decision, or to the reason why there is none.
// Pure.
#pragma once

#include "drafting/destinations.hpp"
#include "drafting/incident.hpp"
#include "drafting/template.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::drafting {

// The author of a message that a crossing starts.
inline constexpr std::string_view trigger_author = "service:trigger";

// The message of a crossing; the same for every repeat of it.
std::string crossing_message_id(const std::string& crossing_id);

// What a message is made of, beside the crossing.
struct Material {
    const std::string& world;
    const Incidents& incidents;
    const Templates& templates;
    const Destinations& destinations;
};

// A crossing as trigger decided it, and where and when a message is to be made of it.
struct Attempt {
    const trigger::v1::RuleCrossed& crossed;
    const std::string& realm;
    Time now;
    // Of the events before it in the same decision.
    std::size_t bytes_before = 0;
};
// MessageCreated and MessageSubmitted, or CrossingRefused with what to correct. The template's
// author accepted its warnings by storing it: a crossing must not wait for a person's answer.
std::vector<v1::Event> from_crossing(const Material& material, const Attempt& attempt);

std::size_t bytes_of(const std::vector<v1::Event>& events);

}  // namespace tocsin::drafting
