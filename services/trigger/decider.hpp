// The rules of trigger: which sources are polled, which readings make a rule cross.
//
// The ledger knows what a rule crossed at, and no other reading: a record of the stream brings as
// much of the time before as its rules need (see evaluation.hpp). So readings that come again,
// after a restart or from a second poller, change nothing and leave no record, and an instance
// that takes over decides on the next record as any other would. Pure, as
// runtime/ledger/decider.hpp demands. Each subject is a file: its part of the state, its commands
// and its events.
#pragma once

#include "trigger/rule.hpp"
#include "trigger/source.hpp"
#include "trigger/watching.hpp"

#include <optional>

namespace tocsin::trigger {

// What one realm's ledger adds up to. A value whose copy costs O(1), so that the view can keep it
// too.
struct State {
    Sources sources;
    Rules rules;
    Watching watching;  // exactly the rules that are on
};

struct Decider {
    using State = trigger::State;
    using Command = v1::Command;
    using Event = v1::Event;

    static Verdict decide(const State& state, const runtime::Asking& asking, const Command& command,
                          Time now);
    // Of the stream of readings.
    static std::optional<Happened> react(const State& state, const runtime::Foreign& foreign,
                                         Time now);
    static bool evolve(State& state, const Event& event, Time decided_at);
};

}  // namespace tocsin::trigger
