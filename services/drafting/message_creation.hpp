// How a person starts a message, with a draft or from a template. Pure.
#pragma once

#include "drafting/event.hpp"

namespace tocsin::drafting {

struct State;

// ---- commands

Verdict create_message(const State& state, const runtime::Asking& asking,
                       const v1::CreateMessageRequest& request, Time now);

}  // namespace tocsin::drafting
