// The rules of measurement: what the other services decided, as milestones of a message.
//
// Everything is recorded once; what comes again of the same message, agency, channel and delivery
// yields nothing. The one exception is `fired`, which is recorded again when a delivery turns out
// to have left earlier: the earliest counts. Its subjects are messages and releases, each in a
// header of its own; telling.hpp reads the other services' decisions.
#pragma once

#include "measurement/message.hpp"
#include "measurement/release.hpp"

#include <optional>

namespace tocsin::measurement {

// What one realm's ledger adds up to.
struct State {
    Messages messages;
    Releases releases;
};

struct Decider {
    using State = measurement::State;
    using Command = v1::Command;
    using Event = v1::Event;

    static Verdict decide(const State& state, const runtime::Asking& asking, const Command& command,
                          Time now);
    static std::optional<Happened> react(const State& state, const runtime::Foreign& foreign,
                                         Time now);
    static bool evolve(State& state, const Event& event, Time decided_at);
    // What is a milestone, or becomes one.
    static bool concerns(const runtime::Foreign& foreign);
};

}  // namespace tocsin::measurement
