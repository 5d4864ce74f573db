#include "approval/review_state.hpp"

#include "runtime/base/moves.hpp"

namespace tocsin::approval {

// clang-format off: one move a line
static constexpr runtime::Move<v1::ReviewState> review_moves[] = {
    {v1::REVIEW_STATE_UNSPECIFIED, v1::REVIEW_STATE_IN_REVIEW},  // First submission.
    // Submitted anew, though the return that it follows went with a lost tail of the ledger.
    {v1::REVIEW_STATE_IN_REVIEW, v1::REVIEW_STATE_IN_REVIEW},
    {v1::REVIEW_STATE_IN_REVIEW, v1::REVIEW_STATE_CLEARED},      // The baton is publishing's.
    {v1::REVIEW_STATE_IN_REVIEW, v1::REVIEW_STATE_RETURNED},
    {v1::REVIEW_STATE_IN_REVIEW, v1::REVIEW_STATE_REJECTED},
    {v1::REVIEW_STATE_RETURNED, v1::REVIEW_STATE_IN_REVIEW},     // Submitted again.
    // Its release ended before anything was public, and drafting got the text back.
    {v1::REVIEW_STATE_CLEARED, v1::REVIEW_STATE_IN_REVIEW},
};
// clang-format on

bool may_move(v1::ReviewState from, v1::ReviewState to) {
    return runtime::listed(review_moves, from, to);
}

v1::ReviewState state_after(const v1::Event& event) {
    switch (event.body_case()) {
        case v1::Event::kReviewOpened:
            return v1::REVIEW_STATE_IN_REVIEW;
        case v1::Event::kCleared:
            return v1::REVIEW_STATE_CLEARED;
        case v1::Event::kReviewReturned:
            return v1::REVIEW_STATE_RETURNED;
        case v1::Event::kReviewRejected:
            return v1::REVIEW_STATE_REJECTED;
        case v1::Event::kRosterImported:
        case v1::Event::kPolicySet:
        case v1::Event::kApprovalGiven:
        case v1::Event::kAgencyCleared:
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return v1::REVIEW_STATE_UNSPECIFIED;
}

}  // namespace tocsin::approval
