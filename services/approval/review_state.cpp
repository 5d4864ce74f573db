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

}  // namespace tocsin::approval
