// The way to stop a release, at any moment and with one call.
#pragma once

#include "publishing/releases.hpp"

namespace tocsin::publishing {

// ---- commands

// Cancels it where nothing left, and retracts it otherwise. Nobody has to know which: it may change
// while the call is on its way.
Verdict stop_release(const Releases& releases, const Channels& channels,
                     const runtime::Asking& asking, const v1::StopReleaseRequest& request,
                     Time now);

}  // namespace tocsin::publishing
