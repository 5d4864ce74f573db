// The rules of drafting: incidents, templates, and messages until they are submitted.
//
// Drafting holds the baton of a message while it is a draft. MessageSubmitted serialises the
// content, once and for all, and hands the baton to approval; only approval's ReviewReturned brings
// it back. Pure, as runtime/ledger/decider.hpp demands. Each subject is a file: its part of the
// state, its commands and its events.
#pragma once

#include "drafting/destinations.hpp"
#include "drafting/event.hpp"
#include "drafting/incident.hpp"
#include "drafting/message.hpp"
#include "drafting/published_alerts.hpp"
#include "drafting/refused.hpp"
#include "drafting/template.hpp"

#include <optional>
#include <string>

namespace tocsin::drafting {

// What one realm's ledger adds up to.
struct State {
    // `live` or `exercise`. It never varies within a ledger, since the names of its topics carry
    // the world.
    std::string world = "live";
    Incidents incidents;
    Templates templates;
    Messages messages;
    PublishedAlerts alerts;
    Destinations destinations;
    RefusedCrossings refused;
};

struct Decider {
    using State = drafting::State;
    using Command = v1::Command;
    using Event = v1::Event;

    static Verdict decide(const State& state, const runtime::Asking& asking, const Command& command,
                          Time now);
    // What approval hands back, what publishing publishes, and what trigger starts.
    static std::optional<Happened> react(const State& state, const runtime::Foreign& foreign,
                                         Time now);
    static bool evolve(State& state, const Event& event, Time decided_at);
    static std::optional<runtime::Due<Command>> next_due(const State& state);
    static bool concerns(const runtime::Foreign& foreign);
};

}  // namespace tocsin::drafting
