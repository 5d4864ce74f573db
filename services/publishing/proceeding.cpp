#include "publishing/proceeding.hpp"

#include "publishing/completing.hpp"
#include "publishing/limits.hpp"
#include "publishing/preparing.hpp"
#include "publishing/release_steps.hpp"
#include "publishing/settling.hpp"
#include "runtime/base/planted.hpp"
#include "runtime/ledger/refusals.hpp"
#include "texts/contains.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <expected>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using google::protobuf::util::MessageDifferencer;
using runtime::Rejection;

// Nobody has it, and no claim may bring it to anybody.
static bool can_be_skipped(const Delivery& delivery) {
    if (delivery.retracts()) return false;
    return delivery.is_unarmed() ||
           (delivery.is(v1::DELIVERY_STATE_ARMED) && delivery.never_left());
}

// ---- commands

static std::optional<Rejection> require_under_way(const Release& release) {
    if (release.prepares() || release.takes_stragglers()) return std::nullopt;
    return not_now("not_under_way",
                   fmt::format("release `{}` is {}: nothing of it can be left out; stop it instead",
                               release.id(), texts::enum_name(release.head.state())),
                   "release_id");
}

static std::optional<Rejection> require_skippable(const Delivery& delivery) {
    if (can_be_skipped(delivery) || delivery.is(v1::DELIVERY_STATE_SKIPPED)) return std::nullopt;
    if (!delivery.never_left() || delivery.is(v1::DELIVERY_STATE_CLAIMED))
        return not_now("may_be_public",
                       fmt::format("delivery `{}` is {} and may be public; stop the release "
                                   "instead",
                                   delivery.id(), texts::enum_name(delivery.state())),
                       "delivery_ids");
    return not_now("delivery_over",
                   fmt::format("delivery `{}` is {}: nothing waits for it; leave it out of the "
                               "request",
                               delivery.id(), texts::enum_name(delivery.state())),
                   "delivery_ids");
}

// The deliveries that the request leaves out, and that still wait for something.
static std::expected<std::vector<std::string>, Rejection> chosen(
    const Release& release, const v1::ProceedReleaseRequest& request, Time now) {
    std::vector<std::string> all;
    if (request.delivery_ids().empty()) {
        // One that is merely being asked has a little time.
        const bool late = now >= release.go_at;
        for (const Delivery& delivery : release.deliveries)
            if (release.to_prepare(delivery) && (late || delivery.is(v1::DELIVERY_STATE_NOT_READY)))
                all.push_back(delivery.id());
        return all;
    }
    std::set<std::string_view> seen;
    for (const std::string& id : request.delivery_ids()) {
        if (!seen.insert(id).second) continue;
        const Delivery* delivery = release.find(id);
        if (!delivery) return std::unexpected(runtime::no_such("delivery", id, "delivery_ids"));
        if (auto no = require_skippable(*delivery)) return std::unexpected(*no);
        if (!delivery->is(v1::DELIVERY_STATE_SKIPPED)) all.push_back(id);
    }
    return all;
}

static bool leaves_something(const Release& release, const std::vector<std::string>& skipped) {
    return std::ranges::any_of(release.deliveries, [&](const Delivery& delivery) {
        if (delivery.retracts() || texts::contains(skipped, delivery.id())) return false;
        return !delivery.settled() || delivery.may_be_public();
    });
}

static void skip(Turn& turn, const std::vector<std::string>& ids, const std::string& actor,
                 std::string reason) {
    if (ids.empty()) return;
    v1::Event event = event_of(turn.release.id());
    v1::DeliveriesSkipped& skipped = *event.mutable_deliveries_skipped();
    skipped.mutable_delivery_ids()->Assign(ids.begin(), ids.end());
    skipped.set_actor(actor);
    skipped.set_reason(std::move(reason));
    turn.add(std::move(event));
}

Verdict proceed_release(const Releases& releases, const runtime::Asking& asking,
                        const v1::ProceedReleaseRequest& request, Time now) {
    const auto release = own_release(releases, asking, request.release_id(), repairers);
    if (!release) return std::unexpected(release.error());
    if (auto no = require_under_way(**release)) return std::unexpected(*no);
    const auto ids = chosen(**release, request, now);
    if (!ids) return std::unexpected(ids.error());
    Turn turn{**release, now, {}};
    if (ids->empty()) return std::move(turn).done();
    if (!leaves_something(turn.release, *ids))
        return std::unexpected(not_now("nothing_left",
                                       "it would leave no delivery; stop the release instead",
                                       "delivery_ids"));
    skip(turn, *ids, asking.actor,
         shortened(fmt::format("{} released without it: {}", asking.actor, request.reason()),
                   reason_bytes_max));
    advance(turn);
    complete(turn);
    return std::move(turn).done();
}

// ---- channels

// Its requests go to the same place, whatever else changed.
static bool leads_to_same(const v1::Channel& before, const v1::Channel& after) {
    return before.kind() == after.kind() && before.url() == after.url() &&
           before.agency_id() == after.agency_id();
}

static bool carries(const v1::Channel& channel, const Delivery& delivery) {
    const std::string& language = delivery.head.language();
    return language.empty() || channel.languages().empty() ||
           texts::contains(channel.languages(), language);
}

// Why nothing that waits for the channel goes there; empty where it does.
static std::string_view reason_to_skip(const Delivery& delivery, const v1::Channel& after) {
    if (!after.active()) return "Its channel was removed.";
    if (after.kind() != delivery.head.kind()) return "Its channel is of another kind now.";
    if (!carries(after, delivery)) return "Its channel does not carry this language any more.";
    // Its bytes are fixed for the place that was there.
    if (delivery.armed && delivery.channel && !leads_to_same(*delivery.channel, after))
        return "Its channel leads elsewhere than when it was armed.";
    return {};
}

static void redirect(Turn& turn, const std::vector<std::string>& ids, const v1::Channel& channel) {
    if (ids.empty()) return;
    v1::Event event = event_of(turn.release.id());
    v1::DeliveriesRedirected& redirected = *event.mutable_deliveries_redirected();
    redirected.mutable_delivery_ids()->Assign(ids.begin(), ids.end());
    *redirected.mutable_channel() = channel;
    turn.add(std::move(event));
}

namespace {

// What becomes of the deliveries of one channel.
struct Taken {
    std::map<std::string_view, std::vector<std::string>> skipped;   // by the reason
    std::vector<std::pair<std::string, std::string_view>> refused;  // with the reason
    std::vector<std::string> redirected;
    std::vector<std::string> parted;  // under way, to where the channel was
};

}  // namespace

// Of a message's delivery. What may be there already is not sent again to where the channel no
// longer is; its retraction still goes there.
static void part(const Delivery& delivery, std::string_view why, Taken& taken) {
    if (can_be_skipped(delivery))
        taken.skipped[why].push_back(delivery.id());
    else if (delivery.is(v1::DELIVERY_STATE_ARMED))
        taken.refused.emplace_back(delivery.id(), why);
    else if (delivery.is(v1::DELIVERY_STATE_CLAIMED) || delivery.is(v1::DELIVERY_STATE_UNKNOWN))
        taken.parted.push_back(delivery.id());
}

// What becomes of a release by a channel as it is now.
static void take_channel(Turn& turn, const v1::Channel& after, const std::string& actor) {
    Taken taken;
    const v1::Channel* before = nullptr;
    const Release release = turn.release;
    for (const Delivery& delivery : release.deliveries) {
        if (delivery.head.channel_id() != after.channel_id() || !delivery.channel ||
            MessageDifferencer::Equals(*delivery.channel, after))
            continue;
        if (delivery.armed && delivery.channel->active()) before = delivery.channel.get();
        const auto why = reason_to_skip(delivery, after);
        if (!why.empty() && !delivery.retracts())
            part(delivery, why, taken);
        else if (why.empty() && !delivery.is(v1::DELIVERY_STATE_SKIPPED))
            taken.redirected.push_back(delivery.id());
    }
    for (const auto& [why, ids] : taken.skipped) skip(turn, ids, actor, std::string{why});
    for (const auto& [id, why] : taken.refused)
        settle(turn, *release.find(id), v1::DELIVERY_STATE_REFUSED, std::string{why});
    redirect(turn, taken.redirected, after);
    if (taken.parted.empty() || !before) return;
    v1::Channel gone = *before;
    gone.set_active(false);
    redirect(turn, taken.parted, gone);
}

Verdict follow_channel(Verdict changed, const Releases& releases, const runtime::Asking& asking,
                       Time now) {
    if (!changed || changed->events.empty() || planted(runtime::Bug::removal_ignored))
        return changed;
    // A copy, as the events grow.
    const v1::Event first = changed->events.front();
    v1::Channel after = first.channel_put().channel();
    after.set_channel_id(channel_of(first));  // All that is known of one that was removed.
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
        // The decision is full: the hundreds of others go on as they were planned.
        if (bytes > decision_bytes) break;
        std::ranges::move(turn.events, std::back_inserter(changed->events));
    }
    return changed;
}

bool leads_there(const Channels& channels, const Delivery& delivery) {
    const auto now = shared_channel(channels, delivery.head.channel_id());
    return now && now->active() && delivery.channel && leads_to_same(*delivery.channel, *now);
}

void refresh_channels(Turn& turn, const Channels& channels, const std::string& only) {
    std::map<std::string, std::vector<std::string>> stale;  // deliveries by channel
    for (const Delivery& delivery : turn.release.deliveries) {
        const std::string& id = delivery.head.channel_id();
        if (!delivery.channel || (only.empty() ? delivery.never_left() : id != only)) continue;
        const auto now = shared_channel(channels, id);
        if (now && now->active() && leads_to_same(*delivery.channel, *now) &&
            !MessageDifferencer::Equals(*delivery.channel, *now))
            stale[id].push_back(delivery.id());
    }
    for (const auto& [id, ids] : stale) redirect(turn, ids, *shared_channel(channels, id));
}

}  // namespace tocsin::publishing
