// How a draft becomes the bytes that are approved. Pure.
#pragma once

#include "drafting/destinations.hpp"
#include "drafting/incident.hpp"
#include "drafting/message.hpp"
#include "drafting/published_alerts.hpp"

#include <string>
#include <vector>

namespace tocsin::drafting {

// A message as it is at this moment, the realm and the world that it is in, where it goes, and the
// agencies that take part in its incident.
struct Submitting {
    const std::string& message_id;
    const std::string& realm;
    const std::string& world;
    const Message& message;
    const PublishedAlerts& alerts;
    const std::vector<content::Publisher>& publishers;
    std::string submitter;
    const std::vector<std::string>& incident_agencies;
};
v1::Event submitted(const Submitting& submitting);
// Why the content cannot be submitted: it is too large. Empty when it is not.
std::string size_problem(const v1::MessageSubmitted& submitted);

// The slices of the state that a submission depends on.
struct SubmissionSlices {
    const std::string& world;
    const Messages& messages;
    const Incidents& incidents;
    const PublishedAlerts& alerts;
    const Destinations& destinations;
};

// ---- commands

Verdict submit_message(const SubmissionSlices& slices, const runtime::Asking& asking,
                       const v1::SubmitMessageRequest& request, Time now);

}  // namespace tocsin::drafting
