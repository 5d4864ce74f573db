// From a crossing to a submitted message, in one decision. Pure.
#pragma once

#include "drafting/decider.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <string>
#include <vector>

namespace tocsin::drafting {

// The message of a crossing; the same for every repeat of it.
std::string crossing_message_id(const std::string& crossing_id);

// MessageCreated and MessageSubmitted, or CrossingRefused with what to mend. The template's author
// accepted its warnings by storing it: there is nobody else to ask at three in the morning.
std::vector<v1::Event> from_crossing(const State& state, const trigger::v1::RuleCrossed& crossed,
                                     const std::string& realm, Time now);

// What is recorded of a crossing that leads to no message; `reason` says what to mend.
v1::Event crossing_refused(const trigger::v1::RuleCrossed& crossed, std::string reason);

}  // namespace tocsin::drafting
