// Releasing without the channels that are not ready.
#pragma once

#include "publishing/releases.hpp"

namespace tocsin::publishing {

// ---- commands

Verdict proceed_release(const Releases& releases, const runtime::Asking& asking,
                        const v1::ProceedReleaseRequest& request, Time now);

}  // namespace tocsin::publishing
