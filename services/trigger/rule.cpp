#include "trigger/rule.hpp"

#include "content/editors.hpp"
#include "content/graphemes.hpp"
#include "runtime/ledger/refusals.hpp"
#include "trigger/crossing.hpp"
#include "trigger/decider.hpp"
#include "trigger/sources.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace tocsin::trigger {

using google::protobuf::util::MessageDifferencer;
using runtime::Asking;
using runtime::Because;
using runtime::Rejection;

// ---- commands

// Every rule on a series is weighed at each of its records.
static constexpr std::size_t rules_max = 2000;
// Of these, one agency's: it leaves room for the others.
static constexpr std::size_t rules_of_agency_max = rules_max / 2;
static constexpr std::size_t rules_per_series_max = 20;

// A source that is in use, and can have the series.
static std::optional<Rejection> require_source(const Sources& sources,
                                               const v1::PutRuleRequest& request) {
    const SourceState* source = sources.find(request.source_id());
    if (!source || !source->source.active())
        return runtime::no_such("source", request.source_id(), "source_id", "put it first");
    if (!request.has_threshold())
        return Rejection{Because::invalid_argument, "required",
                         "the rule has no threshold; name the value at which it crosses, even 0",
                         "threshold"};
    const std::string problem = series_problem(source->source.format(), request.series());
    if (problem.empty()) return std::nullopt;
    return Rejection{Because::invalid_argument, "unknown_series", problem, "series"};
}

static std::optional<Rejection> require_room_for_rule(const Rules& rules,
                                                      const std::string& agency) {
    if (rules.in_use() >= rules_max)
        return Rejection{Because::resource_exhausted, "too_many_rules",
                         fmt::format("the realm has {} rules, and can have no more; remove one "
                                     "that is no longer used",
                                     rules_max),
                         "rule_id"};
    const std::size_t of_agency = rules.count([&](const RuleState& each) {
        return each.rule.active() && each.rule.agency_id() == agency;
    });
    if (of_agency < rules_of_agency_max) return std::nullopt;
    return Rejection{Because::resource_exhausted, "too_many_rules",
                     fmt::format("agency `{}` has {} of the {} rules that a realm can have, and "
                                 "can have no more; remove one that is no longer used",
                                 agency, rules_of_agency_max, rules_max),
                     "rule_id"};
}

static std::optional<Rejection> require_room_on_series(const Watching& watching,
                                                       const v1::PutRuleRequest& request) {
    const auto* rules = watching.find({request.source_id(), request.series()});
    if (!rules || rules->size() < rules_per_series_max || rules->contains(request.rule_id()))
        return std::nullopt;
    return Rejection{Because::resource_exhausted, "too_many_rules",
                     fmt::format("{} rules read `{}`, and no more can; remove one that is no "
                                 "longer used",
                                 rules_per_series_max, request.series()),
                     "series"};
}

static v1::Rule rule_of(const v1::PutRuleRequest& request, const std::string& agency) {
    v1::Rule rule;
    rule.set_rule_id(request.rule_id());
    rule.set_agency_id(agency);
    rule.set_source_id(request.source_id());
    rule.set_series(request.series());
    rule.set_threshold(request.threshold());
    rule.set_hysteresis(request.hysteresis());
    rule.set_for_seconds(request.for_seconds());
    rule.set_cooldown_seconds(request.cooldown_seconds());
    rule.set_template_id(request.template_id());
    rule.set_incident_id(request.incident_id());
    rule.set_active(true);
    rule.set_time_zone(request.time_zone().empty() ? "UTC" : request.time_zone());
    rule.set_unit(std::string(content::trim(request.unit())));
    rule.set_max_age_seconds(request.max_age_seconds() > 0 ? request.max_age_seconds()
                                                           : max_age_seconds_usual);
    rule.set_max_gap_seconds(request.max_gap_seconds() > 0 ? request.max_gap_seconds()
                                                           : max_gap_seconds_usual);
    return rule;
}

Verdict put_rule(const State& state, const Asking& asking, const v1::PutRuleRequest& request,
                 Time now) {
    if (auto no = runtime::require_role(asking, {"admin", "duty-officer"}))
        return std::unexpected(*no);
    const std::string& id = request.rule_id();
    const RuleState* known = state.rules.find(id);
    if (known)
        if (auto no =
                runtime::require_owner(asking, "rule", id, known->rule.agency_id(), "rule_id"))
            return std::unexpected(*no);
    if (auto no = require_source(state.sources, request)) return std::unexpected(*no);

    v1::Rule rule = rule_of(request, asking.agency);
    const std::int64_t version = last_version(known, state.forgotten_version);
    if (known) *rule.mutable_editors() = known->rule.editors();
    if (known && MessageDifferencer::Equals(rule, known->rule)) return answer(id, version);
    if (!content::add_editor(rule, asking.actor))
        return std::unexpected(
            runtime::too_many_editors("rule", id, content::editors_max, "rule_id"));
    if (!known || !known->rule.active())
        if (auto no = require_room_for_rule(state.rules, asking.agency))
            return std::unexpected(*no);
    if (auto no = require_room_on_series(state.watching, request)) return std::unexpected(*no);

    Happened happened = answer(id, version + 1, {event_of(id)});
    std::vector<v1::Event> again = known ? retried(*known, rule, now) : std::vector<v1::Event>{};
    *happened.events.front().mutable_rule_put()->mutable_rule() = std::move(rule);
    std::ranges::move(again, std::back_inserter(happened.events));
    return happened;
}

Verdict remove_rule(const State& state, const Asking& asking,
                    const v1::RemoveRuleRequest& request) {
    if (auto no = runtime::require_role(asking, {"admin", "duty-officer"}))
        return std::unexpected(*no);
    const std::string& id = request.rule_id();
    const RuleState* known = state.rules.find(id);
    if (!known)
        return std::unexpected(
            runtime::no_such("rule", id, "rule_id", "list the rules for the right id"));
    if (auto no = runtime::require_owner(asking, "rule", id, known->rule.agency_id(), "rule_id"))
        return std::unexpected(*no);
    if (!known->rule.active()) return answer(id, known->version);
    v1::Event event = event_of(id);
    event.mutable_rule_removed();
    return answer(id, known->version + 1, {std::move(event)});
}

// ---- events

void evolve(State& state, const v1::RulePut& put, Time decided_at) {
    const v1::Rule& rule = put.rule();
    const std::string& id = rule.rule_id();
    const auto version = last_version(state.rules.find(id), state.forgotten_version) + 1;
    RuleState& known = state.rules.put(id);
    unwatch(state.watching, known.rule);
    edit(known, rule, decided_at);
    known.version = version;
    watch(state.watching, rule);
}

void rule_removed(State& state, const std::string& rule_id, Time decided_at) {
    RuleState& known = state.rules.edit(rule_id);
    unwatch(state.watching, known.rule);
    remove(known, decided_at);
    ++known.version;
    state.forgotten_version = std::max(state.forgotten_version, state.rules.remove(rule_id));
}

}  // namespace tocsin::trigger
