// What becomes of a claimed delivery: confirmed, refused, tried again, or unknown until its channel
// shows which. An unknown one is never sent again before its channel was queried.
#pragma once

#include "publishing/release_steps.hpp"

#include <string>

namespace tocsin::publishing {

// ---- commands

Verdict record_outcome(const Releases& releases, const runtime::Asking& asking,
                       const v1::RecordOutcome& outcome, Time now);

// ---- steps

// `resolved_by`: the person who looked at the channel, where it did not say so itself.
void settle(Turn& turn, const Delivery& delivery, v1::DeliveryState state,
            const std::string& reason, const v1::RecordOutcome* outcome = nullptr,
            const std::string& resolved_by = {});
// Allows the next attempt. `ordered_by`: the person who wants it, where nobody had to.
void arm_again(Turn& turn, const Delivery& delivery, Time retry_at, const std::string& reason,
               const std::string& ordered_by = {});
// Records that its attempt may have gone out. Adds nothing where that is recorded already.
void doubt(Turn& turn, const Delivery& delivery, std::string reason,
           const v1::RecordOutcome* outcome = nullptr);

}  // namespace tocsin::publishing
