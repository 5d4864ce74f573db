// Releasing without the channels that are not ready, and what a changed channel means for releases
// that are under way.
#pragma once

#include "publishing/channel.hpp"
#include "publishing/releases.hpp"

#include <string>

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

// Whether its channel is in use, and leads to where the delivery was armed for.
bool leads_there(const Channels& channels, const Delivery& delivery);
// What may be public is sent again, queried and taken back by the credentials that its channels
// have now. `only`: of that channel.
void refresh_channels(Turn& turn, const Channels& channels, const std::string& only = {});

}  // namespace tocsin::publishing
