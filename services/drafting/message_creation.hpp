// How a person starts a message, with a draft or from a template. Pure.
#pragma once

#include "drafting/incident.hpp"
#include "drafting/message.hpp"
#include "drafting/template.hpp"

namespace tocsin::drafting {

// ---- commands

Verdict create_message(const Messages& messages, const Incidents& incidents,
                       const Templates& templates, const runtime::Asking& asking,
                       const v1::CreateMessageRequest& request, Time now);

}  // namespace tocsin::drafting
