// The rules of publishing: what is planned, armed, claimed, settled, retracted. Pure: no clock, no
// I/O, no randomness.
#pragma once

#include "publishing/state.hpp"
#include "runtime/ledger/decider.hpp"

#include <string>

namespace tocsin::publishing {

// Set once, before the first decision. `world` is the same for the whole ledger; the others are
// recorded in ReleasePlanned and read from there ever after, so that a replay under other settings
// comes to the same state.
struct Constants {
    std::string world = "live";
    std::string feed_base_url = "http://127.0.0.1:8080";
    Duration arm_lead = std::chrono::milliseconds{600};
};

struct Decider {
    using State = publishing::State;
    using Command = v1::Command;
    using Event = v1::Event;

    static inline Constants constants;

    static runtime::Verdict<Event> decide(const State& state, const runtime::Asking& asking,
                                          const Command& command, Time now);
    static std::optional<runtime::Happened<Event>> react(const State& state,
                                                         const runtime::Foreign& foreign, Time now);
    static bool evolve(State& state, const Event& event, Time decided_at);
    static std::optional<runtime::Due<Command>> next_due(const State& state);
    // Only a clearance concerns it; the roster is confirmed at the edge.
    static bool concerns(const runtime::Foreign& foreign);
};

}  // namespace tocsin::publishing
