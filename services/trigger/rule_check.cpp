#include "trigger/rule_check.hpp"

#include "runtime/base/nearest.hpp"
#include "runtime/edge/rpc.hpp"
#include "runtime/ledger/refusals.hpp"
#include "texts/contains.hpp"
#include "trigger/draftable.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace tocsin::trigger {

using runtime::Because;
using runtime::Caller;
using runtime::Rejection;

static RuleCheck refused(const Rejection& no) { return {runtime::status_of(no)}; }

static std::string did_you_mean(const std::string& typed, const std::vector<std::string>& known,
                                const std::string& otherwise) {
    const std::string close = runtime::nearest(typed, known);
    return close.empty() ? otherwise : fmt::format("did you mean `{}`?", close);
}

static std::vector<std::string> ids_in_use(const Sources& sources) {
    std::vector<std::string> ids;
    sources.ascend(nullptr, [&](const std::string& id, const SourceState& known) {
        if (known.source.active()) ids.push_back(id);
        return true;
    });
    return ids;
}

// What a crossing of the rule would be refused for.
static std::optional<Rejection> require_draftable_rule(const Caller& caller, const Realm& realm,
                                                       const v1::PutRuleRequest& put, Time now) {
    const auto* agencies = realm.agencies(put.incident_id());
    if (!agencies)
        return runtime::no_such("incident", put.incident_id(), "incident_id", "open it first");
    if (!texts::contains(*agencies, caller.agency))
        return runtime::agency_not_in_incident(caller.agency, put.incident_id(), "incident_id");
    const auto* source = realm.template_of(put.template_id());
    if (!source)
        return runtime::no_such(
            "template", put.template_id(), "template_id",
            did_you_mean(put.template_id(), realm.template_ids(), "store it first"));
    return require_draftable({put, caller.agency, source->get(), *agencies, now});
}

// By what the source brought so far. What a rule reads already it may go on to read: it can be
// corrected while its gauge is silent as well, or while that brings another unit.
static RuleCheck check_series(const Caller& caller, const Heard& heard, const v1::Rule* known,
                              const v1::PutRuleRequest& put) {
    const bool same_series =
        known && known->source_id() == put.source_id() && known->series() == put.series();
    const auto series = heard.series(caller.realm, put.source_id(), put.series());
    if (!series) {
        if (same_series) return {};
        const auto names = heard.names(caller.realm, put.source_id());
        if (names.empty()) return {.refused = std::nullopt, .unheard = true};
        return refused(runtime::no_such(
            "series", put.series(), "series",
            did_you_mean(put.series(), names,
                         fmt::format("name one that source `{}` brings, such as `{}`",
                                     put.source_id(), names.front()))));
    }
    if (put.unit().empty() || put.unit() == series->unit ||
        (same_series && known->unit() == put.unit()))
        return {};
    return refused({Because::failed_precondition, "unit_differs",
                    fmt::format("`{}` arrives in {}; give the threshold in that unit, or leave the "
                                "unit out",
                                put.series(), series->unit.empty() ? "no unit" : series->unit),
                    "unit"});
}

RuleCheck check_rule(const Caller& caller, const Realm& realm, const Heard& heard,
                     const v1::PutRuleRequest& put, Time now) {
    const RuleState* known = realm.state().rules.find(put.rule_id());
    // The decider says it, and first.
    if (known && known->rule.agency_id() != caller.agency) return {};
    const Sources& sources = realm.state().sources;
    const SourceState* source = sources.find(put.source_id());
    if (!source || !source->source.active())
        return refused(
            runtime::no_such("source", put.source_id(), "source_id",
                             did_you_mean(put.source_id(), ids_in_use(sources), "put it first")));
    // The decider says these better.
    if (!series_problem(source->source.format(), put.series()).empty() || !put.has_threshold())
        return {};
    if (const auto no = require_draftable_rule(caller, realm, put, now)) return refused(*no);
    return check_series(caller, heard, known ? &known->rule : nullptr, put);
}

}  // namespace tocsin::trigger
