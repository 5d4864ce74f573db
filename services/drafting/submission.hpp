// How a draft becomes the bytes that are approved. Pure.
#pragma once

#include "drafting/message.hpp"

#include <string>
#include <vector>

namespace tocsin::drafting {

struct State;

// A message as it is at this moment, the realm and the world that it is in, and the agencies that
// take part in its incident.
struct Submitting {
    const std::string& message_id;
    const std::string& realm;
    const std::string& world;
    const Message& message;
    std::string submitter;
    const std::vector<std::string>& incident_agencies;
};
v1::Event submitted(const Submitting& submitting);

// ---- commands

Verdict submit_message(const State& state, const runtime::Asking& asking,
                       const v1::SubmitMessageRequest& request, Time now);

}  // namespace tocsin::drafting
