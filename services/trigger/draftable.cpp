#include "trigger/draftable.hpp"

#include "content/checks.hpp"
#include "content/templates.hpp"
#include "texts/contains.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <string_view>

namespace tocsin::trigger {

using runtime::Because;
using runtime::Rejection;

static constexpr std::size_t errors_listed_max = 5;

// A reading at which the rule crosses.
static content::v1::Evidence reading_of(const Draftable& rule, double value) {
    content::v1::Evidence evidence;
    evidence.set_source_id(rule.put.source_id());
    evidence.set_series(rule.put.series());
    evidence.set_unit(rule.put.unit().empty() ? "m" : rule.put.unit());
    evidence.set_value(value);
    evidence.set_threshold(rule.put.threshold());
    *evidence.mutable_read_at() = runtime::to_proto(rule.now);
    return evidence;
}

static std::optional<Rejection> require_fitting_agencies(const Draftable& rule) {
    const auto& agencies = rule.source.draft().agencies();
    // None: the rule's is put in.
    if (!agencies.empty() && !texts::contains(agencies, rule.agency))
        return Rejection{
            Because::failed_precondition, "template_without_agency",
            fmt::format("your agency `{}` is not among those of template `{}`; add "
                        "it to them, or name another template: {}",
                        rule.agency, rule.put.template_id(), fmt::join(agencies, ", ")),
            "template_id"};
    for (const std::string& agency : agencies)
        if (!texts::contains(rule.members, agency))
            return Rejection{
                Because::failed_precondition, "template_not_for_incident",
                fmt::format("agency `{}` of template `{}` does not take part in incident `{}`; "
                            "name another template, or an incident in which it does",
                            agency, rule.put.template_id(), rule.put.incident_id()),
                "template_id"};
    return std::nullopt;
}

// The template was stored in this world.
static std::string_view world_of(const content::v1::Draft& draft) {
    return draft.status() == content::v1::STATUS_EXERCISE ? "exercise" : "live";
}

static std::optional<Rejection> require_complete_draft(const Draftable& rule, double value) {
    const std::string& zone = rule.put.time_zone();
    const auto draft = content::draft_at(
        rule.source.draft(), reading_of(rule, value), zone.empty() ? "UTC" : zone, rule.agency,
        rule.now + std::chrono::seconds{rule.source.expires_after_seconds()});
    if (!draft)
        return Rejection{Because::failed_precondition, "template_needs_more",
                         fmt::format("template `{}` has placeholders that a reading does not "
                                     "fill; take them out of it, or name another template: {}",
                                     rule.put.template_id(), fmt::join(draft.error(), ", ")),
                         "template_id"};
    std::vector<std::string> errors;
    for (const content::Finding& one : content::check(*draft, rule.now, world_of(*draft)))
        if (one.level == content::Finding::Level::error && errors.size() < errors_listed_max)
            errors.push_back(fmt::format("{} at {}: {}", one.code, one.field, one.text));
    if (errors.empty()) return std::nullopt;
    return Rejection{Because::failed_precondition, "template_incomplete",
                     fmt::format("no draft that template `{}` makes of a reading of {} could be "
                                 "submitted; correct the template: {}",
                                 rule.put.template_id(), value, fmt::join(errors, "; ")),
                     "template_id"};
}

std::optional<Rejection> require_draftable(const Draftable& rule) {
    if (auto no = require_fitting_agencies(rule)) return no;
    // At the threshold, and far above it: some digits more may be too long.
    const double threshold = rule.put.threshold();
    for (const double value : {threshold, threshold + 9 * std::abs(threshold) + 0.25})
        if (auto no = require_complete_draft(rule, value)) return no;
    return std::nullopt;
}

}  // namespace tocsin::trigger
