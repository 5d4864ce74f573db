// Where a review stands, and the one table of moves that it may make.
#pragma once

#include "tocsin/approval/v1/review.pb.h"

namespace tocsin::approval {

// Unspecified, as `from`: the message has no review so far.
bool may_move(v1::ReviewState from, v1::ReviewState to);

}  // namespace tocsin::approval
