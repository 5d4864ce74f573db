// What becomes of a claimed delivery: confirmed, refused, tried again, or unknown until its channel
// shows which. An unknown one is never sent again blindly.
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
// Nobody knows whether its attempt went out. Adds nothing where that is known already.
void doubt(Turn& turn, const Delivery& delivery, std::string reason,
           const v1::RecordOutcome* outcome = nullptr);

}  // namespace tocsin::publishing
