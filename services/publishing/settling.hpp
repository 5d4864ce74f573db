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

void settle(Turn& turn, const Delivery& delivery, v1::DeliveryState state,
            const std::string& reason, const v1::RecordOutcome* outcome = nullptr);
// Records that its attempt may have gone out. Adds nothing where that is recorded already.
void doubt(Turn& turn, const Delivery& delivery, std::string reason,
           const v1::RecordOutcome* outcome = nullptr);

}  // namespace tocsin::publishing
