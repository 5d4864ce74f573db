#include "publishing/releases.hpp"

#include "publishing/release_events.hpp"

namespace tocsin::publishing {

// ---- events

// Keeps count of the open claims, of which only `event` may have changed some.
static void follow_claims(Releases& releases, const Release& release, const v1::Event& event) {
    if (event.has_release_cancelled() || event.has_release_ended()) {
        releases.claims.erase(release.id());
        return;
    }
    if (event.delivery_ids().empty()) return;
    auto& open = releases.claims[release.id()];
    for (const std::string& id : event.delivery_ids()) {
        const Delivery* delivery = release.find(id);
        if (!delivery || !delivery->head.has_give_up_at()) continue;
        // A claim begins where none was, so one that ends is under the time that it still shows.
        if (delivery->is(v1::DELIVERY_STATE_CLAIMED))
            open.emplace(delivery->claim_over(), id);
        else
            open.erase({delivery->claim_over(), id});
    }
    if (open.empty()) releases.claims.erase(release.id());
}

static void follow_message(Releases& releases, const Release& release) {
    const std::string& message = release.head.message_id();
    if (!release.at_rest()) {
        releases.on_way.try_emplace(message, release.id());
        return;
    }
    const auto known = releases.on_way.find(message);
    if (known != releases.on_way.end() && known->second == release.id())
        releases.on_way.erase(known);
}

static std::optional<Time> due_of(const Releases& releases, const Release& release) {
    const auto open = releases.claims.find(release.id());
    return release.due(open == releases.claims.end() ? std::nullopt
                                                     : std::optional{open->second.begin()->first});
}

static void drop_faded(Releases& releases, Time now) {
    while (!releases.fading.empty() && releases.fading.begin()->first <= now) {
        const auto& [at, id] = *releases.fading.begin();
        if (at == Time{}) {  // Never public.
            releases.by_id.at(id).drop_texts();
        } else {
            const auto release = releases.by_id.find(id);
            releases.faded.emplace(id, release->second.parties());
            releases.by_id.erase(release);
        }
        releases.fading.erase(releases.fading.begin());
    }
}

bool evolve(Releases& releases, const Channels& channels, const v1::Event& event, Time decided_at) {
    const std::string& id = event.release_id();
    // What faded, by an earlier event of the same decision at the latest, changes no more.
    if (!event.has_release_planned() && !releases.by_id.contains(id))
        return releases.faded.contains(id);
    Release& release = releases.by_id[id];
    if (const auto at = due_of(releases, release)) releases.due.erase({*at, id});
    if (const auto at = release.fades()) releases.fading.erase({*at, id});
    if (!evolve(release, event, decided_at)) return false;
    if (event.has_release_planned())
        attach_channels(
            release, [&](const std::string& channel) { return shared_channel(channels, channel); });
    follow_claims(releases, release, event);
    follow_message(releases, release);
    if (const auto at = due_of(releases, release)) releases.due.emplace(*at, id);
    if (const auto at = release.fades()) releases.fading.emplace(*at, id);
    drop_faded(releases, decided_at);
    return true;
}

// ---- due times

std::optional<runtime::Due<v1::Command>> next_due(const Releases& releases) {
    if (releases.due.empty()) return std::nullopt;
    const auto& [at, release_id] = *releases.due.begin();
    runtime::Due<v1::Command> due{at, {}};
    v1::ReachDue& reached = *due.command.mutable_reach_due();
    reached.set_release_id(release_id);
    *reached.mutable_due_at() = runtime::to_proto(at);
    reached.set_version(releases.by_id.at(release_id).version);
    return due;
}

}  // namespace tocsin::publishing
