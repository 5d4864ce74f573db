#include "measurement/release.hpp"

#include "texts/enum_names.hpp"

#include <algorithm>
#include <array>

namespace tocsin::measurement {

// The states that are milestones too, by the names of the states.
static constexpr std::array milestone_states = {published::DELIVERY_STATE_CONFIRMED,
                                                published::DELIVERY_STATE_REFUSED,
                                                published::DELIVERY_STATE_UNKNOWN};

bool is_final(published::DeliveryState state) {
    return state == published::DELIVERY_STATE_CONFIRMED ||
           state == published::DELIVERY_STATE_REFUSED ||
           state == published::DELIVERY_STATE_SKIPPED ||
           state == published::DELIVERY_STATE_STOOD_DOWN;
}

std::string_view milestone_kind(published::DeliveryState state) {
    return std::ranges::find(milestone_states, state) == milestone_states.end()
               ? std::string_view{}
               : texts::enum_name(state);
}

published::DeliveryState state_by(std::string_view milestone_kind) {
    for (const published::DeliveryState state : milestone_states)
        if (texts::enum_name(state) == milestone_kind) return state;
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
    const std::string& kind = reached.milestone().kind();
    const Time at = runtime::from_proto(reached.milestone().at());
    if (kind == "fired") release.fired_at[reached.milestone().purpose()] = at;
    if (kind == "corrected") drop_final(release, published::PURPOSE_RETRACTION);
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
