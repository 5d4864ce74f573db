// Crossings: what rules make of the readings that come in, and what is known of them afterwards.
// Pure.
#pragma once

#include "trigger/event.hpp"
#include "trigger/rule.hpp"

#include <optional>
#include <vector>

namespace tocsin::trigger {

// ---- reactions

// A record of the stream of readings: what each rule on the series makes of it. Nothing: it is of
// something else, or changes nothing.
std::optional<Happened> follow_readings(const Rules& rules, const Watching& watching,
                                        const Sources& sources, const runtime::Foreign& foreign,
                                        Time now);

// Crossings of the rule that drafting tries again once it is put like this: it may be changed for
// what drafting refused them for. Those alone whose readings are young enough.
std::vector<v1::Event> retried(const RuleState& known, const v1::Rule& put, Time now);

// ---- events

// Those that move a rule on by a reading. False: it is another, and the rule stays as it is.
bool evolve(RuleState& rule, const v1::Event& event);

}  // namespace tocsin::trigger
