// The rules of trigger: which sources are polled, which readings make a rule cross.
//
// A rule is normal, pending (at or above its threshold, its `for` duration running) or crossed.
// Between two transitions it remembers nothing of the readings that passed, so readings that come
// again, after a restart or from a second poller, change nothing and leave no record.
#pragma once

#include "runtime/decider.hpp"
#include "runtime/shared_map.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <optional>
#include <set>
#include <string>
#include <utility>

namespace tocsin::trigger {

using runtime::Time;

struct SourceState {
    v1::Source source;
    std::int64_t version = 0;
    std::int64_t removal = 0;  // its number in Removed; 0: it is in use
};

enum class Standing { normal, pending, crossed };

struct RuleState {
    v1::Rule rule;  // the last that was put; off once removed
    std::int64_t version = 0;
    Standing standing = Standing::normal;
    // Time of the reading that made the last transition; readings up to it are old news.
    std::optional<Time> since;
    // While pending: the first reading at or above.
    content::v1::Evidence first;
    // Time of the reading of the last crossing, from which the cooldown runs.
    std::optional<Time> crossed_at;
    std::int64_t crossings = 0;
    std::int64_t removal = 0;  // its number in Removed; 0: it is on
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
    static std::optional<runtime::Due<Command>> next_due(const State& state);
};

// The next transition of one rule, if the reading makes one. Pure.
std::optional<v1::Event> weigh(const RuleState& rule, const v1::Readings& series,
                               const v1::Reading& reading, Time now);
// Applies a transition to the rule that it is of.
void move(RuleState& rule, const v1::Event& event);

}  // namespace tocsin::trigger
