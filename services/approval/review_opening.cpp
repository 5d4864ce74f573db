// How a review is opened: by a text that drafting submits.
#include "approval/review.hpp"

#include "approval/review_state.hpp"
#include "approval/review_steps.hpp"
#include "content/content.hpp"
#include "content/publishers.hpp"
#include "texts/contains.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace tocsin::approval {

using runtime::Foreign;
using runtime::to_proto;

// Who acts when approval itself hands a text back.
static constexpr std::string_view approval_itself = "service:approval";

// The policy is frozen here: a later SetPolicy binds later submissions only.
static v1::AgencyReview agency_review(const Policies& policies, const std::string& agency_id,
                                      int severity) {
    const v1::Policy policy = binding_policy(policies, agency_id, severity);
    v1::AgencyReview review;
    review.set_agency_id(agency_id);
    review.set_quorum(policy.quorum());
    *review.mutable_roles() = policy.roles();
    return review;
}

// What keeps a submitted text from being reviewed at all; empty when nothing does.
static std::string unreviewable(const v1::Roster& roster, const drafting::v1::Event& event,
                                const std::expected<content::Content, std::string>& parsed,
                                const std::string& realm) {
    const drafting::v1::MessageSubmitted& submitted = event.message_submitted();
    if (content::digest(submitted.content()) != submitted.digest())
        return "digest_mismatch: the stored bytes are not those that were submitted; submit it "
               "again";
    if (!parsed) return fmt::format("content_unreadable: {}; submit it again", parsed.error());
    if (parsed->message_id() != event.message_id() || parsed->realm() != realm)
        return "content_mismatch: the content belongs to another message; submit it again";
    if (parsed->draft().agencies().empty())
        return "agency_unknown: the message names no agency that could clear it; name one";
    for (const std::string& agency : parsed->draft().agencies())
        if (!find_agency(roster, agency))
            return fmt::format(
                "agency_unknown: agency `{}` is not on the roster; remove it from "
                "the message, or import a roster that has it",
                agency);
    // Its names are in the bytes that people approve, or nowhere.
    for (const std::string& agency : parsed->draft().agencies()) {
        const content::Publisher* publisher = content::find_publisher(*parsed, agency);
        if (!publisher || publisher->cap_sender().empty() || publisher->names().empty())
            return fmt::format(
                "agency_unnamed: agency `{}` was not on the roster yet when the message was "
                "submitted; submit it again",
                agency);
    }
    return {};
}

// Whether a yes to these very bytes still stands: of a person who may say it today, and who did not
// stop what it led to.
static bool stands(const v1::Roster& roster, const drafting::v1::MessageSubmitted& submitted,
                   const v1::AgencyReview& agency, const v1::Approval& approval) {
    if (texts::contains(submitted.editors(), approval.approver()) ||
        texts::contains(submitted.stoppers(), approval.approver()))
        return false;
    const v1::Person* person = find_person(roster, approval.approver(), agency.agency_id());
    return person != nullptr && std::ranges::any_of(person->roles(), [&](const std::string& role) {
               return texts::contains(agency.roles(), role);
           });
}

// A text that was cleared, and comes back as it was: what was approved is a digest, so the
// approvals count on.
static void carry_approvals(const v1::Roster& roster, const v1::Review& before,
                            const drafting::v1::MessageSubmitted& submitted, v1::Review& review) {
    if (before.state() != v1::REVIEW_STATE_CLEARED || before.digest() != review.digest()) return;
    for (v1::AgencyReview& agency : *review.mutable_agencies()) {
        for (const v1::AgencyReview& known : before.agencies())
            if (known.agency_id() == agency.agency_id())
                for (const v1::Approval& approval : known.approvals())
                    if (stands(roster, submitted, agency, approval))
                        *agency.add_approvals() = approval;
        agency.set_cleared(agency.approvals_size() >= agency.quorum());
    }
}

static bool all_cleared(const v1::Review& review) {
    return !review.agencies().empty() &&
           std::ranges::all_of(review.agencies(), &v1::AgencyReview::cleared);
}

// Even a text that cannot be reviewed is opened first: it was submitted, and only a return gives
// the baton back to drafting.
static std::vector<v1::Event> open_review(const Policies& policies, const v1::Roster& roster,
                                          const Foreign& foreign, const drafting::v1::Event& event,
                                          const v1::Review& before) {
    const drafting::v1::MessageSubmitted& submitted = event.message_submitted();
    const auto parsed = content::parse(submitted.content());
    std::vector<v1::Event> events{event_of(event.message_id())};
    v1::Review& review = *events[0].mutable_review_opened()->mutable_review();
    events[0].mutable_review_opened()->set_crossing_id(submitted.crossing_id());
    review.set_message_id(event.message_id());
    review.set_digest(submitted.digest());
    review.set_content(submitted.content());
    review.set_state(v1::REVIEW_STATE_IN_REVIEW);
    *review.mutable_editors() = submitted.editors();
    *review.mutable_submit_time() = to_proto(foreign.at);
    review.set_round(submitted.round());
    *review.mutable_incident_agencies() = submitted.incident_agencies();
    if (parsed) {
        std::set<std::string> seen;
        for (const std::string& agency : parsed->draft().agencies())
            if (seen.insert(agency).second)
                *review.add_agencies() =
                    agency_review(policies, agency, static_cast<int>(parsed->draft().severity()));
    }
    const std::string why = unreviewable(roster, event, parsed, foreign.realm);
    if (!why.empty()) {
        events.push_back(review_returned(event.message_id(), approval_itself, why, false));
        return events;
    }
    carry_approvals(roster, before, submitted, review);
    if (!all_cleared(review)) return events;
    auto cleared = clearance(roster, review, submitted.content());
    if (cleared) events.push_back(std::move(*cleared));
    return events;
}

std::optional<Happened> open_reviews(const Reviews& reviews, const Policies& policies,
                                     const v1::Roster& roster, const Foreign& foreign) {
    Happened happened;
    foreign.each<drafting::v1::Event>([&](const drafting::v1::Event& event) {
        // Everything else happens to texts that are drafting's own: no review is open on them.
        if (!event.has_message_submitted()) return;
        // Once rejected a message never comes back; once cleared where drafting got it back from
        // its release, which is another round. Other bytes in the same one come after a lost tail
        // of drafting; publishing refuses them a second release.
        const auto known = reviews.latest.find(event.message_id());
        const v1::Review before =
            known == reviews.latest.end() ? v1::Review{} : known->second.get();
        if (!may_move(before.state(), v1::REVIEW_STATE_IN_REVIEW)) return;
        const auto& submitted = event.message_submitted();
        if (before.state() == v1::REVIEW_STATE_CLEARED && submitted.round() <= before.round() &&
            submitted.digest() == before.digest())
            return;
        for (v1::Event& opened : open_review(policies, roster, foreign, event, before))
            happened.events.push_back(std::move(opened));
        happened.subject = event.message_id();
        happened.etag = std::string{"0"};
    });
    if (happened.events.empty()) return std::nullopt;
    check_moves(reviews, happened.events);
    return happened;
}

}  // namespace tocsin::approval
