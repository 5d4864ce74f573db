#include "publishing/states.hpp"

#include "runtime/base/moves.hpp"

namespace tocsin::publishing {

static constexpr runtime::Move<v1::ReleaseState> release_moves[] = {
    // Every channel that answers is one, until what is ready goes.
    {v1::RELEASE_STATE_PREPARING, v1::RELEASE_STATE_PREPARING},
    {v1::RELEASE_STATE_PREPARING, v1::RELEASE_STATE_WAITING},
    {v1::RELEASE_STATE_PREPARING, v1::RELEASE_STATE_ARMED},
    {v1::RELEASE_STATE_PREPARING, v1::RELEASE_STATE_CANCELLED},
    {v1::RELEASE_STATE_PREPARING, v1::RELEASE_STATE_ABORTED},
    {v1::RELEASE_STATE_PREPARING, v1::RELEASE_STATE_EXPIRED},
    {v1::RELEASE_STATE_WAITING, v1::RELEASE_STATE_PREPARING},
    {v1::RELEASE_STATE_WAITING, v1::RELEASE_STATE_WAITING},
    {v1::RELEASE_STATE_WAITING, v1::RELEASE_STATE_ARMED},
    {v1::RELEASE_STATE_WAITING, v1::RELEASE_STATE_CANCELLED},
    {v1::RELEASE_STATE_WAITING, v1::RELEASE_STATE_ABORTED},
    {v1::RELEASE_STATE_WAITING, v1::RELEASE_STATE_EXPIRED},
    {v1::RELEASE_STATE_ARMED, v1::RELEASE_STATE_FIRING},
    {v1::RELEASE_STATE_ARMED, v1::RELEASE_STATE_CANCELLED},
    {v1::RELEASE_STATE_ARMED, v1::RELEASE_STATE_ABORTED},
    {v1::RELEASE_STATE_ARMED, v1::RELEASE_STATE_EXPIRED},
    {v1::RELEASE_STATE_FIRING, v1::RELEASE_STATE_RELEASED},
    {v1::RELEASE_STATE_FIRING, v1::RELEASE_STATE_RETRACTING},
    // Nothing left, whatever was claimed.
    {v1::RELEASE_STATE_FIRING, v1::RELEASE_STATE_CANCELLED},
    {v1::RELEASE_STATE_FIRING, v1::RELEASE_STATE_ABORTED},
    {v1::RELEASE_STATE_RELEASED, v1::RELEASE_STATE_RETRACTING},
    // A person had a delivery tried again.
    {v1::RELEASE_STATE_RELEASED, v1::RELEASE_STATE_FIRING},
    {v1::RELEASE_STATE_ABORTED, v1::RELEASE_STATE_FIRING},
    // Of a retraction that had reached nobody, a channel turns out to have it.
    {v1::RELEASE_STATE_RELEASED, v1::RELEASE_STATE_RETRACTED},
    {v1::RELEASE_STATE_RELEASED, v1::RELEASE_STATE_PARTLY_RETRACTED},
    // The retraction reached nobody.
    {v1::RELEASE_STATE_RETRACTING, v1::RELEASE_STATE_RELEASED},
    {v1::RELEASE_STATE_RETRACTING, v1::RELEASE_STATE_RETRACTING},
    {v1::RELEASE_STATE_RETRACTING, v1::RELEASE_STATE_RETRACTED},
    {v1::RELEASE_STATE_RETRACTING, v1::RELEASE_STATE_PARTLY_RETRACTED},
    // Nor did the message.
    {v1::RELEASE_STATE_RETRACTING, v1::RELEASE_STATE_CANCELLED},
    {v1::RELEASE_STATE_RETRACTING, v1::RELEASE_STATE_ABORTED},
    // Ordered or tried again, for the channels that refused it.
    {v1::RELEASE_STATE_RETRACTED, v1::RELEASE_STATE_RETRACTING},
    {v1::RELEASE_STATE_PARTLY_RETRACTED, v1::RELEASE_STATE_RETRACTING},
    // The channels that were in doubt turn out to have it.
    {v1::RELEASE_STATE_PARTLY_RETRACTED, v1::RELEASE_STATE_RETRACTED},
    // Given up in doubt, and nobody has it after all: its text goes back.
    {v1::RELEASE_STATE_ABORTED, v1::RELEASE_STATE_ABORTED},
    // Or a channel has the message, or may have it.
    {v1::RELEASE_STATE_ABORTED, v1::RELEASE_STATE_RELEASED},
    {v1::RELEASE_STATE_ABORTED, v1::RELEASE_STATE_RETRACTING},
};

static constexpr runtime::Move<v1::DeliveryState> delivery_moves[] = {
    {v1::DELIVERY_STATE_PLANNED, v1::DELIVERY_STATE_READY},
    {v1::DELIVERY_STATE_PLANNED, v1::DELIVERY_STATE_NOT_READY},
    {v1::DELIVERY_STATE_PLANNED, v1::DELIVERY_STATE_STOOD_DOWN},
    {v1::DELIVERY_STATE_PLANNED, v1::DELIVERY_STATE_SKIPPED},
    // Its limit, or the reason, is another one.
    {v1::DELIVERY_STATE_READY, v1::DELIVERY_STATE_READY},
    {v1::DELIVERY_STATE_READY, v1::DELIVERY_STATE_NOT_READY},
    {v1::DELIVERY_STATE_READY, v1::DELIVERY_STATE_ARMED},
    {v1::DELIVERY_STATE_READY, v1::DELIVERY_STATE_REFUSED},
    {v1::DELIVERY_STATE_READY, v1::DELIVERY_STATE_STOOD_DOWN},
    {v1::DELIVERY_STATE_READY, v1::DELIVERY_STATE_SKIPPED},
    // Its channel is another now, or it was ready long before T0.
    {v1::DELIVERY_STATE_READY, v1::DELIVERY_STATE_PLANNED},
    {v1::DELIVERY_STATE_NOT_READY, v1::DELIVERY_STATE_PLANNED},
    {v1::DELIVERY_STATE_PLANNED, v1::DELIVERY_STATE_PLANNED},
    {v1::DELIVERY_STATE_NOT_READY, v1::DELIVERY_STATE_READY},
    {v1::DELIVERY_STATE_NOT_READY, v1::DELIVERY_STATE_NOT_READY},
    {v1::DELIVERY_STATE_NOT_READY, v1::DELIVERY_STATE_STOOD_DOWN},
    {v1::DELIVERY_STATE_NOT_READY, v1::DELIVERY_STATE_SKIPPED},
    {v1::DELIVERY_STATE_ARMED, v1::DELIVERY_STATE_CLAIMED},
    // An attempt that was believed to have come to nothing had worked.
    {v1::DELIVERY_STATE_ARMED, v1::DELIVERY_STATE_CONFIRMED},
    {v1::DELIVERY_STATE_ARMED, v1::DELIVERY_STATE_REFUSED},
    {v1::DELIVERY_STATE_ARMED, v1::DELIVERY_STATE_STOOD_DOWN},
    {v1::DELIVERY_STATE_ARMED, v1::DELIVERY_STATE_SKIPPED},
    {v1::DELIVERY_STATE_CLAIMED, v1::DELIVERY_STATE_ARMED},
    {v1::DELIVERY_STATE_CLAIMED, v1::DELIVERY_STATE_CONFIRMED},
    {v1::DELIVERY_STATE_CLAIMED, v1::DELIVERY_STATE_REFUSED},
    {v1::DELIVERY_STATE_CLAIMED, v1::DELIVERY_STATE_UNKNOWN},
    {v1::DELIVERY_STATE_CLAIMED, v1::DELIVERY_STATE_STOOD_DOWN},
    {v1::DELIVERY_STATE_UNKNOWN, v1::DELIVERY_STATE_ARMED},
    {v1::DELIVERY_STATE_UNKNOWN, v1::DELIVERY_STATE_CONFIRMED},
    {v1::DELIVERY_STATE_UNKNOWN, v1::DELIVERY_STATE_REFUSED},
    // The channel was queried without a clear answer.
    {v1::DELIVERY_STATE_UNKNOWN, v1::DELIVERY_STATE_UNKNOWN},
    {v1::DELIVERY_STATE_UNKNOWN, v1::DELIVERY_STATE_STOOD_DOWN},
    // A person had it tried again.
    {v1::DELIVERY_STATE_REFUSED, v1::DELIVERY_STATE_ARMED},
    // Given up in doubt, and the channel has it after all; or a person looked, and it has not.
    {v1::DELIVERY_STATE_REFUSED, v1::DELIVERY_STATE_CONFIRMED},
    {v1::DELIVERY_STATE_REFUSED, v1::DELIVERY_STATE_REFUSED},
    {v1::DELIVERY_STATE_STOOD_DOWN, v1::DELIVERY_STATE_CONFIRMED},
    {v1::DELIVERY_STATE_STOOD_DOWN, v1::DELIVERY_STATE_STOOD_DOWN},
};

bool may_move(v1::ReleaseState from, v1::ReleaseState to) {
    return runtime::listed(release_moves, from, to);
}

bool may_move(v1::DeliveryState from, v1::DeliveryState to) {
    return runtime::listed(delivery_moves, from, to);
}

bool at_rest(v1::ReleaseState state) {
    switch (state) {
        case v1::RELEASE_STATE_PREPARING:
        case v1::RELEASE_STATE_WAITING:
        case v1::RELEASE_STATE_ARMED:
        case v1::RELEASE_STATE_FIRING:
        case v1::RELEASE_STATE_RETRACTING:
            return false;
        case v1::RELEASE_STATE_RELEASED:
        case v1::RELEASE_STATE_RETRACTED:
        case v1::RELEASE_STATE_PARTLY_RETRACTED:
        case v1::RELEASE_STATE_CANCELLED:
        case v1::RELEASE_STATE_ABORTED:
        case v1::RELEASE_STATE_EXPIRED:
        case v1::RELEASE_STATE_UNSPECIFIED:
        case v1::ReleaseState_INT_MIN_SENTINEL_DO_NOT_USE_:
        case v1::ReleaseState_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    return true;
}

bool is_unarmed(v1::DeliveryState state) {
    return state == v1::DELIVERY_STATE_PLANNED || state == v1::DELIVERY_STATE_READY ||
           state == v1::DELIVERY_STATE_NOT_READY;
}

bool settled(v1::DeliveryState state) {
    switch (state) {
        case v1::DELIVERY_STATE_CONFIRMED:
        case v1::DELIVERY_STATE_REFUSED:
        case v1::DELIVERY_STATE_STOOD_DOWN:
        case v1::DELIVERY_STATE_SKIPPED:
            return true;
        case v1::DELIVERY_STATE_PLANNED:
        case v1::DELIVERY_STATE_READY:
        case v1::DELIVERY_STATE_NOT_READY:
        case v1::DELIVERY_STATE_ARMED:
        case v1::DELIVERY_STATE_CLAIMED:
        case v1::DELIVERY_STATE_UNKNOWN:
        case v1::DELIVERY_STATE_UNSPECIFIED:
        case v1::DeliveryState_INT_MIN_SENTINEL_DO_NOT_USE_:
        case v1::DeliveryState_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    return false;
}

}  // namespace tocsin::publishing
