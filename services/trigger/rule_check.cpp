#include "trigger/rule_check.hpp"

#include "runtime/base/nearest.hpp"
#include "runtime/edge/errors.hpp"
#include "texts/contains.hpp"
#include "trigger/draftable.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::trigger {
namespace {

using runtime::Caller;

grpc::Status refused(grpc::StatusCode code, std::string_view reason, std::string field,
                     std::string why) {
    return runtime::status(code, reason, why, {{std::move(field), why}});
}

std::string did_you_mean(const std::string& typed, const std::vector<std::string>& known,
                         const std::string& otherwise) {
    const std::string close = runtime::nearest(typed, known);
    return close.empty() ? otherwise : fmt::format("did you mean {}?", close);
}

std::vector<std::string> sources_in_use(const Realm& realm) {
    std::vector<std::string> ids;
    realm.state().sources.ascend(nullptr, [&](const std::string& id, const SourceState& known) {
        if (known.source.active()) ids.push_back(id);
        return true;
    });
    return ids;
}

// What a crossing of the rule would be refused for.
std::optional<grpc::Status> undraftable(const Caller& caller, const Realm& realm,
                                        const v1::PutRuleRequest& put, runtime::Time now) {
    const auto* agencies = realm.agencies(put.incident_id());
    if (!agencies)
        return refused(grpc::StatusCode::NOT_FOUND, "incident_not_found", "incident_id",
                       fmt::format("there is no incident {}: open it first", put.incident_id()));
    if (!texts::contains(*agencies, caller.agency))
        return refused(grpc::StatusCode::FAILED_PRECONDITION, "agency_not_in_incident",
                       "incident_id",
                       fmt::format("your agency {} does not take part in incident {}",
                                   caller.agency, put.incident_id()));
    const auto* source = realm.template_of(put.template_id());
    if (!source)
        return refused(
            grpc::StatusCode::NOT_FOUND, "template_not_found", "template_id",
            fmt::format("there is no template {}: {}", put.template_id(),
                        did_you_mean(put.template_id(), realm.template_ids(), "store it first")));
    return not_draftable({put, caller.agency, source->get(), *agencies, now});
}

// By what the source brought so far. What a rule reads already it may go on to read: it is mended
// while its gauge is silent as well, or while that tells of another unit.
RuleCheck unreadable(const Caller& caller, const Heard& heard, const v1::Rule* known,
                     const v1::PutRuleRequest& put) {
    const bool same_series =
        known && known->source_id() == put.source_id() && known->series() == put.series();
    const auto series = heard.series(caller.realm, put.source_id(), put.series());
    if (!series) {
        if (same_series) return {};
        const auto names = heard.names(caller.realm, put.source_id());
        if (names.empty()) return {.refused = std::nullopt, .unheard = true};
        return {refused(
            grpc::StatusCode::NOT_FOUND, "series_not_found", "series",
            fmt::format(
                "source {} brings no series {}: {}", put.source_id(), put.series(),
                did_you_mean(put.series(), names, "it brings, among others, " + names.front())))};
    }
    if (put.unit().empty() || put.unit() == series->unit ||
        (same_series && known->unit() == put.unit()))
        return {};
    return {refused(grpc::StatusCode::FAILED_PRECONDITION, "unit_differs", "unit",
                    fmt::format("{} arrives in {}: give the threshold in that unit, or leave the "
                                "unit out",
                                put.series(), series->unit.empty() ? "no unit" : series->unit))};
}

}  // namespace

RuleCheck check_rule(const Caller& caller, const Realm& realm, const Heard& heard,
                     const v1::PutRuleRequest& put, runtime::Time now) {
    const RuleState* known = realm.state().rules.find(put.rule_id());
    // The decider says it, and first.
    if (known && known->rule.agency_id() != caller.agency) return {};
    const SourceState* source = realm.state().sources.find(put.source_id());
    if (!source || !source->source.active())
        return {refused(
            grpc::StatusCode::NOT_FOUND, "source_not_found", "source_id",
            fmt::format("there is no source {}: {}", put.source_id(),
                        did_you_mean(put.source_id(), sources_in_use(realm), "put it first")))};
    // The decider says these better.
    if (!series_problem(source->source.format(), put.series()).empty() || !put.has_threshold())
        return {};
    if (auto why = undraftable(caller, realm, put, now)) return {std::move(why)};
    return unreadable(caller, heard, known ? &known->rule : nullptr, put);
}

}  // namespace tocsin::trigger
