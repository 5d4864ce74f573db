#include "publishing/channel_changes.hpp"

#include "publishing/completing.hpp"
#include "publishing/limits.hpp"
#include "publishing/release_steps.hpp"
#include "publishing/settling.hpp"
#include "runtime/base/planted.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using google::protobuf::util::MessageDifferencer;

std::string reason_apart(const content::Target& target, const v1::Channel& channel) {
    if (!target.destination || !target.publisher)
        return "Its channel is not among those that the approved message names.";
    const content::Destination& approved = *target.destination;
    const char* what = channel.kind() != approved.kind()                      ? "kind"
                       : channel.url() != approved.url()                      ? "URL"
                       : channel.credential() != approved.account()           ? "credential"
                       : channel.agency_id() != target.publisher->agency_id() ? "owner"
                                                                              : nullptr;
    if (!what) return {};
    return fmt::format(
        "Its channel has another {} than the approved message names: put it back as it was, or "
        "publish there anew.",
        what);
}

bool can_be_skipped(const Delivery& delivery) {
    if (delivery.retracts()) return false;
    return delivery.is_unarmed() ||
           (delivery.is(v1::DELIVERY_STATE_ARMED) && delivery.never_left());
}

// ---- steps

void skip(Turn& turn, const std::vector<std::string>& ids, const std::string& actor,
          std::string reason, bool excused) {
    if (ids.empty()) return;
    v1::Event event = event_of(turn.release.id(), ids);
    v1::DeliveriesSkipped& skipped = *event.mutable_deliveries_skipped();
    skipped.set_actor(actor);
    skipped.set_reason(std::move(reason));
    skipped.set_excused(excused);
    turn.add(std::move(event));
}

// The error of its content is found before anything is planned.
static content::Target target_of(const Release& release, const std::string& channel_id) {
    if (!release.content || !release.content->parsed()) return {};
    return content::find_target(*release.content->parsed(), channel_id);
}

// Requests about what may be there go to the same place, by whatever credential.
static bool leads_to_same(const v1::Channel& before, const v1::Channel& after) {
    return before.kind() == after.kind() && before.url() == after.url() &&
           before.agency_id() == after.agency_id();
}

bool leads_there(const Channels& channels, const Release& release, const Delivery& delivery) {
    const auto now = shared_channel(channels, delivery.head.channel_id());
    return now && now->active() && content::carries(*now, delivery.head.language()) &&
           reason_apart(target_of(release, delivery.head.channel_id()), *now).empty();
}

static void redirect(Turn& turn, const std::vector<std::string>& ids, const v1::Channel& channel,
                     const std::string& apart = {}) {
    if (ids.empty()) return;
    v1::Event event = event_of(turn.release.id(), ids);
    v1::DeliveriesRedirected& redirected = *event.mutable_deliveries_redirected();
    *redirected.mutable_channel() = channel;
    redirected.set_apart(apart);
    turn.add(std::move(event));
}

// Of a decision that does more beside it. Those that find no room go by the credentials that they
// have.
static constexpr std::size_t refreshed_bytes_max = decision_bytes / 4;

void refresh_channels(Turn& turn, const Channels& channels, const std::string& only) {
    std::map<std::string, std::vector<std::string>> stale;  // deliveries by channel
    for (const Delivery& delivery : turn.release.deliveries) {
        const std::string& id = delivery.head.channel_id();
        if (!delivery.channel || (only.empty() ? delivery.never_left() : id != only)) continue;
        const auto now = shared_channel(channels, id);
        // Its name is for people.
        if (now && now->active() && leads_to_same(*delivery.channel, *now) &&
            (!delivery.channel->active() || delivery.channel->credential() != now->credential()))
            stale[id].push_back(delivery.id());
    }
    std::size_t bytes = 0;
    for (const auto& [id, ids] : stale) {
        redirect(turn, ids, *shared_channel(channels, id));
        bytes += turn.events.back().ByteSizeLong();
        if (bytes > refreshed_bytes_max) return;
    }
}

// ---- channels that are put and removed

namespace {

// What becomes of the deliveries of one channel.
struct Taken {
    std::map<std::string, std::vector<std::string>> skipped;   // by the reason
    std::vector<std::pair<std::string, std::string>> refused;  // with the reason
    std::vector<std::string> redirected;
    std::vector<std::string> apart;   // wait for the channel to be as it was
    std::vector<std::string> parted;  // under way, to where the channel was
};

}  // namespace

// Of a message's delivery. What may be there already is not sent again to where the channel no
// longer is; its retraction still goes there.
static void part(const Delivery& delivery, const std::string& why, Taken& taken) {
    if (can_be_skipped(delivery))
        taken.skipped[why].push_back(delivery.id());
    else if (delivery.is(v1::DELIVERY_STATE_ARMED))
        taken.refused.emplace_back(delivery.id(), why);
    else if (delivery.is(v1::DELIVERY_STATE_CLAIMED) || delivery.is(v1::DELIVERY_STATE_UNKNOWN))
        taken.parted.push_back(delivery.id());
}

// `apart`: why nothing may go to the channel as it is now.
static void take(const Delivery& delivery, const v1::Channel& after, const std::string& apart,
                 Taken& taken) {
    if (delivery.is(v1::DELIVERY_STATE_SKIPPED)) return;
    if (delivery.retracts()) {
        if (after.active() && leads_to_same(*delivery.channel, after))
            taken.redirected.push_back(delivery.id());
    } else if (!after.active()) {
        part(delivery, "Its channel was removed.", taken);
    } else if (!content::carries(after, delivery.head.language())) {
        part(delivery, "Its channel does not carry this language any more.", taken);
    } else if (apart.empty()) {
        taken.redirected.push_back(delivery.id());
    } else if (delivery.is_unarmed()) {
        taken.apart.push_back(delivery.id());
    } else if (delivery.is(v1::DELIVERY_STATE_ARMED)) {
        // Once the channel is put back, a person may have it tried again.
        taken.refused.emplace_back(delivery.id(), apart);
    } else {
        part(delivery, apart, taken);
    }
}

// What becomes of a release by a channel as it is now.
static void take_channel(Turn& turn, const v1::Channel& after, const std::string& actor) {
    Taken taken;
    const v1::Channel* before = nullptr;
    const Release release = turn.release;
    const std::string apart = planted(runtime::Bug::led_elsewhere)
                                  ? std::string{}
                                  : reason_apart(target_of(release, after.channel_id()), after);
    for (const Delivery& delivery : release.deliveries) {
        if (delivery.head.channel_id() != after.channel_id() || !delivery.channel ||
            MessageDifferencer::Equals(*delivery.channel, after))
            continue;
        if (delivery.armed && delivery.channel->active()) before = delivery.channel.get();
        take(delivery, after, apart, taken);
    }
    for (const auto& [why, ids] : taken.skipped) skip(turn, ids, actor, why, false);
    for (const auto& [id, why] : taken.refused)
        settle(turn, *release.find(id), v1::DELIVERY_STATE_REFUSED, why);
    redirect(turn, taken.redirected, after);
    redirect(turn, taken.apart, after, apart);
    if (taken.parted.empty() || !before) return;
    v1::Channel gone = *before;
    gone.set_active(false);
    redirect(turn, taken.parted, gone);
}

// The channel as it is once that is decided: of one that is removed, its id.
static v1::Channel channel_after(const Channels& channels, const Happened& changed) {
    if (changed.events.empty()) return channels.by_id.at(changed.subject).channel;
    v1::Channel after = changed.events.front().channel_put().channel();
    after.set_channel_id(channel_of(changed.events.front()));
    return after;
}

Verdict follow_channel(Verdict changed, const Channels& channels, const Releases& releases,
                       const runtime::Asking& asking, Time now) {
    if (!changed || planted(runtime::Bug::removal_ignored)) return changed;
    const v1::Channel after = channel_after(channels, *changed);
    std::size_t bytes = 0;
    for (const auto& [message, id] : releases.on_way) {
        const Release& release = releases.by_id.at(id);
        const auto uses = [&](const Delivery& delivery) {
            return delivery.head.channel_id() == after.channel_id() && delivery.channel;
        };
        if (std::ranges::none_of(release.deliveries, uses)) continue;
        Turn turn{release, now, {}};
        take_channel(turn, after, asking.actor);
        // Whether others may go now is decided when that is due, which is at once: what is armed
        // fills a decision.
        complete(turn);
        for (const v1::Event& event : turn.events) bytes += event.ByteSizeLong();
        // The decision is full: the hundreds of others go on as they were planned, until the same
        // is asked for once more.
        if (bytes > decision_bytes) break;
        std::ranges::move(turn.events, std::back_inserter(changed->events));
    }
    return changed;
}

}  // namespace tocsin::publishing
