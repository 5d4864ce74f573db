// The command Approve, and the clearances that follow from it.
#include "approval/review.hpp"

#include "approval/review_steps.hpp"
#include "texts/contains.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::approval {

using runtime::Asking;
using runtime::Because;
using runtime::reject;
using runtime::Rejection;
using runtime::to_proto;

// `review` names that agency.
static const v1::AgencyReview& agency_part(const v1::Review& review, std::string_view agency_id) {
    const auto& agencies = review.agencies();
    return *std::ranges::find(agencies, agency_id, &v1::AgencyReview::agency_id);
}

// Null: that person has not approved, for any agency.
static const v1::Approval* approval_by(const v1::Review& review, std::string_view person) {
    for (const v1::AgencyReview& agency : review.agencies())
        for (const v1::Approval& approval : agency.approvals())
            if (approval.approver() == person) return &approval;
    return nullptr;
}

std::expected<v1::Event, Rejection> clearance(const v1::Roster& roster, const v1::Review& review,
                                              const std::string& content) {
    v1::Event event = event_of(review.message_id());
    v1::Cleared& cleared = *event.mutable_cleared();
    cleared.set_content(content);
    cleared.set_digest(review.digest());
    cleared.set_round(review.round());
    *cleared.mutable_incident_agencies() = review.incident_agencies();
    for (const v1::AgencyReview& agency : review.agencies()) {
        if (!find_agency(roster, agency.agency_id()))
            return reject(Because::failed_precondition, "agency_unknown",
                          fmt::format("agency `{}` is no longer on the roster; import a roster "
                                      "that has it, or take the message back",
                                      agency.agency_id()));
        cleared.add_agencies(agency.agency_id());
        for (const v1::Approval& approval : agency.approvals()) *cleared.add_approvals() = approval;
    }
    return event;
}

static Verdict give_approval(const Reviews& reviews, const v1::Roster& roster,
                             const v1::Review& review, const v1::Approval& approval) {
    std::vector<v1::Event> events{event_of(review.message_id())};
    *events[0].mutable_approval_given()->mutable_approval() = approval;

    v1::Review after = review;
    bool all_cleared = true;
    for (v1::AgencyReview& agency : *after.mutable_agencies()) {
        if (agency.agency_id() == approval.agency_id()) {
            *agency.add_approvals() = approval;
            if (!agency.cleared() && agency.approvals_size() >= agency.quorum()) {
                agency.set_cleared(true);
                v1::Event& cleared = events.emplace_back(event_of(review.message_id()));
                cleared.mutable_agency_cleared()->set_agency_id(agency.agency_id());
            }
        }
        all_cleared = all_cleared && agency.cleared();
    }
    if (all_cleared) {
        auto cleared = clearance(roster, after, *reviews.latest.at(review.message_id()).content);
        if (!cleared) return std::unexpected(cleared.error());
        events.push_back(std::move(*cleared));
    }
    return review_answer(review, std::move(events), 1);
}

// Nobody approves a text that they wrote, nor the same text for two agencies. `before` is what the
// caller approved of it already; null: nothing.
static std::optional<Rejection> require_uninvolved(const v1::Review& review, const Asking& asking,
                                                   const v1::Approval* before) {
    // Who edited any revision, or submitted it, is out; being its last editor is not the test.
    if (texts::contains(review.editors(), asking.actor))
        return Rejection{Because::permission_denied,
                         "own_text",
                         fmt::format("`{}` wrote, edited or submitted this text; somebody else "
                                     "must approve it",
                                     asking.actor),
                         {}};
    if (before && before->agency_id() != asking.agency)
        return Rejection{Because::permission_denied,
                         "second_approval",
                         fmt::format("`{}` has approved this text for agency `{}`, and one person "
                                     "approves once; somebody else must approve it for `{}`",
                                     asking.actor, before->agency_id(), asking.agency),
                         {}};
    return std::nullopt;
}

Verdict approve(const Reviews& reviews, const v1::Roster& roster, const Asking& asking,
                const v1::ApproveRequest& request, Time now) {
    const auto found = own_review(reviews, asking, request.message_id());
    if (!found) return std::unexpected(found.error());
    const v1::Review& review = *found;
    const v1::AgencyReview& own = agency_part(review, asking.agency);
    // The roles of the policy as it stood when the review was opened.
    if (auto no = require_role_on_roster(roster, asking, {own.roles().begin(), own.roles().end()}))
        return std::unexpected(*no);
    const v1::Approval* before = approval_by(review, asking.actor);
    if (auto no = require_uninvolved(review, asking, before)) return std::unexpected(*no);
    // A second click after the last approval is still the same yes.
    const bool again = before && request.digest() == review.digest();
    if (again && review.state() == v1::REVIEW_STATE_CLEARED) return review_answer(review, {});
    if (auto no = require_in_review(review)) return std::unexpected(*no);
    // The digest pins the exact words: approving last minute's text must not release this one.
    if (request.digest() != review.digest())
        return reject(Because::failed_precondition, "stale_digest",
                      "the text has changed since it was read; read it again and approve that",
                      "digest");
    if (again) return review_answer(review, {});

    v1::Approval approval;
    approval.set_approver(asking.actor);
    approval.set_agency_id(asking.agency);
    approval.set_digest(review.digest());
    *approval.mutable_approve_time() = to_proto(now);
    approval.set_comment(request.comment());
    return give_approval(reviews, roster, review, approval);
}

}  // namespace tocsin::approval
