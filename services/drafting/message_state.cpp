#include "drafting/message_state.hpp"

#include "runtime/base/moves.hpp"

namespace tocsin::drafting {

using enum v1::MessageState;

// It is withdrawn before clearance, cancelled before the claim and retracted after it: a message
// that was retracted is cancelled too.
static constexpr runtime::Move<v1::MessageState> message_moves[] = {
    // Submitted: from here its text is locked.
    {MESSAGE_STATE_DRAFT, MESSAGE_STATE_IN_REVIEW},
    {MESSAGE_STATE_DRAFT, MESSAGE_STATE_WITHDRAWN},
    // Changes requested, or taken back.
    {MESSAGE_STATE_IN_REVIEW, MESSAGE_STATE_DRAFT},
    {MESSAGE_STATE_IN_REVIEW, MESSAGE_STATE_CLEARED},
    {MESSAGE_STATE_IN_REVIEW, MESSAGE_STATE_REJECTED},
    {MESSAGE_STATE_IN_REVIEW, MESSAGE_STATE_WITHDRAWN},
    {MESSAGE_STATE_IN_REVIEW, MESSAGE_STATE_EXPIRED},
    // Taken back, or the approval has lapsed.
    {MESSAGE_STATE_CLEARED, MESSAGE_STATE_DRAFT},
    {MESSAGE_STATE_CLEARED, MESSAGE_STATE_ARMED},
    // Its release gave the text back, and it was submitted again.
    {MESSAGE_STATE_CLEARED, MESSAGE_STATE_IN_REVIEW},
    // Vetoed.
    {MESSAGE_STATE_CLEARED, MESSAGE_STATE_REJECTED},
    {MESSAGE_STATE_CLEARED, MESSAGE_STATE_CANCELLED},
    {MESSAGE_STATE_CLEARED, MESSAGE_STATE_EXPIRED},
    // Held.
    {MESSAGE_STATE_ARMED, MESSAGE_STATE_CLEARED},
    // Taken back.
    {MESSAGE_STATE_ARMED, MESSAGE_STATE_DRAFT},
    // The claim: from here something may be public.
    {MESSAGE_STATE_ARMED, MESSAGE_STATE_RELEASING},
    // Vetoed.
    {MESSAGE_STATE_ARMED, MESSAGE_STATE_REJECTED},
    {MESSAGE_STATE_ARMED, MESSAGE_STATE_CANCELLED},
    {MESSAGE_STATE_ARMED, MESSAGE_STATE_EXPIRED},
    {MESSAGE_STATE_RELEASING, MESSAGE_STATE_RELEASED},
    {MESSAGE_STATE_RELEASING, MESSAGE_STATE_SUPERSEDED},
    // Retracted while some channels were still on their way.
    {MESSAGE_STATE_RELEASING, MESSAGE_STATE_CANCELLED},
    {MESSAGE_STATE_RELEASING, MESSAGE_STATE_EXPIRED},
    {MESSAGE_STATE_RELEASED, MESSAGE_STATE_SUPERSEDED},
    // Of what was to take its place nothing was public, or it was retracted all the same.
    {MESSAGE_STATE_SUPERSEDED, MESSAGE_STATE_RELEASED},
    {MESSAGE_STATE_SUPERSEDED, MESSAGE_STATE_RELEASING},
    {MESSAGE_STATE_SUPERSEDED, MESSAGE_STATE_CANCELLED},
    // Retracted.
    {MESSAGE_STATE_RELEASED, MESSAGE_STATE_CANCELLED},
    {MESSAGE_STATE_RELEASED, MESSAGE_STATE_EXPIRED},
    // A channel has it after all.
    {MESSAGE_STATE_CANCELLED, MESSAGE_STATE_RELEASED},
};

bool may_move(v1::MessageState from, v1::MessageState to) {
    return runtime::listed(message_moves, from, to);
}

bool has_ended(v1::MessageState state) {
    switch (state) {
        case MESSAGE_STATE_RELEASED:
        case MESSAGE_STATE_SUPERSEDED:
        case MESSAGE_STATE_CANCELLED:
        case MESSAGE_STATE_EXPIRED:
        case MESSAGE_STATE_WITHDRAWN:
        case MESSAGE_STATE_REJECTED:
            return true;
        case MESSAGE_STATE_DRAFT:
        case MESSAGE_STATE_IN_REVIEW:
        case MESSAGE_STATE_CLEARED:
        case MESSAGE_STATE_ARMED:
        case MESSAGE_STATE_RELEASING:
        case MESSAGE_STATE_UNSPECIFIED:
        case MessageState_INT_MIN_SENTINEL_DO_NOT_USE_:
        case MessageState_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    return false;
}

}  // namespace tocsin::drafting
