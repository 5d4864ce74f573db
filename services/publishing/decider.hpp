// How an approved message leaves: from its clearance to every channel at once, and back.
//
// Publishing holds the baton from approval's Cleared on. Nothing is public before a claim counts,
// and a cancel that counts before it wins. Its subjects are channels, holds, releases and
// deliveries, each with its part of the state and its events; the commands on a release are a
// header for each step that it takes. Pure, as runtime/ledger/decider.hpp demands.
#pragma once

#include "publishing/budgets.hpp"
#include "publishing/channel.hpp"
#include "publishing/holds.hpp"
#include "publishing/planning.hpp"
#include "publishing/releases.hpp"

#include <optional>

namespace tocsin::publishing {

// What one realm's ledger adds up to.
struct State {
    Constants constants;
    Channels channels;
    Holds holds;
    Budgets budgets;
    Releases releases;
};

struct Decider {
    using State = publishing::State;
    using Command = v1::Command;
    using Event = v1::Event;

    static Verdict decide(const State& state, const runtime::Asking& asking, const Command& command,
                          Time now);
    // Plans a release for each clearance of approval.
    static std::optional<Happened> react(const State& state, const runtime::Foreign& foreign,
                                         Time now);
    static bool evolve(State& state, const Event& event, Time decided_at);
    static std::optional<runtime::Due<Command>> next_due(const State& state);
    // Only a clearance concerns it; the roster is confirmed at the edge.
    static bool concerns(const runtime::Foreign& foreign);
};

}  // namespace tocsin::publishing
