// From a crossing to a submitted message, in one decision, or to the reason why there is none.
// Pure.
#pragma once

#include "drafting/decider.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <cstddef>
#include <string>
#include <vector>

namespace tocsin::drafting {

// The message of a crossing; the same for every repeat of it.
std::string crossing_message_id(const std::string& crossing_id);

// A crossing as trigger decided it, and where and when a message is to be made of it.
struct Attempt {
    const trigger::v1::RuleCrossed& crossed;
    const std::string& realm;
    Time now;
    // Of the events of the same decision before it.
    std::size_t bytes_before = 0;
};
// MessageCreated and MessageSubmitted, or CrossingRefused with what to mend. The template's author
// accepted its warnings by storing it: there is nobody else to ask at three in the morning.
std::vector<v1::Event> from_crossing(const State& state, const Attempt& attempt);

// Whether the rule, as it was put since, asks something else than it crossed at: of another source
// or series, another threshold, or another unit.
bool asks_otherwise(const Refused& refused, const trigger::v1::Rule& rule);
// A CrossingRefused that is not tried again, since the rule was removed or asks something else.
v1::Event crossing_given_up(const std::string& rule_id, const std::string& crossing_id,
                            bool removed);

// A timer: what a crossing was refused for may be mended. Where it is not, it is refused once more,
// and counted, so that the timer does not come again before something else changes.
runtime::Verdict<v1::Event> retry_crossing(const State& state, const runtime::Asking& asking,
                                           const v1::RetryCrossing& retry, Time now);

}  // namespace tocsin::drafting
