// What a duty officer decides about one delivery: to try it again, or what became of it.
#pragma once

#include "publishing/releases.hpp"

namespace tocsin::publishing {

// ---- commands

// Of a delivery that was refused. What is in doubt is resolved first, unless its kind takes a
// repeat for what it is.
Verdict retry_delivery(const Releases& releases, const Channels& channels,
                       const runtime::Asking& asking, const v1::RetryDeliveryRequest& request,
                       Time now);
// Of a delivery in doubt, by somebody who looked at the channel.
Verdict resolve_delivery(const Releases& releases, const runtime::Asking& asking,
                         const v1::ResolveDeliveryRequest& request, Time now);

}  // namespace tocsin::publishing
