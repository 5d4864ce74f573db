// How a person starts a message, with a draft or from a template. Pure.
#pragma once

#include "drafting/incident.hpp"
#include "drafting/message.hpp"
#include "drafting/published_alerts.hpp"
#include "drafting/template.hpp"

namespace tocsin::drafting {

// The slices of the state that a creation depends on.
struct CreationSlices {
    const Messages& messages;
    const Incidents& incidents;
    const Templates& templates;
    const PublishedAlerts& alerts;
};

// ---- commands

Verdict create_message(const CreationSlices& slices, const runtime::Asking& asking,
                       const v1::CreateMessageRequest& request, Time now);

}  // namespace tocsin::drafting
