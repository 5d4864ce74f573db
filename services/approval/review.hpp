// Reviews: what people say of each text that was submitted, until it is cleared or goes back.
//
// What is approved is a digest, never "the current text": every submission opens a fresh review and
// voids the approvals of the one before, unless it is the very text that was cleared, and came back
// from its release.
#pragma once

#include "approval/policy.hpp"
#include "approval/roster.hpp"
#include "runtime/base/shared_bytes.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::approval {

// One review as it is kept: its content apart from the rest, and both as bytes that the state, the
// view and other services share.
struct Review {
    runtime::Packed<v1::Review> head;  // without content
    // Kept while it is in review: from its end on no decision needs more than the digest.
    runtime::SharedBytes content;

    v1::Review get() const { return head.get(); }
};

struct Reviews {
    std::map<std::string, Review> latest;  // by message
};

// What no fold would accept is not decided. Throws: the rules of this service are at fault, and the
// runtime records it.
void check_moves(const Reviews& reviews, const std::vector<v1::Event>& events);

// ---- commands

Verdict approve(const Reviews& reviews, const v1::Roster& roster, const runtime::Asking& asking,
                const v1::ApproveRequest& request, Time now);
Verdict request_changes(const Reviews& reviews, const v1::Roster& roster,
                        const runtime::Asking& asking, const v1::RequestChangesRequest& request);
Verdict reject_message(const Reviews& reviews, const v1::Roster& roster,
                       const runtime::Asking& asking, const v1::RejectRequest& request);
Verdict take_back(const Reviews& reviews, const v1::Roster& roster, const runtime::Asking& asking,
                  const v1::TakeBackRequest& request);

// ---- reactions to drafting

// Opens a review for each text that a decision of drafting submitted.
std::optional<Happened> open_reviews(const Reviews& reviews, const Policies& policies,
                                     const v1::Roster& roster, const runtime::Foreign& foreign);

// ---- events

// What an event makes of its review, and of nothing else. The view folds with it too: what is shown
// is what is decided upon. False, and nothing changes: the review may not move there, or it is an
// event of no review.
bool evolve(Review& review, const v1::Event& event, Time decided_at);
bool evolve(Reviews& reviews, const v1::Event& event, Time decided_at);

}  // namespace tocsin::approval
