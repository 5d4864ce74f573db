// How far a message has come, and the one table of moves that it may make.
#pragma once

#include "tocsin/drafting/v1/message.pb.h"

namespace tocsin::drafting {

bool may_move(v1::MessageState from, v1::MessageState to);

// Whether no work on it is left but a retraction, which needs no text of drafting's.
bool has_ended(v1::MessageState state);

}  // namespace tocsin::drafting
