// Crossings: a rule of trigger crossed its threshold, and a message is made of it at once, or once
// the reason of its refusal may be gone (refused.hpp). Pure.
#pragma once

#include "drafting/crossing_draft.hpp"
#include "drafting/message.hpp"
#include "drafting/refused.hpp"

#include <optional>

namespace tocsin::drafting {

// The slices of the state that crossings depend on.
struct CrossingSlices {
    const RefusedCrossings& refused;
    const Messages& messages;
    Material material;
};

// ---- commands

// A timer: the reason of a refusal may be gone. Where it is not, the crossing is refused once more,
// and the refusal counted, so that the timer does not come again before something else changes.
Verdict retry_crossing(const CrossingSlices& slices, const runtime::Asking& asking,
                       const v1::RetryCrossing& retry, Time now);

// ---- reactions to trigger

// Crossings, and what ends the attempts at those that were refused.
bool concerns_crossings(const runtime::Foreign& foreign);
void follow_trigger(const CrossingSlices& slices, const runtime::Foreign& foreign, Time now,
                    Happened& happened);

// ---- due times

// Of refused crossings, once their template or incident has changed, or they are too old.
std::optional<runtime::Due<v1::Command>> next_due(const RefusedCrossings& refused);

}  // namespace tocsin::drafting
