// Rules: which series crosses at which value, and what is drafted then. Pure.
#pragma once

#include "trigger/event.hpp"
#include "trigger/remembered.hpp"
#include "trigger/rule_state.hpp"
#include "trigger/source.hpp"
#include "trigger/watching.hpp"

namespace tocsin::trigger {

using Rules = Remembered<RuleState>;

// ---- commands

Verdict put_rule(const Rules& rules, const Watching& watching, const Sources& sources,
                 const runtime::Asking& asking, const v1::PutRuleRequest& request, Time now);
Verdict remove_rule(const Rules& rules, const runtime::Asking& asking,
                    const v1::RemoveRuleRequest& request);

// ---- events

void evolve(Rules& rules, Watching& watching, const v1::RulePut& put, Time decided_at);
// A rule that was removed, which its event names.
void rule_removed(Rules& rules, Watching& watching, const std::string& rule_id, Time decided_at);

}  // namespace tocsin::trigger
