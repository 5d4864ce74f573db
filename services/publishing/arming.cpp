// Arming fixes everything that goes out: the bytes are the same in every attempt from then on. They
// are kept in the ledger, in records that fit, and not rendered again: another version would render
// other ones, and an alert that is public must not change or vanish by an upgrade.
#include "content/content.hpp"
#include "publishing/limits.hpp"
#include "publishing/rendering.hpp"
#include "publishing/steps.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {

using runtime::to_proto;

// What does not fit into one decision takes more of them before T0, each this long at most.
static constexpr Duration keeping_time = std::chrono::milliseconds{250};

void end(Turn& turn, std::string state, std::string reason) {
    v1::Event event;
    v1::ReleaseEnded& ended = *event.mutable_release_ended();
    ended.set_release_id(turn.release.id());
    ended.set_state(std::move(state));
    ended.set_reason(std::move(reason));
    turn.add(std::move(event));
}

static void refuse(Turn& turn, const std::string& delivery_id, const std::string& reason) {
    v1::Event event;
    v1::DeliverySettled& settled = *event.mutable_delivery_settled();
    settled.set_release_id(turn.release.id());
    settled.set_delivery_id(delivery_id);
    settled.set_state("refused");
    constexpr std::size_t of_many = 200;
    settled.set_reason(shortened(reason, of_many));
    turn.add(std::move(event));
}

namespace {

struct ArmedAll {
    v1::ReleaseArmed event;
    int left = 0;
    std::vector<std::pair<std::string, std::string>> refused;
};

ArmedAll arm_for(const Release& release, Time fire_at) {
    std::set<std::string> showing;
    for (const Item& item : release.items)
        if (item.traits().public_from_claim && item.is("ready"))
            showing.insert(item.delivery.agency_id());
    ArmedAll all;
    Arming<v1::ReleaseArmed> arming{release};
    std::map<std::string, std::string> identifiers;
    for (const Item& item : release.items) {
        if (!item.is("ready")) continue;
        const std::string& agency = item.delivery.agency_id();
        const auto added = arming.add(item.delivery, item.text_max, agency, [&] {
            auto fixed = fix(release, agency, fire_at, showing);
            identifiers[agency] = fixed.identifier();
            return fixed;
        });
        if (!added) all.refused.emplace_back(item.id(), added.error());
    }
    all.event = arming.take();
    all.left = arming.left();
    all.event.set_release_id(release.id());
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
    for (const auto& [id, reason] : all.refused) refuse(turn, id, reason);
    if (fire_at >= before.expires)
        return end(turn, "expired", "The message expires before it could be released.");
    if (all.event.deliveries().empty())
        return end(turn, "aborted", "No channel can carry the message as it was approved.");
    v1::Event event;
    *event.mutable_release_armed() = std::move(all.event);
    turn.add(std::move(event));
}

static void keep(Turn& turn, const std::string& digest, std::string body) {
    v1::Event event;
    v1::RenditionKept& kept = *event.mutable_rendition_kept();
    kept.set_release_id(turn.release.id());
    kept.set_digest(digest);
    kept.set_body(std::move(body));
    turn.add(std::move(event));
}

// The digest was recorded and its bytes were not: this version renders others.
static void give_up(Turn& turn, const std::string& digest) {
    const Release before = turn.release;
    for (const Item& item : before.items)
        if (item.is("armed") && item.armed && item.armed->digest == digest)
            refuse(turn, item.id(),
                   "This version renders other bytes than those that were armed, so nothing was "
                   "sent. Have the message cleared again.");
    keep(turn, digest, {});
    if (turn.release.is("armed") && turn.release.count(v1::PURPOSE_MESSAGE, "armed") == 0)
        end(turn, "aborted", "No channel can carry the message as it was armed.");
}

void keep_renditions(Turn& turn) {
    if (turn.release.missing == 0) return;
    const Release before = turn.release;
    std::size_t bytes = 0;
    std::set<std::string> done;
    for (const Item& item : before.items) {
        if (!item.is("armed") || !item.armed || before.body(item)) continue;
        const std::string& digest = item.armed->digest;
        if (!done.insert(digest).second) continue;
        const auto rendition =
            render(before, item.delivery, item.armed->rendition.length_max(), item.armed->fixed);
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
