// Rules: which series crosses at which value, and what is drafted then. Pure.
#pragma once

#include "trigger/event.hpp"
#include "trigger/remembered.hpp"
#include "trigger/rule_state.hpp"

namespace tocsin::trigger {

struct State;  // decider.hpp

using Rules = Remembered<RuleState>;

// ---- commands

Verdict put_rule(const State& state, const runtime::Asking& asking,
                 const v1::PutRuleRequest& request, Time now);
Verdict remove_rule(const State& state, const runtime::Asking& asking,
                    const v1::RemoveRuleRequest& request);

// ---- events

void evolve(State& state, const v1::RulePut& put, Time decided_at);
// A rule that was removed, which its event names.
void rule_removed(State& state, const std::string& rule_id, Time decided_at);

}  // namespace tocsin::trigger
