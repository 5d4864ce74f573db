// The claim, after which something may be public; and the cancel, while nothing is.
#pragma once

#include "publishing/release_steps.hpp"

namespace tocsin::publishing {

// ---- commands

Verdict claim_release(const Releases& releases, const runtime::Asking& asking,
                      const v1::ClaimRelease& claim, Time now);
Verdict cancel_release(const Releases& releases, const runtime::Asking& asking,
                       const v1::CancelReleaseRequest& request, Time now);

}  // namespace tocsin::publishing
