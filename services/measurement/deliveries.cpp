// What publishing decided, told of its message.
#include "measurement/telling.hpp"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace tocsin::measurement {
namespace {

namespace publishing = tocsin::publishing::v1;

using Deliveries = google::protobuf::RepeatedPtrField<publishing::Delivery>;

const char* name_of(publishing::Purpose purpose) {
    return purpose == publishing::PURPOSE_RETRACTION ? "retraction" : "message";
}

class Release {
public:
    Release(Telling& telling, const std::string& release_id)
        : telling_(telling), release_id_(release_id) {}

    const ReleaseState& state() const { return telling_.release(release_id_); }
    // Planned before this service knew of it: nothing can be said.
    bool unknown() const { return state().message_id.empty(); }

    // Notes the deliveries in a new state, and those that are new.
    void note(const Deliveries& deliveries, const std::string& in_state,
              const std::string& message_id) {
        v1::Event event;
        auto& noted = *event.mutable_deliveries_noted();
        for (const publishing::Delivery& delivery : deliveries) {
            const auto known = state().deliveries.find(delivery.delivery_id());
            if (known != state().deliveries.end() && known->second.state == in_state) continue;
            auto& one = *noted.add_deliveries();
            one.set_delivery_id(delivery.delivery_id());
            one.set_agency(delivery.agency_id());
            one.set_channel(delivery.channel_id());
            one.set_kind(delivery.kind());
            one.set_purpose(name_of(delivery.purpose()));
            one.set_state(in_state);
        }
        if (noted.deliveries_size() == 0 && state().message_id == message_id) return;
        finish(std::move(event), message_id);
    }

    // Moves deliveries that are known.
    template <class Which>
    void move(const std::string& to_state, Which which) {
        v1::Event event;
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
        if (noted.deliveries_size() > 0) finish(std::move(event), state().message_id);
    }

    void reach(const char* kind, Time at, const std::string& text = {}) {
        auto reached = milestone(kind, at, state().message_id);
        reached.set_release_id(release_id_);
        reached.mutable_milestone()->set_text(text);
        telling_.reach(std::move(reached));
    }

    // A delivery came to a state, for the first time or again.
    void settle(const std::string& delivery_id, const std::string& to_state, Time at,
                const std::string& text) {
        const auto found = state().deliveries.find(delivery_id);
        if (found == state().deliveries.end()) return;
        if (to_state == "confirmed" || to_state == "refused" || to_state == "unknown") {
            const DeliveryState& delivery = found->second;
            auto reached = milestone(to_state, at, state().message_id);
            reached.set_release_id(release_id_);
            reached.set_delivery_id(delivery_id);
            auto& point = *reached.mutable_milestone();
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
        const std::string purpose = found->second.purpose;
        const auto known = state().fired_at.find(purpose);
        if (known != state().fired_at.end() && known->second <= written_at) return;
        v1::Event event;
        auto& reached = *event.mutable_milestone_reached();
        reached = milestone("fired", written_at, state().message_id);
        reached.set_release_id(release_id_);
        reached.mutable_milestone()->set_purpose(purpose);
        telling_.record(std::move(event));
    }

    void measured(double skew_ms) {
        if (state().skew_measured) return;
        v1::Event event;
        auto& skew = *event.mutable_skew_measured();
        skew.set_message_id(state().message_id);
        skew.set_release_id(release_id_);
        skew.set_skew_ms(std::isfinite(skew_ms) && skew_ms >= 0 ? skew_ms : -1);
        telling_.record(std::move(event));
    }

    // Corrected is only what was corrected everywhere: a retraction that a channel refused leaves
    // the mistake in sight.
    void corrected() {
        std::optional<Time> last;
        for (const auto& [id, delivery] : state().deliveries) {
            // One that was stood down had nothing to take back.
            if (delivery.purpose != "retraction" || delivery.state == "stood_down") continue;
            if (delivery.state != "confirmed") return;
            if (delivery.confirmed_at && (!last || *delivery.confirmed_at > *last))
                last = delivery.confirmed_at;
        }
        reach("corrected", last.value_or(telling_.at()));
    }

private:
    void finish(v1::Event event, const std::string& message_id) {
        event.mutable_deliveries_noted()->set_release_id(release_id_);
        event.mutable_deliveries_noted()->set_message_id(message_id);
        telling_.record(std::move(event));
    }

    Telling& telling_;
    const std::string& release_id_;
};

void planned(Telling& telling, const publishing::ReleasePlanned& event) {
    const auto& release = event.release();
    Release(telling, release.release_id())
        .note(release.deliveries(), "planned", release.message_id());
}

void armed(Telling& telling, const publishing::ReleaseArmed& event) {
    Release release(telling, event.release_id());
    if (release.unknown()) return;
    release.note(event.deliveries(), "armed", release.state().message_id);
    // What was planned and is not armed goes without.
    const auto left_out = [](const std::string&, const DeliveryState& delivery) {
        return delivery.purpose == "message" && delivery.state == "planned";
    };
    release.move("skipped", left_out);
    release.reach("armed", telling.at());
}

void retraction_armed(Telling& telling, const publishing::RetractionArmed& event) {
    Release release(telling, event.release_id());
    if (release.unknown()) return;
    release.reach("retraction_ordered", telling.at(), event.reason());
    // What was still to be sent is not; one that was claimed by then is settled by itself.
    release.move("stood_down", [](const std::string&, const DeliveryState& delivery) {
        return delivery.purpose == "message" && delivery.state == "armed";
    });
    release.note(event.deliveries(), "armed", release.state().message_id);
}

void claimed(Telling& telling, const publishing::DeliveriesClaimed& event) {
    Release release(telling, event.release_id());
    if (release.unknown()) return;
    const std::set<std::string_view> ids(event.delivery_ids().begin(), event.delivery_ids().end());
    release.move("claimed", [&](const std::string& id, const DeliveryState& delivery) {
        return delivery.state == "armed" && ids.contains(id);
    });
}

void settled(Telling& telling, const publishing::DeliverySettled& event) {
    Release release(telling, event.release_id());
    if (release.unknown()) return;
    if (event.has_written_at())
        release.fired(event.delivery_id(), runtime::from_proto(event.written_at()));
    const bool confirmed = event.state() == "confirmed" && event.has_confirmed_at();
    release.settle(event.delivery_id(), event.state(),
                   confirmed ? runtime::from_proto(event.confirmed_at()) : telling.at(),
                   confirmed ? event.url() : event.reason());
}

void doubted(Telling& telling, const publishing::DeliveryUnknown& event) {
    Release release(telling, event.release_id());
    if (release.unknown()) return;
    if (event.has_written_at())
        release.fired(event.delivery_id(), runtime::from_proto(event.written_at()));
    release.settle(event.delivery_id(), "unknown", telling.at(), event.reason());
}

void rearmed(Telling& telling, const publishing::DeliveryRearmed& event) {
    Release release(telling, event.release_id());
    if (!release.unknown()) release.settle(event.delivery_id(), "armed", telling.at(), {});
}

// Cancelled, aborted or expired: what has not gone out will not.
void ended(Telling& telling, const std::string& release_id) {
    Release release(telling, release_id);
    if (release.unknown()) return;
    const auto open = [](const std::string&, const DeliveryState& delivery) {
        return !is_final(delivery.state) && delivery.state != "unknown";
    };
    release.move("skipped", open);
}

void completed(Telling& telling, const publishing::ReleaseCompleted& event) {
    Release release(telling, event.release_id());
    if (release.unknown()) return;
    if (event.state() == "released") release.measured(event.skew_ms());
    if (event.state() == "retracted") release.corrected();
}

}  // namespace

void tell_publishing(Telling& telling, const runtime::Foreign& foreign) {
    using publishing::Event;
    for (const std::string& bytes : foreign.events) {
        const auto event = runtime::parse_foreign<Event>(bytes);
        if (!event) continue;
        switch (event->body_case()) {
            case Event::kReleasePlanned:
                planned(telling, event->release_planned());
                break;
            case Event::kReleaseArmed:
                armed(telling, event->release_armed());
                break;
            case Event::kDeliveriesClaimed:
                claimed(telling, event->deliveries_claimed());
                break;
            case Event::kDeliverySettled:
                settled(telling, event->delivery_settled());
                break;
            case Event::kReleaseCancelled:
                ended(telling, event->release_cancelled().release_id());
                break;
            case Event::kReleaseEnded:
                ended(telling, event->release_ended().release_id());
                break;
            case Event::kRetractionArmed:
                retraction_armed(telling, event->retraction_armed());
                break;
            case Event::kDeliveryUnknown:
                doubted(telling, event->delivery_unknown());
                break;
            case Event::kDeliveryRearmed:
                rearmed(telling, event->delivery_rearmed());
                break;
            case Event::kReleaseCompleted:
                completed(telling, event->release_completed());
                break;
            case Event::kChannelPut:
            case Event::kChannelRemoved:
            case Event::kDeliveryPrepared:
            case Event::kRenditionKept:
            case Event::BODY_NOT_SET:
                break;
        }
    }
}

}  // namespace tocsin::measurement
