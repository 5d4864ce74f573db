// Releasing without the channels that are not ready, and what a changed channel means for releases
// that are under way.
#pragma once

#include "publishing/channel.hpp"
#include "publishing/releases.hpp"

namespace tocsin::publishing {

struct Turn;

// ---- commands

Verdict proceed_release(const Releases& releases, const runtime::Asking& asking,
                        const v1::ProceedReleaseRequest& request, Time now);
// Adds to the decision to put or to remove a channel what becomes of the deliveries that wait for
// it.
Verdict follow_channel(Verdict changed, const Releases& releases, const runtime::Asking& asking,
                       Time now);

// ---- steps

// Sends what is sent from now on by the credentials that the channels have now.
void refresh_channels(Turn& turn, const Channels& channels);

}  // namespace tocsin::publishing
