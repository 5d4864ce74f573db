#include "publishing/arming.hpp"

#include "content/content.hpp"
#include "publishing/limits.hpp"
#include "publishing/rendering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using runtime::to_proto;

// What does not fit into one decision takes more of them before T0, each this long at most.
static constexpr Duration keeping_time = std::chrono::milliseconds{250};

static void refuse_delivery(Turn& turn, const std::string& delivery_id, const std::string& reason) {
    v1::Event event = event_of(turn.release.id());
    v1::DeliverySettled& settled = *event.mutable_delivery_settled();
    settled.set_delivery_id(delivery_id);
    settled.set_state(v1::DELIVERY_STATE_REFUSED);
    constexpr std::size_t of_many = 200;
    settled.set_reason(shortened(reason, of_many));
    turn.add(std::move(event));
}

namespace {

// What one decision arms.
struct ArmedAll {
    v1::ReleaseArmed event;
    int left = 0;  // renditions whose bytes follow in later decisions
    std::vector<std::pair<std::string, std::string>> refused;  // deliveries, with the reason
};

ArmedAll arm_for(const Release& release, Time fire_at) {
    std::set<std::string> showing;
    for (const Delivery& delivery : release.deliveries)
        if (delivery.traits().public_from_claim && delivery.is(v1::DELIVERY_STATE_READY))
            showing.insert(delivery.head.agency_id());
    ArmedAll all;
    Arming<v1::ReleaseArmed> arming{release};
    std::map<std::string, std::string> identifiers;
    for (const Delivery& delivery : release.deliveries) {
        if (!delivery.is(v1::DELIVERY_STATE_READY)) continue;
        const std::string& agency = delivery.head.agency_id();
        const auto added = arming.add(delivery.head, delivery.text_max, agency, [&] {
            auto fixed = fix(release, agency, fire_at, showing);
            identifiers[agency] = fixed.identifier();
            return fixed;
        });
        if (!added) all.refused.emplace_back(delivery.id(), added.error());
    }
    all.event = arming.take();
    all.left = arming.left();
    *all.event.mutable_fire_at() = to_proto(fire_at);
    for (const v1::Delivery& delivery : all.event.deliveries())
        (*all.event.mutable_identifiers())[delivery.agency_id()] =
            identifiers[delivery.agency_id()];
    return all;
}

}  // namespace

void arm(Turn& turn) {
    const Time earliest = turn.now + turn.release.arm_lead;
    const auto not_before = [&](Time time) {
        return std::max(turn.release.release_at.value_or(time), time);
    };
    Time fire_at = not_before(earliest);
    const Release before = turn.release;
    ArmedAll all = arm_for(before, fire_at);
    if (const Time later = not_before(earliest + all.left * keeping_time); later > fire_at) {
        fire_at = later;
        all = arm_for(before, fire_at);
    }
    for (const auto& [id, reason] : all.refused) refuse_delivery(turn, id, reason);
    if (fire_at >= before.expires)
        return turn.end(
            v1::RELEASE_STATE_EXPIRED,
            "The message expires before it could be released. Submit it again with a later "
            "expiry.");
    if (all.event.deliveries().empty())
        return turn.end(v1::RELEASE_STATE_ABORTED,
                        "No channel can carry the message as it was approved. Correct it as the "
                        "deliveries say, and submit it again.");
    v1::Event event = event_of(turn.release.id());
    *event.mutable_release_armed() = std::move(all.event);
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
        if (!delivery.is(v1::DELIVERY_STATE_ARMED) || !delivery.armed || before.body(delivery))
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
