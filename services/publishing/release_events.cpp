#include "publishing/release_events.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using runtime::from_proto;

// Each `follow` returns false where states.hpp has no such move.

// Every channel has answered, and one of those that may still become ready is not.
static bool waits(const Release& release) {
    return release.count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_PLANNED) == 0 &&
           release.count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_NOT_READY) > 0;
}

static v1::ReleaseState state_before_arming(const Release& release) {
    return waits(release) ? v1::RELEASE_STATE_WAITING : v1::RELEASE_STATE_PREPARING;
}

static bool follow(Release& release, const v1::ReleasePlanned& event) {
    release.head = event.release();
    release.head.clear_deliveries();
    release.head.set_state(v1::RELEASE_STATE_PREPARING);
    release.head.set_skew_ms(-1);
    std::set<std::string> feeds;
    for (const v1::Delivery& head : event.release().deliveries()) {
        if (content::traits_of(head.kind()).public_from_claim) feeds.insert(head.agency_id());
        Delivery delivery{.head = head};
        delivery.apart = head.state() == v1::DELIVERY_STATE_NOT_READY;
        release.add(std::move(delivery));
    }
    release.head.set_state(state_before_arming(release));
    release.feeds = std::make_shared<const std::set<std::string>>(std::move(feeds));
    if (!event.content().empty())
        release.content =
            std::make_shared<const Approved>(event.content(), event.release().digest());
    release.feed_base_url = event.feed_base_url();
    release.arm_lead = std::chrono::milliseconds{event.arm_lead_ms()};
    release.expires = from_proto(event.expires());
    if (event.has_prepare_again_at())
        release.prepare_again_at = from_proto(event.prepare_again_at());
    release.go_at = from_proto(event.go_at());
    release.stragglers = event.stragglers();
    return true;
}

// ---- what is armed

// What the deliveries of `event` send, by its index there; its bytes are known from now on, or
// missing.
template <class ArmedEvent>
static std::vector<std::shared_ptr<const Armed>> take_renditions(Release& release,
                                                                 const ArmedEvent& event,
                                                                 Time decided_at) {
    std::vector<std::shared_ptr<const Armed>> all;
    Release::Bodies bodies = release.bodies ? *release.bodies : Release::Bodies{};
    for (const v1::ArmedRendition& one : event.renditions()) {
        Armed armed{{}, one.rendition(), one.digest()};
        delete armed.rendition.release_body();  // To clear it would keep its memory.
        if (one.fixed() >= 0 && one.fixed() < event.fixed_size())
            armed.fixed = event.fixed(one.fixed());
        all.push_back(std::make_shared<const Armed>(std::move(armed)));
        auto& body = bodies[one.digest()];
        if (body || one.rendition().body().empty()) continue;
        body = std::make_shared<const Sealed>(one.rendition().body(), one.digest());
    }
    release.missing = 0;
    for (const auto& [digest, body] : bodies) release.missing += body ? 0 : 1;
    release.missing_since = decided_at;
    release.bodies = std::make_shared<const Release::Bodies>(std::move(bodies));
    return all;
}

// Its channel names a certificate.
static bool wants_signature(const Delivery& delivery) {
    return delivery.traits().credential == content::CredentialForm::certificate &&
           delivery.channel && !delivery.channel->credential().empty();
}

template <class ArmedEvent>
static std::shared_ptr<const Armed> armed_as(const ArmedEvent& event, int delivery,
                                             const std::vector<std::shared_ptr<const Armed>>& all) {
    const int index = delivery < event.rendition_of_size() ? event.rendition_of(delivery) : -1;
    return index >= 0 && index < static_cast<int>(all.size()) ? all[static_cast<std::size_t>(index)]
                                                              : nullptr;
}

// The deliveries that `event`, a ReleaseArmed or a StragglersArmed, has. What is not in it stays
// behind, and follows once it is ready.
template <class ArmedEvent>
static bool arm_deliveries(Release& release, const ArmedEvent& event, Time decided_at) {
    const auto renditions = take_renditions(release, event, decided_at);
    for (const auto& [agency, identifier] : event.identifiers())
        (*release.head.mutable_identifiers())[agency] = identifier;
    for (int i = 0; i < event.deliveries_size(); ++i) {
        const v1::Delivery& head = event.deliveries(i);
        const auto arm = [&](Delivery& delivery) {
            delivery.head = head;
            delivery.armed = armed_as(event, i, renditions);
            delivery.wants_signature = wants_signature(delivery);
        };
        if (!release.move(head.delivery_id(), v1::DELIVERY_STATE_ARMED, arm)) return false;
    }
    return true;
}

static bool follow(Release& release, const v1::ReleaseArmed& event, Time decided_at) {
    if (!release.move(v1::RELEASE_STATE_ARMED)) return false;
    *release.head.mutable_fire_at() = event.fire_at();
    return arm_deliveries(release, event, decided_at);
}

static bool follow(Release& release, const v1::StragglersArmed& event, Time decided_at) {
    return release.takes_stragglers() && arm_deliveries(release, event, decided_at);
}

static bool follow(Release& release, const v1::RenditionKept& event, Time decided_at) {
    if (!release.bodies) return true;
    const auto known = release.bodies->find(event.digest());
    if (known == release.bodies->end() || known->second) return true;
    Release::Bodies bodies = *release.bodies;
    // Without bytes: nothing can be sent under that digest.
    if (event.body().empty())
        bodies.erase(event.digest());
    else
        bodies[event.digest()] = std::make_shared<const Sealed>(event.body(), event.digest());
    release.bodies = std::make_shared<const Release::Bodies>(std::move(bodies));
    --release.missing;
    release.missing_since = decided_at;
    return true;
}

// What was still to be sent, or sent again, of the message stays.
static bool stand_down(Release& release, const char* why) {
    return release.move_all(
        [](const Delivery& delivery) {
            return !delivery.retracts() &&
                   (delivery.is(v1::DELIVERY_STATE_ARMED) || delivery.is_unarmed());
        },
        v1::DELIVERY_STATE_STOOD_DOWN,
        [why](Delivery& delivery) {
            delivery.head.set_reason(why);
            delivery.retry_at.reset();
        });
}

static bool follow(Release& release, const v1::ReleaseSuperseded& event) {
    release.head.set_superseded_by(event.by());
    return event.by().empty() || stand_down(release, superseded_before);
}

static bool follow(Release& release, const v1::RetractionArmed& event, Time decided_at) {
    if (!release.move(v1::RELEASE_STATE_RETRACTING)) return false;
    release.head.set_reason(event.reason());
    release.retract_at = from_proto(event.fire_at());
    release.retracted_by = event.actor();
    const bool stopped =
        stand_down(release, "The message was retracted before this channel had it.");
    const auto renditions = take_renditions(release, event, decided_at);
    for (int i = 0; i < event.deliveries_size(); ++i) {
        Delivery delivery{.head = event.deliveries(i)};
        delivery.head.set_state(v1::DELIVERY_STATE_ARMED);
        // To the place where the original went.
        if (const Delivery* original = release.find(original_of(delivery.id())))
            delivery.channel = original->channel;
        delivery.armed = armed_as(event, i, renditions);
        delivery.wants_signature = wants_signature(delivery);
        release.add(std::move(delivery));
    }
    return stopped;
}

// ---- events of its deliveries, which the header names

using Named = google::protobuf::RepeatedPtrField<std::string>;

template <class Change>
static bool move_named(Release& release, const Named& ids, v1::DeliveryState to, Change&& change) {
    return std::ranges::all_of(ids,
                               [&](const std::string& id) { return release.move(id, to, change); });
}

// Of one that concerns each delivery alone.
template <class DeliveryEvent>
static bool follow_named(Release& release, const Named& ids, v1::DeliveryState to,
                         const DeliveryEvent& event) {
    return move_named(release, ids, to, [&](Delivery& delivery) { evolve(delivery, event); });
}

static bool follow(Release& release, const Named& ids, const v1::DeliveryPrepared& event) {
    const auto state = event.ready() ? v1::DELIVERY_STATE_READY : v1::DELIVERY_STATE_NOT_READY;
    if (!follow_named(release, ids, state, event)) return false;
    // A straggler of one that is on its way.
    return release.takes_stragglers() || release.move(state_before_arming(release));
}

static bool follow(Release& release, const v1::PreparationRenewed& event) {
    release.prepare_again_at.reset();
    release.go_at = from_proto(event.go_at());
    return release.move_all(
               [](const Delivery& delivery) { return delivery.is(v1::DELIVERY_STATE_READY); },
               v1::DELIVERY_STATE_PLANNED, [](Delivery&) {}) &&
           release.move(v1::RELEASE_STATE_PREPARING);
}

static bool follow(Release& release, const Named& ids, const v1::DeliveriesRedirected& event) {
    const auto channel = std::make_shared<const v1::Channel>(event.channel());
    for (const std::string& id : ids) {
        const Delivery* known = release.find(id);
        if (!known) continue;
        if (known->is_unarmed()) {
            const auto renew = [&](Delivery& delivery) {
                delivery.channel = channel;
                delivery.apart = !event.apart().empty();
                delivery.head.set_reason(event.apart());
            };
            const auto to =
                event.apart().empty() ? v1::DELIVERY_STATE_PLANNED : v1::DELIVERY_STATE_NOT_READY;
            if (!release.move(id, to, renew)) return false;
        } else {
            release.deliveries.edit(id)->channel = channel;
        }
    }
    return !release.prepares() || release.move(state_before_arming(release));
}

static bool follow(Release& release, const Named& ids, const v1::DeliveriesSkipped& event) {
    const auto skip = [&](Delivery& delivery) {
        delivery.head.set_reason(event.reason());
        delivery.head.set_excused(event.excused());
        delivery.retry_at.reset();
    };
    if (!move_named(release, ids, v1::DELIVERY_STATE_SKIPPED, skip)) return false;
    return !release.prepares() || release.move(state_before_arming(release));
}

static bool follow(Release& release, const Named& ids, const v1::DeliveriesClaimed& event,
                   Time decided_at) {
    const auto claim = [&](Delivery& delivery) {
        evolve(delivery, event, decided_at);
        release.went_out = true;
    };
    if (!move_named(release, ids, v1::DELIVERY_STATE_CLAIMED, claim)) return false;
    const bool first = release.went_out && release.is(v1::RELEASE_STATE_ARMED);
    return !first || release.move(v1::RELEASE_STATE_FIRING);
}

// A release that was over is on its way again; bytes that were dropped since then follow.
static bool set_out_again(Release& release, const std::string& delivery_id, Time decided_at) {
    const Delivery* delivery = release.find(delivery_id);
    if (!delivery) return true;
    if (release.at_rest() && !release.move(delivery->retracts() ? v1::RELEASE_STATE_RETRACTING
                                                                : v1::RELEASE_STATE_FIRING))
        return false;
    if (!delivery->armed || release.rendered(*delivery)) return true;
    Release::Bodies bodies = release.bodies ? *release.bodies : Release::Bodies{};
    if (!bodies.emplace(delivery->armed->digest, nullptr).second) return true;
    ++release.missing;
    release.missing_since = decided_at;
    release.bodies = std::make_shared<const Release::Bodies>(std::move(bodies));
    return true;
}

static bool follow(Release& release, const Named& ids, const v1::DeliveryRearmed& event,
                   Time decided_at) {
    if (!follow_named(release, ids, v1::DELIVERY_STATE_ARMED, event)) return false;
    return std::ranges::all_of(
        ids, [&](const std::string& id) { return set_out_again(release, id, decided_at); });
}

static bool follow(Release& release, const Named& ids, const v1::RenditionSigned& event) {
    for (const std::string& id : ids) {
        const Delivery* known = release.find(id);
        if (!known) continue;
        if (!release.to_sign(*known)) return false;
        evolve(*release.deliveries.edit(id), event);
    }
    return true;
}

// ---- the end

// Cancelled, aborted or expired.
static bool end_as(Release& release, v1::ReleaseState state, const std::string& reason,
                   bool text_returned) {
    if (!release.move(state)) return false;
    release.head.set_reason(reason);
    release.text_returned = text_returned;
    return release.move_all([](const Delivery& delivery) { return !delivery.settled(); },
                            v1::DELIVERY_STATE_STOOD_DOWN, [](Delivery&) {});
}

static bool follow(Release& release, const v1::ReleaseCompleted& event) {
    if (!release.move(event.state())) return false;
    release.head.set_reason(event.reason());
    // The skew of a release is that of its message, not that of its retraction.
    if (!release.retract_at && event.skew_ms() >= 0) release.head.set_skew_ms(event.skew_ms());
    return true;
}

// ---- all of them

static bool follow_body(Release& release, const v1::Event& event, Time decided_at) {
    const Named& ids = event.delivery_ids();
    switch (event.body_case()) {
        case v1::Event::kReleasePlanned:
            return follow(release, event.release_planned());
        case v1::Event::kDeliveryPrepared:
            return follow(release, ids, event.delivery_prepared());
        case v1::Event::kReleaseArmed:
            return follow(release, event.release_armed(), decided_at);
        case v1::Event::kPreparationRenewed:
            return follow(release, event.preparation_renewed());
        case v1::Event::kStragglersArmed:
            return follow(release, event.stragglers_armed(), decided_at);
        case v1::Event::kDeliveriesSkipped:
            return follow(release, ids, event.deliveries_skipped());
        case v1::Event::kDeliveriesRedirected:
            return follow(release, ids, event.deliveries_redirected());
        case v1::Event::kDeliveriesClaimed:
            return follow(release, ids, event.deliveries_claimed(), decided_at);
        case v1::Event::kDeliverySettled:
            return follow_named(release, ids, event.delivery_settled().state(),
                                event.delivery_settled());
        case v1::Event::kReleaseCancelled:
            return end_as(release, v1::RELEASE_STATE_CANCELLED, event.release_cancelled().reason(),
                          event.release_cancelled().has_returned());
        case v1::Event::kReleaseEnded:
            return end_as(release, event.release_ended().state(), event.release_ended().reason(),
                          event.release_ended().has_returned());
        case v1::Event::kRetractionArmed:
            return follow(release, event.retraction_armed(), decided_at);
        case v1::Event::kDeliveryUnknown:
            return follow_named(release, ids, v1::DELIVERY_STATE_UNKNOWN, event.delivery_unknown());
        case v1::Event::kDeliveryRearmed:
            return follow(release, ids, event.delivery_rearmed(), decided_at);
        case v1::Event::kReleaseCompleted:
            return follow(release, event.release_completed());
        case v1::Event::kReleaseSuperseded:
            return follow(release, event.release_superseded());
        case v1::Event::kRenditionKept:
            return follow(release, event.rendition_kept(), decided_at);
        case v1::Event::kRenditionSigned:
            return follow(release, ids, event.rendition_signed());
        case v1::Event::kChannelPut:
        case v1::Event::kChannelRemoved:
        case v1::Event::kHoldPlaced:
        case v1::Event::kHoldReminded:
        case v1::Event::kHoldEnded:
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return false;
}

bool evolve(Release& release, const v1::Event& event, Time decided_at) {
    // It is planned once, and before all else.
    if (event.has_release_planned() != release.is(v1::RELEASE_STATE_UNSPECIFIED)) return false;
    ++release.version;
    release.changed_at = decided_at;
    const bool rested = release.at_rest();
    if (!follow_body(release, event, decided_at)) return false;
    if (!release.at_rest()) return true;
    if (release.bodies && !release.sends()) {
        release.bodies.reset();
        release.missing = 0;
    }
    // Nobody renders it until it is retracted, if ever: only the bytes are kept.
    if (!rested && release.content)
        release.content =
            std::make_shared<const Approved>(release.content->bytes(), release.content->digest());
    return true;
}

void attach_channels(Release& release, const ChannelOf& channel_of) {
    release.deliveries.change_all(
        [](const Delivery&) { return true; },
        [&](Delivery& delivery) { delivery.channel = channel_of(delivery.head.channel_id()); });
}

}  // namespace tocsin::publishing
