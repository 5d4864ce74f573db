// Incidents: what messages speak about, and the agencies that take part. Pure.
#pragma once

#include "content/content.hpp"
#include "drafting/event.hpp"

#include <absl/container/flat_hash_map.h>

#include <optional>
#include <string>
#include <vector>

namespace tocsin::drafting {

// The agencies that take part in an incident, by its id. Only ever looked up, so that there is no
// order to depend on.
using Incidents = absl::flat_hash_map<std::string, std::vector<std::string>>;

// Every agency of a draft takes part in the incident, which exists.
std::optional<runtime::Rejection> require_participants(const Incidents& incidents,
                                                       const std::string& incident_id,
                                                       const content::v1::Draft& draft);

// ---- commands

Verdict create_incident(const Incidents& incidents, const runtime::Asking& asking,
                        const v1::CreateIncidentRequest& request, Time now);

// ---- events

void evolve(Incidents& incidents, const v1::IncidentOpened& opened);

}  // namespace tocsin::drafting
