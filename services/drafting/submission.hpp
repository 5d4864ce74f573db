// How a draft becomes the bytes that are approved. Pure.
#pragma once

#include "content/finding.hpp"
#include "drafting/decider.hpp"

#include <expected>
#include <string>
#include <vector>

namespace tocsin::drafting {

// Errors that block, and warnings whose code is not in `acknowledged`.
struct Objections {
    std::vector<content::Finding> errors;
    std::vector<content::Finding> warnings;
};
Objections objections(const content::v1::Draft& draft, Time now, std::string_view world,
                      const std::set<std::string>& acknowledged);

// `code at field: text; ...`, for a person.
std::string listing(const std::vector<content::Finding>& findings);

// Names a message, the realm that it is in, what it says at this moment, and who takes part in its
// incident.
struct Submitting {
    const std::string& message_id;
    const std::string& realm;
    const Message& message;
    std::string submitter;
    const std::vector<std::string>& incident_agencies;
};
v1::Event submitted(const Submitting& submitting);

}  // namespace tocsin::drafting
