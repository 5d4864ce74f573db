// Where a review stands, and the one table of moves that it may make.
#pragma once

#include "tocsin/approval/v1/approval_ledger.pb.h"

namespace tocsin::approval {

// Unspecified, as `from`: the message has no review so far.
bool may_move(v1::ReviewState from, v1::ReviewState to);

// Where an event moves its review. Unspecified: nowhere, or it is about no review.
v1::ReviewState state_after(const v1::Event& event);

}  // namespace tocsin::approval
