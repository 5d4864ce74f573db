// What publishing decided, as milestones of the message and states of its deliveries.
#include "measurement/telling.hpp"

#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace tocsin::measurement {
namespace {

using Deliveries = google::protobuf::RepeatedPtrField<published::Delivery>;

// Unspecified means the message.
published::Purpose purpose_of(const published::Delivery& delivery) {
    return delivery.purpose() == published::PURPOSE_UNSPECIFIED ? published::PURPOSE_MESSAGE
                                                                : delivery.purpose();
}

class Release {
public:
    Release(Telling& telling, const std::string& release_id)
        : telling_(telling), release_id_(release_id) {}

    const KeptRelease& state() const { return telling_.release(release_id_); }
    // Planned before this service knew of it: no milestone can be named.
    bool unknown() const { return state().message_id.empty(); }
    // When publishing decided it.
    Time decided_at() const { return telling_.at(); }

    // Notes the deliveries in a new state, and those that are new.
    void note(const Deliveries& deliveries, published::DeliveryState in_state,
              const std::string& message_id) {
        v1::Event event = event_of(message_id, release_id_);
        auto& noted = *event.mutable_deliveries_noted();
        for (const published::Delivery& delivery : deliveries) {
            const auto known = state().deliveries.find(delivery.delivery_id());
            if (known != state().deliveries.end() && known->second.state == in_state) continue;
            auto& one = *noted.add_deliveries();
            one.set_delivery_id(delivery.delivery_id());
            one.set_agency(delivery.agency_id());
            one.set_channel(delivery.channel_id());
            one.set_kind(delivery.kind());
            one.set_purpose(purpose_of(delivery));
            one.set_state(in_state);
        }
        if (noted.deliveries_size() == 0 && state().message_id == message_id) return;
        telling_.record(std::move(event));
    }

    // Moves deliveries that are known.
    template <class Which>
    void move(published::DeliveryState to_state, Which which) {
        v1::Event event = event_of(state().message_id, release_id_);
        auto& noted = *event.mutable_deliveries_noted();
        for (const auto& [id, delivery] : state().deliveries) {
            if (delivery.state == to_state || !which(id, delivery)) continue;
            auto& one = *noted.add_deliveries();
            one.set_delivery_id(id);
            one.set_agency(delivery.agency);
            one.set_channel(delivery.channel);
            one.set_kind(delivery.kind);
            one.set_purpose(delivery.purpose);
            one.set_state(to_state);
        }
        if (noted.deliveries_size() > 0) telling_.record(std::move(event));
    }

    void reach(v1::MilestoneKind kind, Time at, const std::string& person = {},
               const std::string& text = {}) {
        v1::Event reached = milestone(kind, at, state().message_id, release_id_);
        auto& point = *reached.mutable_milestone_reached()->mutable_milestone();
        point.set_person(person);
        point.set_text(text);
        telling_.reach(std::move(reached));
    }

    // A delivery came to a state, for the first time or again.
    void settle(const std::string& delivery_id, published::DeliveryState to_state, Time at,
                const std::string& text) {
        const auto found = state().deliveries.find(delivery_id);
        if (found == state().deliveries.end()) return;
        if (const auto kind = milestone_kind(to_state); kind != v1::MILESTONE_KIND_UNSPECIFIED) {
            const KeptDelivery& delivery = found->second;
            v1::Event reached = milestone(kind, at, state().message_id, release_id_);
            reached.mutable_milestone_reached()->set_delivery_id(delivery_id);
            auto& point = *reached.mutable_milestone_reached()->mutable_milestone();
            point.set_agency(delivery.agency);
            point.set_channel(delivery.channel);
            point.set_purpose(delivery.purpose);
            point.set_text(text);
            telling_.reach(std::move(reached));
        }
        move(to_state, [&](const std::string& id, const auto&) { return id == delivery_id; });
    }

    // The first request of a purpose left, or one that left earlier came to be known.
    void fired(const std::string& delivery_id, Time written_at) {
        const auto found = state().deliveries.find(delivery_id);
        if (found == state().deliveries.end()) return;
        const published::Purpose purpose = found->second.purpose;
        const auto known = state().fired_at.find(purpose);
        if (known != state().fired_at.end() && known->second <= written_at) return;
        v1::Event reached =
            milestone(v1::MILESTONE_KIND_FIRED, written_at, state().message_id, release_id_);
        reached.mutable_milestone_reached()->mutable_milestone()->set_purpose(purpose);
        telling_.record(std::move(reached));
    }

    void measured(double skew_ms) {
        if (state().skew_measured) return;
        v1::Event event = event_of(state().message_id, release_id_);
        const bool known = std::isfinite(skew_ms) && skew_ms >= 0;
        event.mutable_skew_measured()->set_skew_ms(known ? skew_ms : -1);
        telling_.record(std::move(event));
    }

    // Retracted is only what was retracted everywhere. What a channel refused at first counts by
    // the order that it took.
    void corrected() {
        std::optional<Time> last;
        for (const auto& [id, delivery] : state().deliveries)
            if (delivery.purpose == published::PURPOSE_RETRACTION &&
                delivery.state == published::DELIVERY_STATE_CONFIRMED && delivery.confirmed_at)
                last = std::max(last, delivery.confirmed_at);
        reach(v1::MILESTONE_KIND_CORRECTED, last.value_or(decided_at()));
    }

private:
    Telling& telling_;
    const std::string& release_id_;
};

void planned(Release& release, const published::ReleasePlanned& event) {
    release.note(event.release().deliveries(), published::DELIVERY_STATE_PLANNED,
                 event.release().message_id());
    std::set<std::string_view> left_out;
    for (const published::Delivery& delivery : event.release().deliveries())
        if (delivery.state() == published::DELIVERY_STATE_SKIPPED)
            left_out.insert(delivery.delivery_id());
    release.move(published::DELIVERY_STATE_SKIPPED,
                 [&](const std::string& id, const KeptDelivery&) { return left_out.contains(id); });
}

void armed(Release& release, const published::ReleaseArmed& event) {
    release.note(event.deliveries(), published::DELIVERY_STATE_ARMED, release.state().message_id);
    release.reach(v1::MILESTONE_KIND_ARMED, release.decided_at());
}

// They follow the others.
void armed(Release& release, const published::StragglersArmed& event) {
    release.note(event.deliveries(), published::DELIVERY_STATE_ARMED, release.state().message_id);
}

// The deliveries that the header of an event names.
using Named = google::protobuf::RepeatedPtrField<std::string>;

void skipped(Release& release, const Named& named) {
    const std::set<std::string_view> ids(named.begin(), named.end());
    release.move(published::DELIVERY_STATE_SKIPPED,
                 [&](const std::string& id, const KeptDelivery&) { return ids.contains(id); });
}

// What was still to be sent is not; one that was claimed by then is settled by itself.
void stood_down(Release& release) {
    release.move(published::DELIVERY_STATE_STOOD_DOWN,
                 [](const std::string&, const KeptDelivery& delivery) {
                     return delivery.purpose == published::PURPOSE_MESSAGE &&
                            (delivery.state == published::DELIVERY_STATE_ARMED ||
                             delivery.state == published::DELIVERY_STATE_PLANNED);
                 });
}

void retraction_armed(Release& release, const published::RetractionArmed& event) {
    release.reach(v1::MILESTONE_KIND_RETRACTION_ORDERED, release.decided_at(), event.actor(),
                  event.reason());
    stood_down(release);
    release.note(event.deliveries(), published::DELIVERY_STATE_ARMED, release.state().message_id);
}

void claimed(Release& release, const Named& named) {
    const std::set<std::string_view> ids(named.begin(), named.end());
    release.move(published::DELIVERY_STATE_CLAIMED,
                 [&](const std::string& id, const KeptDelivery& delivery) {
                     return delivery.state == published::DELIVERY_STATE_ARMED && ids.contains(id);
                 });
}

void settled(Release& release, const std::string& id, const published::DeliverySettled& event) {
    if (event.has_written_at()) release.fired(id, runtime::from_proto(event.written_at()));
    const bool confirmed =
        event.state() == published::DELIVERY_STATE_CONFIRMED && event.has_confirmed_at();
    release.settle(id, event.state(),
                   confirmed ? runtime::from_proto(event.confirmed_at()) : release.decided_at(),
                   confirmed ? event.url() : event.reason());
}

void doubted(Release& release, const std::string& id, const published::DeliveryUnknown& event) {
    if (event.has_written_at()) release.fired(id, runtime::from_proto(event.written_at()));
    release.settle(id, published::DELIVERY_STATE_UNKNOWN, release.decided_at(), event.reason());
}

void rearmed(Release& release, const std::string& id) {
    release.settle(id, published::DELIVERY_STATE_ARMED, release.decided_at(), {});
}

// Cancelled, aborted or expired: what has not gone out will not.
void ended(Release& release) {
    const auto open = [](const std::string&, const KeptDelivery& delivery) {
        return !is_final(delivery.state) && delivery.state != published::DELIVERY_STATE_UNKNOWN;
    };
    release.move(published::DELIVERY_STATE_SKIPPED, open);
}

void cancelled(Release& release, const published::ReleaseCancelled& event) {
    release.reach(v1::MILESTONE_KIND_STOPPED, release.decided_at(), event.actor(), event.reason());
    ended(release);
}

void completed(Release& release, const published::ReleaseCompleted& event) {
    if (event.state() == published::RELEASE_STATE_RELEASED) release.measured(event.skew_ms());
    if (event.state() == published::RELEASE_STATE_RETRACTED) release.corrected();
}

void tell(Release& release, const published::Event& event) {
    for (const std::string& id : event.delivery_ids()) {
        if (event.has_delivery_settled()) settled(release, id, event.delivery_settled());
        if (event.has_delivery_unknown()) doubted(release, id, event.delivery_unknown());
        if (event.has_delivery_rearmed()) rearmed(release, id);
    }
    if (event.has_release_armed()) armed(release, event.release_armed());
    if (event.has_stragglers_armed()) armed(release, event.stragglers_armed());
    if (event.has_deliveries_skipped()) skipped(release, event.delivery_ids());
    if (event.has_deliveries_claimed()) claimed(release, event.delivery_ids());
    if (event.has_release_cancelled()) cancelled(release, event.release_cancelled());
    if (event.has_release_ended()) ended(release);
    if (event.has_retraction_armed()) retraction_armed(release, event.retraction_armed());
    if (event.has_release_completed()) completed(release, event.release_completed());
    if (event.has_release_superseded()) stood_down(release);
}

}  // namespace

void tell_publishing(Telling& telling, const runtime::Foreign& foreign) {
    foreign.each<published::Event>([&](const published::Event& event) {
        if (event.release_id().empty()) return;
        Release release(telling, event.release_id());
        if (event.has_release_planned()) planned(release, event.release_planned());
        if (!release.unknown()) tell(release, event);
    });
}

}  // namespace tocsin::measurement
