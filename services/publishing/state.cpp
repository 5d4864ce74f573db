#include "publishing/state.hpp"

namespace tocsin::publishing {

const std::string& channel_of(const v1::Event& event) {
    if (event.has_channel_put()) return event.channel_put().channel().channel_id();
    // Empty in the event that every other one has in its place.
    return event.channel_removed().channel_id();
}

bool evolve(NumberedChannel& known, const v1::Event& event) {
    if (event.has_channel_put())
        known.channel = event.channel_put().channel();
    else if (event.has_channel_removed())
        known.channel.set_active(false);
    else
        return false;
    ++known.version;
    known.shared = std::make_shared<const v1::Channel>(known.channel);
    return true;
}

static Time over_at(const Item& item) {
    return runtime::from_proto(item.delivery.give_up_at()) + claim_margin;
}

// Keeps count of the open claims, of which only `event` may have changed some.
static void follow_claims(State& state, const Release& release, const v1::Event& event) {
    if (event.has_release_cancelled() || event.has_release_ended()) {
        state.claims.erase(release.id());
        return;
    }
    const auto touched = deliveries_of(event);
    if (touched.empty()) return;
    auto& open = state.claims[release.id()];
    for (const std::string& id : touched) {
        const Item* item = release.find(id);
        if (!item || !item->delivery.has_give_up_at()) continue;
        // A claim begins where none was, so one that ends is under the time that it still shows.
        if (item->is("claimed"))
            open.emplace(over_at(*item), id);
        else
            open.erase({over_at(*item), id});
    }
    if (open.empty()) state.claims.erase(release.id());
}

static std::optional<Time> due(const State& state, const Release& release) {
    const auto open = state.claims.find(release.id());
    return release.due(open == state.claims.end() ? std::nullopt
                                                  : std::optional{open->second.begin()->first});
}

static void drop_faded(State& state, Time now) {
    while (!state.fading.empty() && state.fading.begin()->first <= now) {
        const auto& [at, id] = *state.fading.begin();
        if (at == Time{}) {  // Never public.
            state.releases.at(id).drop_texts();
        } else {
            const auto release = state.releases.find(id);
            state.faded.emplace(id, release->second.parties());
            state.releases.erase(release);
        }
        state.fading.erase(state.fading.begin());
    }
}

static void follow_message(State& state, const Release& release) {
    const std::string& message = release.head.message_id();
    if (!release.at_rest()) {
        state.on_way.try_emplace(message, release.id());
        return;
    }
    const auto known = state.on_way.find(message);
    if (known != state.on_way.end() && known->second == release.id()) state.on_way.erase(known);
}

bool evolve(State& state, const v1::Event& event, Time decided_at) {
    if (event.body_case() == v1::Event::BODY_NOT_SET) return false;
    if (event.has_channel_put() || event.has_channel_removed()) {
        const std::string& id = channel_of(event);
        if (event.has_channel_put() || state.channels.contains(id))
            evolve(state.channels[id], event);
        return true;
    }
    const std::string id{release_of(event)};
    Release& release = state.releases[id];
    if (const auto at = due(state, release)) state.due.erase({*at, id});
    if (const auto at = release.fades()) state.fading.erase({*at, id});
    evolve(release, event, decided_at);
    if (event.has_release_planned())
        attach_channels(release, [&](const std::string& channel) {
            const auto known = state.channels.find(channel);
            return known == state.channels.end() ? nullptr : known->second.shared;
        });
    follow_claims(state, release, event);
    follow_message(state, release);
    if (const auto at = due(state, release)) state.due.emplace(*at, id);
    if (const auto at = release.fades()) state.fading.emplace(*at, id);
    drop_faded(state, decided_at);
    return true;
}

}  // namespace tocsin::publishing
