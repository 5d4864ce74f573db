// Taking back what is public, on every channel that has or may have it.
#pragma once

#include "publishing/release_steps.hpp"

#include <string>

namespace tocsin::publishing {

// ---- commands

Verdict retract_release(const Releases& releases, const runtime::Asking& asking,
                        const v1::RetractReleaseRequest& request, Time now);

// ---- steps

// What became of a delivery of a retracted message may concern its retraction.
void follow_original(Turn& turn, const std::string& delivery_id);

}  // namespace tocsin::publishing
