// What a rule makes of its series: from a window of readings, and from what the ledger says that it
// crossed at before. By the readings' own times throughout: what comes late, twice, out of order or
// corrected counts in its place, and every instance decides the same on the same record. The words
// are those of waves.hpp. Pure.
#pragma once

#include "trigger/event.hpp"
#include "trigger/rule_state.hpp"
#include "trigger/sources.hpp"

#include <span>
#include <vector>

namespace tocsin::trigger {

// What follows from the record, whose readings are `readings` (see window_of()); each event as the
// state is after those before it.
std::vector<v1::Event> weigh(const RuleState& rule, const v1::Readings& record,
                             std::span<const Reading> readings, Time now);

}  // namespace tocsin::trigger
