#include "trigger/rule.hpp"

#include "content/editors.hpp"
#include "content/graphemes.hpp"
#include "runtime/ledger/refusals.hpp"
#include "trigger/crossing.hpp"
#include "trigger/sources.hpp"
#include "trigger/writing.hpp"

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
    const std::size_t of_agency = rules.count([&](const RuleState& each) {
        return each.rule.active() && each.rule.agency_id() == agency;
    });
    return require_room("too_many_rules", "rule", {rules.in_use(), rules_max},
                        {of_agency, rules_of_agency_max}, agency);
}

static std::optional<Rejection> require_room_on_series(const Watching& watching,
                                                       const v1::PutRuleRequest& request) {
    const auto* rules = watching.find({request.source_id(), request.series()});
    if (!rules || rules->size() < rules_per_series_max || rules->contains(request.rule_id()))
        return std::nullopt;
    return runtime::no_room("too_many_rules", {.of = fmt::format("series `{}`", request.series()),
                                               .bound = rules_per_series_max,
                                               .things = "rules",
                                               .remedy = "remove one that is no longer used",
                                               .field = "series"});
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

Verdict put_rule(const Rules& rules, const Watching& watching, const Sources& sources,
                 const Asking& asking, const v1::PutRuleRequest& request, Time now) {
    const std::string& id = request.rule_id();
    const RuleState* known = rules.find(id);
    if (auto no = require_writer(asking, "rule", id, known ? &known->rule : nullptr))
        return std::unexpected(*no);
    if (auto no = require_source(sources, request)) return std::unexpected(*no);

    v1::Rule rule = rule_of(request, asking.agency);
    const std::int64_t version = rules.last_version(id);
    if (known) *rule.mutable_editors() = known->rule.editors();
    if (known && MessageDifferencer::Equals(rule, known->rule)) return answer(id, version);
    if (!content::add_editor(rule, asking.actor))
        return std::unexpected(
            runtime::too_many_editors("rule", id, content::editors_max, "rule_id"));
    if (!known || !known->rule.active())
        if (auto no = require_room_for_rule(rules, asking.agency)) return std::unexpected(*no);
    if (auto no = require_room_on_series(watching, request)) return std::unexpected(*no);

    Happened happened = answer(id, version + 1, {event_of(id)});
    std::vector<v1::Event> again = known ? retried(*known, rule, now) : std::vector<v1::Event>{};
    *happened.events.front().mutable_rule_put()->mutable_rule() = std::move(rule);
    std::ranges::move(again, std::back_inserter(happened.events));
    return happened;
}

Verdict remove_rule(const Rules& rules, const Asking& asking,
                    const v1::RemoveRuleRequest& request) {
    const std::string& id = request.rule_id();
    const RuleState* known = rules.find(id);
    if (auto no = require_writer(asking, "rule", id, known ? &known->rule : nullptr))
        return std::unexpected(*no);
    if (!known) return std::unexpected(runtime::no_such("rule", id, "rule_id"));
    if (!known->rule.active()) return answer(id, known->version);
    v1::Event event = event_of(id);
    event.mutable_rule_removed();
    return answer(id, known->version + 1, {std::move(event)});
}

// ---- events

void evolve(Rules& rules, Watching& watching, const v1::RulePut& put, Time decided_at) {
    RuleState& known = rules.put(put.rule().rule_id());
    unwatch(watching, known.rule);
    edit(known, put.rule(), decided_at);
    watch(watching, put.rule());
}

void rule_removed(Rules& rules, Watching& watching, const std::string& rule_id, Time decided_at) {
    RuleState& known = rules.edit(rule_id);
    unwatch(watching, known.rule);
    remove(known, decided_at);
    rules.remove(rule_id);
}

}  // namespace tocsin::trigger
