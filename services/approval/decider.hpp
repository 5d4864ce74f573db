// Who may approve, and exactly which bytes: from submission to clearance.
//
// Approval holds the baton from drafting's MessageSubmitted until its own Cleared, ReviewReturned
// or ReviewRejected. Its subjects are the roster, the policies and the reviews; each has a header
// with its part of the state, its commands and its events. Pure, as runtime/ledger/decider.hpp
// demands.
#pragma once

#include "approval/policy.hpp"
#include "approval/review.hpp"
#include "approval/roster.hpp"

#include <optional>

namespace tocsin::approval {

// What one realm's ledger adds up to.
struct State {
    RosterState roster;
    Policies policies;
    Reviews reviews;
};

struct Decider {
    using State = approval::State;
    using Command = v1::Command;
    using Event = v1::Event;

    static Verdict decide(const State& state, const runtime::Asking& asking, const Command& command,
                          Time now);
    // Opens a review for each text that drafting submits.
    static std::optional<Happened> react(const State& state, const runtime::Foreign& foreign,
                                         Time now);
    static bool evolve(State& state, const Event& event, Time decided_at);
    // Texts that are submitted.
    static bool concerns(const runtime::Foreign& foreign);
};

}  // namespace tocsin::approval
