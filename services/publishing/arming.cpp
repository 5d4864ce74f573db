#include "publishing/arming.hpp"

#include "content/content.hpp"
#include "publishing/leads.hpp"
#include "publishing/limits.hpp"
#include "publishing/rendering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using runtime::to_proto;

// What does not fit into one decision takes more of them before T0, each this long at most.
static constexpr Duration keeping_time = std::chrono::milliseconds{250};

static void refuse_delivery(Turn& turn, const std::string& delivery_id, const std::string& reason) {
    v1::Event event = event_of(turn.release.id(), {delivery_id});
    v1::DeliverySettled& settled = *event.mutable_delivery_settled();
    settled.set_state(v1::DELIVERY_STATE_REFUSED);
    constexpr std::size_t of_many = 200;
    settled.set_reason(shortened(reason, of_many));
    turn.add(std::move(event));
}

namespace {

// What one decision arms.
template <class Event>
struct ArmedAll {
    Event event;
    int left = 0;  // renditions whose bytes follow in later decisions
    std::vector<std::pair<std::string, std::string>> refused;  // deliveries, with the reason
};

// Agencies whose feed shows it, or will with what is ready now.
std::set<std::string> showing_agencies(const Release& release) {
    std::set<std::string> showing;
    for (const Delivery& delivery : release.deliveries)
        if (delivery.traits().public_from_claim && !delivery.retracts() &&
            (delivery.is(v1::DELIVERY_STATE_READY) || delivery.is(v1::DELIVERY_STATE_ARMED) ||
             delivery.may_be_public()))
            showing.insert(delivery.head.agency_id());
    return showing;
}

// The values that the deliveries of an agency were armed with before; null: there are none.
const content::v1::Fixed* fixed_before(const Release& release, const std::string& agency) {
    for (const Delivery& delivery : release.deliveries)
        if (delivery.armed && !delivery.retracts() && delivery.head.agency_id() == agency)
            return &delivery.armed->fixed;
    return nullptr;
}

// Its header names the deliveries that it arms.
template <class Event>
constexpr bool names_deliveries = std::is_same_v<Event, v1::StragglersArmed>;
constexpr std::size_t id_framing = 4;

template <class Event>
ArmedAll<Event> arm_ready(const Release& release, Time fire_at, bool late) {
    const std::set<std::string> showing = showing_agencies(release);
    ArmedAll<Event> all;
    Arming<Event> arming{release};
    std::map<std::string, std::string> identifiers;
    std::size_t in_header = 0;
    for (const Delivery& delivery : release.deliveries) {
        if (!delivery.is(v1::DELIVERY_STATE_READY)) continue;
        if (names_deliveries<Event>) in_header += delivery.id().size() + id_framing;
        const std::string& agency = delivery.head.agency_id();
        v1::Delivery head = delivery.head;
        head.set_straggler(late);
        const auto added = arming.add(std::move(head), delivery.text_max, agency, [&] {
            const auto* before = fixed_before(release, agency);
            auto fixed = before ? *before : fix(release, agency, fire_at, showing);
            identifiers[agency] = fixed.identifier();
            return fixed;
        });
        if (!added) all.refused.emplace_back(delivery.id(), added.error());
    }
    all.event = arming.take(in_header);
    all.left = arming.left();
    for (const v1::Delivery& delivery : all.event.deliveries())
        (*all.event.mutable_identifiers())[delivery.agency_id()] =
            identifiers[delivery.agency_id()];
    return all;
}

}  // namespace

void end_without_quorum(Turn& turn, const std::string& late) {
    turn.end(v1::RELEASE_STATE_ABORTED,
             fmt::format("Fewer channels were ready than the {} % that the message needs. {}",
                         turn.release.stragglers.quorum_percent(), late));
}

// The release may still wait for them, as a person can correct what is wrong with the channel.
static void hold_back(Turn& turn, const std::string& delivery_id, const std::string& reason) {
    v1::Event event = event_of(turn.release.id(), {delivery_id});
    v1::DeliveryPrepared& prepared = *event.mutable_delivery_prepared();
    prepared.set_reason(shortened(reason, reason_bytes_max));
    prepared.set_text_max(turn.release.find(delivery_id)->text_max);
    turn.add(std::move(event));
}

// What cannot be rendered after all is waited for like any other straggler, as far as the message
// waits, and refused then. False: it is waited for, or too few are left.
static bool leave_behind(Turn& turn,
                         const std::vector<std::pair<std::string, std::string>>& refused) {
    if (refused.empty()) return true;
    if (turn.release.stragglers.wait_seconds() > 0 && turn.now < turn.release.go_at) {
        for (const auto& [id, reason] : refused) hold_back(turn, id, reason);
        return false;
    }
    for (const auto& [id, reason] : refused) refuse_delivery(turn, id, reason);
    if (turn.release.has_quorum()) return true;
    Account late;
    for (const auto& [id, reason] : refused) late.add(fmt::format("`{}`: {}", id, reason));
    end_without_quorum(turn, late.text());
    return false;
}

// The earliest T0 of all that is ready now.
static Time earliest_fire_time(const Turn& turn) {
    return turn.now + lead(turn.release.arm_lead,
                           turn.release.count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_READY));
}

void arm(Turn& turn) {
    const Time earliest = earliest_fire_time(turn);
    const auto not_before = [&](Time time) {
        const v1::Release& head = turn.release.head;
        return head.has_release_at() ? std::max(runtime::from_proto(head.release_at()), time)
                                     : time;
    };
    Time fire_at = not_before(earliest);
    const Release before = turn.release;
    auto all = arm_ready<v1::ReleaseArmed>(before, fire_at, false);
    if (const Time later = not_before(earliest + all.left * keeping_time); later > fire_at) {
        fire_at = later;
        all = arm_ready<v1::ReleaseArmed>(before, fire_at, false);
    }
    if (!leave_behind(turn, all.refused)) return;
    if (fire_at >= before.expires)
        return turn.end(
            v1::RELEASE_STATE_EXPIRED,
            "The message expires before it could be released. Submit it again with a later "
            "expiry.");
    if (all.event.deliveries().empty()) {
        // The first of the others that is ready goes.
        if (turn.release.count(v1::PURPOSE_MESSAGE,
                               {v1::DELIVERY_STATE_PLANNED, v1::DELIVERY_STATE_NOT_READY}) > 0)
            return;
        return turn.end(v1::RELEASE_STATE_ABORTED,
                        "No channel can carry the message as it was approved. Correct it as the "
                        "deliveries say.",
                        false);
    }
    *all.event.mutable_fire_at() = to_proto(fire_at);
    v1::Event event = event_of(turn.release.id());
    *event.mutable_release_armed() = std::move(all.event);
    turn.add(std::move(event));
}

void arm_stragglers(Turn& turn) {
    const Release before = turn.release;
    const Time fire_at = runtime::from_proto(before.head.fire_at());
    auto all = arm_ready<v1::StragglersArmed>(before, fire_at, earliest_fire_time(turn) > fire_at);
    for (const auto& [id, reason] : all.refused) refuse_delivery(turn, id, reason);
    if (all.event.deliveries().empty()) return;
    v1::Event event = event_of(turn.release.id());
    for (const v1::Delivery& one : all.event.deliveries())
        event.add_delivery_ids(one.delivery_id());
    *event.mutable_stragglers_armed() = std::move(all.event);
    turn.add(std::move(event));
}

static void keep(Turn& turn, const std::string& digest, std::string body) {
    v1::Event event = event_of(turn.release.id());
    v1::RenditionKept& kept = *event.mutable_rendition_kept();
    kept.set_digest(digest);
    kept.set_body(std::move(body));
    turn.add(std::move(event));
}

// The digest was recorded and its bytes were not: this version renders others.
static void give_up(Turn& turn, const std::string& digest) {
    const Release before = turn.release;
    for (const Delivery& delivery : before.deliveries)
        if (delivery.is(v1::DELIVERY_STATE_ARMED) && delivery.armed &&
            delivery.armed->digest == digest)
            refuse_delivery(
                turn, delivery.id(),
                "This version of publishing renders other bytes than those that were armed, so "
                "nothing was sent. Have the message cleared again.");
    keep(turn, digest, {});
    if (turn.release.is(v1::RELEASE_STATE_ARMED) &&
        turn.release.count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_ARMED) == 0)
        turn.end(v1::RELEASE_STATE_ABORTED,
                 "No channel can carry the message as it was armed. Have it cleared again.");
}

void keep_renditions(Turn& turn) {
    if (turn.release.missing == 0) return;
    const Release before = turn.release;
    std::size_t bytes = 0;
    std::set<std::string> done;
    for (const Delivery& delivery : before.deliveries) {
        if (!delivery.is(v1::DELIVERY_STATE_ARMED) || !delivery.armed || before.rendered(delivery))
            continue;
        const std::string& digest = delivery.armed->digest;
        if (!done.insert(digest).second) continue;
        const auto rendition = render(before, delivery.head, delivery.armed->rendition.length_max(),
                                      delivery.armed->fixed);
        if (!rendition || content::digest(rendition->body()) != digest) {
            // Alone in its decision, as it may refuse all.
            if (bytes == 0) give_up(turn, digest);
            return;
        }
        bytes += rendition->body().size();
        if (bytes > decision_bytes) return;
        keep(turn, digest, rendition->body());
    }
    // Nothing wants the others any more.
    if (!turn.events.empty()) return;
    for (const auto& [digest, body] : *before.bodies)
        if (!body) keep(turn, digest, {});
}

}  // namespace tocsin::publishing
