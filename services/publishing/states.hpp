// Where a release and a delivery can stand, and which state may follow which. A release begins as
// preparing; a delivery as planned, or as armed where it retracts. An outcome is no state: each is
// one attempt's, and none follows another; what it makes of a delivery, `may_move` has.
#pragma once

#include "tocsin/publishing/v1/delivery.pb.h"
#include "tocsin/publishing/v1/release.pb.h"

namespace tocsin::publishing {

bool may_move(v1::ReleaseState from, v1::ReleaseState to);
bool may_move(v1::DeliveryState from, v1::DeliveryState to);

// Neither prepared, nor armed, nor on its way.
bool at_rest(v1::ReleaseState state);
// What it sends is not fixed yet.
bool is_unarmed(v1::DeliveryState state);
// Nothing more happens to it, unless it was given up in doubt.
bool settled(v1::DeliveryState state);

}  // namespace tocsin::publishing
