#include "publishing/next_action.hpp"

#include <optional>

namespace tocsin::publishing {

// The release sends nothing more of that purpose, even if a person orders it.
static bool is_over(const Release& release, const Delivery& delivery) {
    if (release.text_returned || !release.content) return true;
    return !delivery.retracts() && (release.retract_at || !release.head.superseded_by().empty());
}

static v1::NextAction after_refusal(const Release& release, const Delivery& delivery) {
    if (delivery.doubted() && delivery.traits().repeats != content::Repeats::exact)
        return v1::NEXT_ACTION_RESOLVE;
    return is_over(release, delivery) || !delivery.armed ? v1::NEXT_ACTION_UNSPECIFIED
                                                         : v1::NEXT_ACTION_RETRY;
}

static v1::NextAction next_of(const Release& release, const Delivery& delivery) {
    switch (delivery.state()) {
        case v1::DELIVERY_STATE_PLANNED:
        case v1::DELIVERY_STATE_NOT_READY:
            return delivery.apart ? v1::NEXT_ACTION_PUT_CHANNEL : v1::NEXT_ACTION_PREPARE;
        case v1::DELIVERY_STATE_READY:
            return v1::NEXT_ACTION_ARM;
        case v1::DELIVERY_STATE_ARMED:
            return v1::NEXT_ACTION_SEND;
        case v1::DELIVERY_STATE_CLAIMED:
            return v1::NEXT_ACTION_ANSWER;
        case v1::DELIVERY_STATE_UNKNOWN:
            return delivery.traits().can_be_queried && !delivery.asked ? v1::NEXT_ACTION_QUERY
                                                                       : v1::NEXT_ACTION_RESOLVE;
        case v1::DELIVERY_STATE_REFUSED:
            return after_refusal(release, delivery);
        case v1::DELIVERY_STATE_CONFIRMED:
        case v1::DELIVERY_STATE_STOOD_DOWN:
        case v1::DELIVERY_STATE_SKIPPED:
        case v1::DELIVERY_STATE_UNSPECIFIED:
        case v1::DeliveryState_INT_MIN_SENTINEL_DO_NOT_USE_:
        case v1::DeliveryState_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    return v1::NEXT_ACTION_UNSPECIFIED;
}

static std::optional<Time> time_of(v1::NextAction next, const Delivery& delivery) {
    if (next == v1::NEXT_ACTION_ANSWER) return delivery.claim_over();
    if (next != v1::NEXT_ACTION_SEND) return std::nullopt;
    return delivery.retry_at.value_or(runtime::from_proto(delivery.fixed().fire_at()));
}

void say_next(const Release& release, const Delivery& delivery, v1::Delivery& shown) {
    const v1::NextAction next = next_of(release, delivery);
    shown.set_next_action(next);
    if (const auto at = time_of(next, delivery))
        *shown.mutable_next_action_at() = runtime::to_proto(*at);
}

}  // namespace tocsin::publishing
