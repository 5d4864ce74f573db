#include "trigger/decider.hpp"

#include "runtime/ledger/refusals.hpp"
#include "trigger/crossing.hpp"

namespace tocsin::trigger {

Verdict Decider::decide(const State& state, const runtime::Asking& asking, const Command& command,
                        Time now) {
    const auto& [sources, rules, watching] = state;
    switch (command.body_case()) {
        case Command::kPutSource:
            return put_source(sources, watching, asking, command.put_source());
        case Command::kRemoveSource:
            return remove_source(sources, watching, asking, command.remove_source());
        case Command::kPutRule:
            return put_rule(rules, watching, sources, asking, command.put_rule(), now);
        case Command::kRemoveRule:
            return remove_rule(rules, asking, command.remove_rule());
        case Command::BODY_NOT_SET:
            break;  // Sent by a newer client.
    }
    return std::unexpected(runtime::unknown_command());
}

std::optional<Happened> Decider::react(const State& state, const runtime::Foreign& foreign,
                                       Time now) {
    return follow_readings(state.rules, state.watching, state.sources, foreign, now);
}

bool Decider::evolve(State& state, const Event& event, Time decided_at) {
    switch (event.body_case()) {
        case Event::kSourcePut:
            trigger::evolve(state.sources, event.source_put());
            return true;
        case Event::kSourceRemoved:
            trigger::evolve(state.sources, event.source_removed());
            return true;
        case Event::kRulePut:
            trigger::evolve(state.rules, state.watching, event.rule_put(), decided_at);
            return true;
        case Event::kRuleRemoved:
            rule_removed(state.rules, state.watching, event.rule_id(), decided_at);
            return true;
        case Event::kSeriesBound:
        case Event::kReadingPassed:
        case Event::kRuleCrossed:
        case Event::kCrossingRetried:
        case Event::kRuleReset:
        case Event::kCrossingSuppressed:
        case Event::kEvidenceRevised:
            trigger::evolve(state.rules.edit(event.rule_id()), event);
            return true;
        case Event::BODY_NOT_SET:
            break;  // From a newer version.
    }
    return false;
}

}  // namespace tocsin::trigger
