#include "approval/review.hpp"

#include "approval/review_state.hpp"
#include "approval/review_steps.hpp"
#include "runtime/ledger/refusals.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <ranges>
#include <stdexcept>

namespace tocsin::approval {

using runtime::Asking;
using runtime::Because;
using runtime::reject;
using runtime::Rejection;
using runtime::to_proto;
using texts::enum_name;

// ---- what commands have in common

Rejection no_review(std::string_view message_id) {
    return runtime::no_such("review of message", message_id, "message_id", "submit it first");
}

std::expected<v1::Review, Rejection> own_review(const Reviews& reviews, const Asking& asking,
                                                const std::string& message_id) {
    const auto found = reviews.latest.find(message_id);
    if (found == reviews.latest.end()) return std::unexpected(no_review(message_id));
    v1::Review review = found->second.get();
    const auto id_of = [](const v1::AgencyReview& agency) -> const std::string& {
        return agency.agency_id();
    };
    const auto agencies = review.agencies() | std::views::transform(id_of);
    if (auto no = runtime::require_agency(asking, "message", agencies, "message_id"))
        return std::unexpected(*no);
    return review;
}

std::optional<Rejection> require_in_review(const v1::Review& review) {
    if (review.state() == v1::REVIEW_STATE_IN_REVIEW) return std::nullopt;
    return Rejection{Because::failed_precondition, "not_in_review",
                     fmt::format("message `{}` is not in review: its review is {}; nothing more is "
                                 "decided on it unless it is submitted again",
                                 review.message_id(), enum_name(review.state())),
                     "message_id"};
}

Happened review_answer(const v1::Review& review, std::vector<v1::Event> events, int added) {
    int approvals = added;
    for (const v1::AgencyReview& agency : review.agencies()) approvals += agency.approvals_size();
    return {std::move(events), review.message_id(), std::to_string(approvals)};
}

v1::Event review_returned(const std::string& message_id, std::string_view actor,
                          std::string_view reason, bool taken_back) {
    v1::Event event = event_of(message_id);
    v1::ReviewReturned& body = *event.mutable_review_returned();
    body.set_actor(std::string(actor));
    body.set_reason(std::string(reason));
    body.set_taken_back(taken_back);
    return event;
}

// ---- commands; approve() is in review_approve.cpp

// The review of a message, which the caller may end without a clearance.
static std::expected<v1::Review, Rejection> refusable_review(const Reviews& reviews,
                                                             const v1::Roster& roster,
                                                             const Asking& asking,
                                                             const std::string& message_id) {
    auto review = own_review(reviews, asking, message_id);
    if (!review) return review;
    if (auto no = require_role_on_roster(roster, asking, {"approver", "duty-officer"}))
        return std::unexpected(*no);
    if (auto no = require_in_review(*review)) return std::unexpected(*no);
    return review;
}

Verdict request_changes(const Reviews& reviews, const v1::Roster& roster, const Asking& asking,
                        const v1::RequestChangesRequest& request) {
    const auto review = refusable_review(reviews, roster, asking, request.message_id());
    if (!review) return std::unexpected(review.error());
    return review_answer(
        *review, {review_returned(review->message_id(), asking.actor, request.reason(), false)});
}

Verdict reject_message(const Reviews& reviews, const v1::Roster& roster, const Asking& asking,
                       const v1::RejectRequest& request) {
    const auto review = refusable_review(reviews, roster, asking, request.message_id());
    if (!review) return std::unexpected(review.error());

    v1::Event event = event_of(review->message_id());
    v1::ReviewRejected& rejected = *event.mutable_review_rejected();
    rejected.set_actor(asking.actor);
    rejected.set_reason(request.reason());
    return review_answer(*review, {event});
}

Verdict take_back(const Reviews& reviews, const v1::Roster& roster, const Asking& asking,
                  const v1::TakeBackRequest& request) {
    const auto review = own_review(reviews, asking, request.message_id());
    if (!review) return std::unexpected(review.error());
    if (auto no = require_role_on_roster(roster, asking, {"author", "duty-officer"}))
        return std::unexpected(*no);
    // The baton is publishing's from clearance on: only its answer can stop the release.
    if (review->state() == v1::REVIEW_STATE_CLEARED)
        return reject(Because::failed_precondition, "cleared",
                      "this message is cleared; stop its release in publishing instead, or revise "
                      "or submit it where that is over and gave it back",
                      "message_id");
    if (auto no = require_in_review(*review)) return std::unexpected(*no);
    return review_answer(
        *review, {review_returned(review->message_id(), asking.actor, request.reason(), true)});
}

// ---- events

static void add_approval(v1::Review& review, const v1::Approval& approval) {
    for (v1::AgencyReview& agency : *review.mutable_agencies())
        if (agency.agency_id() == approval.agency_id()) *agency.add_approvals() = approval;
}

static void clear_agency(v1::Review& review, const std::string& agency_id) {
    for (v1::AgencyReview& agency : *review.mutable_agencies())
        if (agency.agency_id() == agency_id) agency.set_cleared(true);
}

static bool move(v1::Review& head, v1::ReviewState to) {
    if (!may_move(head.state(), to)) return false;
    head.set_state(to);
    return true;
}

// What an event makes of a review, but for its content. False: it may not move there, or the event
// is of no review; then nothing changed.
static bool evolve_head(v1::Review& head, const v1::Event& event, Time decided_at) {
    switch (event.body_case()) {
        case v1::Event::kReviewOpened:
            if (!may_move(head.state(), v1::REVIEW_STATE_IN_REVIEW)) return false;
            head = event.review_opened().review();
            head.clear_content();
            head.set_state(v1::REVIEW_STATE_IN_REVIEW);
            return true;
        case v1::Event::kApprovalGiven:
            add_approval(head, event.approval_given().approval());
            return true;
        case v1::Event::kAgencyCleared:
            clear_agency(head, event.agency_cleared().agency_id());
            return true;
        case v1::Event::kCleared:
            if (!move(head, v1::REVIEW_STATE_CLEARED)) return false;
            *head.mutable_clear_time() = to_proto(decided_at);
            return true;
        case v1::Event::kReviewReturned:
            if (!move(head, v1::REVIEW_STATE_RETURNED)) return false;
            head.set_reason(event.review_returned().reason());
            return true;
        case v1::Event::kReviewRejected:
            if (!move(head, v1::REVIEW_STATE_REJECTED)) return false;
            head.set_reason(event.review_rejected().reason());
            return true;
        case v1::Event::kRosterImported:
        case v1::Event::kPolicySet:
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return false;
}

bool evolve(Review& review, const v1::Event& event, Time decided_at) {
    bool taken = false;
    review.head.edit([&](v1::Review& head) { taken = evolve_head(head, event, decided_at); });
    if (taken && event.has_review_opened())
        review.content = runtime::SharedBytes(event.review_opened().review().content());
    return taken;
}

void check_moves(const Reviews& reviews, const std::vector<v1::Event>& events) {
    std::map<std::string, v1::Review> heads;
    for (const v1::Event& event : events) {
        const std::string& id = event.message_id();
        if (id.empty()) continue;
        const auto [head, first] = heads.try_emplace(id);
        if (const auto known = reviews.latest.find(id); first && known != reviews.latest.end())
            head->second = known->second.get();
        // When it is decided changes no move.
        if (!evolve_head(head->second, event, Time{}))
            throw std::logic_error(fmt::format(
                "the review of message `{}` is {} and may not move by event {}", id,
                v1::ReviewState_Name(head->second.state()), static_cast<int>(event.body_case())));
    }
}

static bool ends(const v1::Event& event) {
    return event.has_cleared() || event.has_review_returned() || event.has_review_rejected();
}

bool evolve(Reviews& reviews, const v1::Event& event, Time decided_at) {
    Review& review = reviews.latest[event.message_id()];
    if (!evolve(review, event, decided_at)) return false;
    if (ends(event)) review.content = {};
    return true;
}

}  // namespace tocsin::approval
