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

// Of readings are all but these four; crossing.cpp has a case for every event.
bool Decider::evolve(State& state, const Event& event, Time decided_at) {
    auto& [sources, rules, watching] = state;
    if (event.has_source_put())
        trigger::evolve(sources, event.source_put());
    else if (event.has_source_removed())
        trigger::evolve(sources, event.source_removed());
    else if (event.has_rule_put())
        trigger::evolve(rules, watching, event.rule_put(), decided_at);
    else if (event.has_rule_removed())
        rule_removed(rules, watching, event.rule_id(), decided_at);
    else
        return trigger::evolve(rules.edit(event.rule_id()), event);
    return true;
}

}  // namespace tocsin::trigger
