// Where a rule stands, for people: by what the ledger says, and by the series as this instance met
// it last. Pure.
#pragma once

#include "trigger/rule_state.hpp"
#include "trigger/sources.hpp"

#include <optional>
#include <span>
#include <string>

namespace tocsin::trigger {

struct Standing {
    v1::RuleState state = v1::RULE_STATE_OFF;
    std::optional<Time> since;  // time of the reading that brought it there
    std::string reason;
};

// A series as it was met last.
struct Seen {
    std::string unit, sensor;
    std::span<const Reading> readings;       // as window_of() gives them; empty: none was met
    std::optional<Time> missing_since = {};  // when the answers began to have no reading of it
};

// `stale_after`: an older newest reading is none.
Standing standing_of(const RuleState& rule, const std::optional<Seen>& seen,
                     runtime::Duration stale_after, Time now);

}  // namespace tocsin::trigger
