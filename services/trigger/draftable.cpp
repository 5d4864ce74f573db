#include "trigger/draftable.hpp"

#include "content/checks.hpp"
#include "content/templates.hpp"
#include "runtime/edge/errors.hpp"
#include "texts/contains.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <string_view>

namespace tocsin::trigger {
namespace {

constexpr std::size_t errors_listed_max = 5;

grpc::Status refused(grpc::StatusCode code, std::string_view reason, const std::string& why) {
    return runtime::status(code, reason, why, {{"template_id", why}});
}

// A reading at which the rule crosses.
content::v1::Evidence reading_of(const Draftable& question, double value) {
    content::v1::Evidence evidence;
    evidence.set_source_id(question.put.source_id());
    evidence.set_series(question.put.series());
    evidence.set_unit(question.put.unit().empty() ? "m" : question.put.unit());
    evidence.set_value(value);
    evidence.set_threshold(question.put.threshold());
    *evidence.mutable_read_at() = runtime::to_proto(question.now);
    return evidence;
}

std::optional<grpc::Status> agencies_problem(const Draftable& question) {
    const auto& agencies = question.source.draft().agencies();
    // None: the rule's is put in.
    if (!agencies.empty() && !texts::contains(agencies, question.agency))
        return refused(
            grpc::StatusCode::FAILED_PRECONDITION, "template_without_agency",
            fmt::format("your agency {} is not among those of template {}: {}", question.agency,
                        question.put.template_id(), fmt::join(agencies, ", ")));
    for (const std::string& agency : agencies)
        if (!texts::contains(question.members, agency))
            return refused(
                grpc::StatusCode::FAILED_PRECONDITION, "template_not_for_incident",
                fmt::format("agency {} of template {} does not take part in incident {}", agency,
                            question.put.template_id(), question.put.incident_id()));
    return std::nullopt;
}

// The template was stored in this world.
std::string_view world_of(const content::v1::Draft& draft) {
    return draft.status() == content::v1::STATUS_EXERCISE ? "exercise" : "live";
}

std::optional<grpc::Status> filled_problem(const Draftable& question, double value) {
    const std::string& zone = question.put.time_zone();
    const auto draft = content::draft_at(
        question.source.draft(), reading_of(question, value), zone.empty() ? "UTC" : zone,
        question.agency,
        question.now + std::chrono::seconds{question.source.expires_after_seconds()});
    if (!draft)
        return refused(grpc::StatusCode::FAILED_PRECONDITION, "template_needs_more",
                       fmt::format("template {} has placeholders that a reading does not fill: {}",
                                   question.put.template_id(), fmt::join(draft.error(), ", ")));
    std::vector<std::string> errors;
    for (const content::Finding& one : content::check(*draft, question.now, world_of(*draft)))
        if (one.level == content::Finding::Level::error && errors.size() < errors_listed_max)
            errors.push_back(fmt::format("{} at {}: {}", one.code, one.field, one.text));
    if (errors.empty()) return std::nullopt;
    return refused(grpc::StatusCode::FAILED_PRECONDITION, "template_incomplete",
                   fmt::format("no draft that template {} makes of a reading of {} could be "
                               "submitted: {}",
                               question.put.template_id(), value, fmt::join(errors, "; ")));
}

}  // namespace

std::optional<grpc::Status> not_draftable(const Draftable& question) {
    if (auto problem = agencies_problem(question)) return problem;
    // At the threshold, and far above it: some digits more may be too long.
    const double threshold = question.put.threshold();
    for (const double value : {threshold, threshold + 9 * std::abs(threshold) + 0.25})
        if (auto problem = filled_problem(question, value)) return problem;
    return std::nullopt;
}

}  // namespace tocsin::trigger
