#include "drafting/incident.hpp"

#include "drafting/writing.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/ledger/refusals.hpp"
#include "texts/contains.hpp"

#include <fmt/format.h>

#include <utility>

namespace tocsin::drafting {

using runtime::Asking;
using runtime::Because;
using runtime::Rejection;

std::optional<Rejection> require_participants(const Incidents& incidents,
                                              const std::string& incident_id,
                                              const content::v1::Draft& draft) {
    const std::vector<std::string>& participants = incidents.at(incident_id);
    for (int i = 0; i < draft.agencies_size(); ++i)
        if (!texts::contains(participants, draft.agencies(i)))
            return runtime::agency_not_in_incident(
                draft.agencies(i), incident_id, fmt::format("draft.agencies[{}]", i),
                "leave it out, or name an incident in which it does");
    return std::nullopt;
}

// ---- commands

Verdict create_incident(const Incidents& incidents, const Asking& asking,
                        const v1::CreateIncidentRequest& request, Time now) {
    if (auto no = require_writer(asking)) return std::unexpected(*no);
    const std::string id =
        runtime::derive_id("inc", {asking.agency, asking.actor, asking.request_id});
    // A repeat that outlived its memory is still the same incident.
    if (incidents.contains(id)) return Happened{{}, id, "1"};

    v1::Event event = event_of({});
    v1::Incident& incident = *event.mutable_incident_opened()->mutable_incident();
    incident.set_incident_id(id);
    incident.set_kind(request.kind());
    incident.set_title(request.title());
    incident.add_agencies(asking.agency);
    for (const std::string& agency : request.agencies())
        if (!texts::contains(incident.agencies(), agency)) incident.add_agencies(agency);
    *incident.mutable_create_time() = runtime::to_proto(now);
    incident.set_creator(asking.actor);
    return one(std::move(event), id, 1);
}

// ---- events

void evolve(Incidents& incidents, const v1::IncidentOpened& opened) {
    const auto& agencies = opened.incident().agencies();
    incidents[opened.incident().incident_id()].assign(agencies.begin(), agencies.end());
}

}  // namespace tocsin::drafting
