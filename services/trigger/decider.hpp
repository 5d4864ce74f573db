// The rules of trigger: which sources are polled, which readings make a rule cross.
//
// The ledger knows what a rule crossed at, and no other reading: a record of the stream brings as
// much of the time before as its rules need (see evaluation.hpp). So readings that come again,
// after a restart or from a second poller, change nothing and leave no record, and whoever takes
// over decides on the next record as anybody would.
#pragma once

#include "runtime/base/shared_map.hpp"
#include "runtime/ledger/decider.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"
#include "trigger/evaluation.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>

namespace tocsin::trigger {

struct SourceState {
    v1::Source source;
    std::int64_t version = 0;
    // The version that last changed where it is read, or how: readings of an earlier one are not of
    // it.
    std::int64_t address = 0;
    std::int64_t removal = 0;  // its number in Removed; 0: it is in use
};

// Ids of what was removed, in that order. The first is forgotten when they are too many: to put and
// remove for ever must take no room for ever.
struct Removed {
    runtime::SharedMap<std::int64_t, std::string> ids;
    std::int64_t last = 0;
};

// A value whose copy costs O(1), so that the view can keep it too.
struct State {
    runtime::SharedMap<std::string, SourceState> sources;
    runtime::SharedMap<std::string, RuleState> rules;
    Removed removed_sources, removed_rules;
    // The highest version of what was forgotten since.
    std::int64_t forgotten_version = 0;
    // Ids of active rules by source and series.
    runtime::SharedMap<std::pair<std::string, std::string>, std::set<std::string>> watching;
};

struct Decider {
    using State = trigger::State;
    using Command = v1::Command;
    using Event = v1::Event;

    static runtime::Verdict<Event> decide(const State& state, const runtime::Asking& asking,
                                          const Command& command, Time now);
    // Of the stream of readings: what each rule on the series makes of them.
    static std::optional<runtime::Happened<Event>> react(const State& state,
                                                         const runtime::Foreign& foreign, Time now);
    static bool evolve(State& state, const Event& event, Time decided_at);
};

}  // namespace tocsin::trigger
