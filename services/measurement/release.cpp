#include "measurement/release.hpp"

#include <algorithm>

namespace tocsin::measurement {

bool is_final(published::DeliveryState state) {
    return state == published::DELIVERY_STATE_CONFIRMED ||
           state == published::DELIVERY_STATE_REFUSED ||
           state == published::DELIVERY_STATE_SKIPPED ||
           state == published::DELIVERY_STATE_STOOD_DOWN;
}

v1::MilestoneKind milestone_kind(published::DeliveryState state) {
    switch (state) {
        case published::DELIVERY_STATE_CONFIRMED:
            return v1::MILESTONE_KIND_CONFIRMED;
        case published::DELIVERY_STATE_REFUSED:
            return v1::MILESTONE_KIND_REFUSED;
        case published::DELIVERY_STATE_UNKNOWN:
            return v1::MILESTONE_KIND_UNKNOWN;
        case published::DELIVERY_STATE_PLANNED:
        case published::DELIVERY_STATE_READY:
        case published::DELIVERY_STATE_NOT_READY:
        case published::DELIVERY_STATE_ARMED:
        case published::DELIVERY_STATE_CLAIMED:
        case published::DELIVERY_STATE_STOOD_DOWN:
        case published::DELIVERY_STATE_SKIPPED:
        case published::DELIVERY_STATE_UNSPECIFIED:
        case published::DeliveryState_INT_MIN_SENTINEL_DO_NOT_USE_:
        case published::DeliveryState_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    return v1::MILESTONE_KIND_UNSPECIFIED;
}

published::DeliveryState state_by(v1::MilestoneKind milestone_kind) {
    switch (milestone_kind) {
        case v1::MILESTONE_KIND_CONFIRMED:
            return published::DELIVERY_STATE_CONFIRMED;
        case v1::MILESTONE_KIND_REFUSED:
            return published::DELIVERY_STATE_REFUSED;
        case v1::MILESTONE_KIND_UNKNOWN:
            return published::DELIVERY_STATE_UNKNOWN;
        case v1::MILESTONE_KIND_CROSSED:
        case v1::MILESTONE_KIND_DRAFTED:
        case v1::MILESTONE_KIND_SUBMITTED:
        case v1::MILESTONE_KIND_APPROVED:
        case v1::MILESTONE_KIND_CLEARED:
        case v1::MILESTONE_KIND_ARMED:
        case v1::MILESTONE_KIND_FIRED:
        case v1::MILESTONE_KIND_RETRACTION_ORDERED:
        case v1::MILESTONE_KIND_STOPPED:
        case v1::MILESTONE_KIND_CORRECTED:
        case v1::MILESTONE_KIND_REMARK:
        case v1::MILESTONE_KIND_UNSPECIFIED:
        case v1::MilestoneKind_INT_MIN_SENTINEL_DO_NOT_USE_:
        case v1::MilestoneKind_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    return published::DELIVERY_STATE_UNSPECIFIED;
}

// ---- events

// Not what was refused: its channel may turn out later to have it after all.
static void drop_final(KeptRelease& release, published::Purpose purpose) {
    std::erase_if(release.deliveries, [&](const auto& entry) {
        const KeptDelivery& delivery = entry.second;
        return delivery.purpose == purpose && is_final(delivery.state) &&
               delivery.state != published::DELIVERY_STATE_REFUSED;
    });
    const bool over = std::ranges::none_of(
        release.deliveries, [&](const auto& entry) { return entry.second.purpose == purpose; });
    if (over) release.fired_at.erase(purpose);
}

static void evolve_reached(KeptRelease& release, const v1::MilestoneReached& reached) {
    const v1::MilestoneKind kind = reached.milestone().kind();
    const Time at = runtime::from_proto(reached.milestone().at());
    if (kind == v1::MILESTONE_KIND_FIRED) release.fired_at[reached.milestone().purpose()] = at;
    if (kind == v1::MILESTONE_KIND_CORRECTED) drop_final(release, published::PURPOSE_RETRACTION);
    const auto delivery = release.deliveries.find(reached.delivery_id());
    if (delivery == release.deliveries.end()) return;
    const published::DeliveryState to = state_by(kind);
    if (to != published::DELIVERY_STATE_UNSPECIFIED) delivery->second.state = to;
    if (to == published::DELIVERY_STATE_CONFIRMED) delivery->second.confirmed_at = at;
    if (release.skew_measured) drop_final(release, published::PURPOSE_MESSAGE);
}

static void evolve_measured(KeptRelease& release) {
    release.skew_measured = true;
    drop_final(release, published::PURPOSE_MESSAGE);
}

static void evolve_noted(KeptRelease& release, const v1::Event& event) {
    release.message_id = event.message_id();
    for (const v1::NotedDelivery& one : event.deliveries_noted().deliveries()) {
        KeptDelivery& delivery = release.deliveries[one.delivery_id()];
        delivery.agency = one.agency();
        delivery.channel = one.channel();
        delivery.kind = one.kind();
        delivery.purpose = one.purpose();
        delivery.state = one.state();
    }
}

void evolve(Releases& releases, const v1::Event& event) {
    switch (event.body_case()) {
        case v1::Event::kMilestoneReached:
            if (event.release_id().empty()) return;
            return evolve_reached(releases.by_id[event.release_id()], event.milestone_reached());
        case v1::Event::kSkewMeasured:
            return evolve_measured(releases.by_id[event.release_id()]);
        case v1::Event::kDeliveriesNoted:
            return evolve_noted(releases.by_id[event.release_id()], event);
        case v1::Event::kRemarkAdded:
        case v1::Event::kPartiesNoted:
        case v1::Event::BODY_NOT_SET:
            return;
    }
}

}  // namespace tocsin::measurement
