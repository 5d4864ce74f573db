#include "publishing/repairing.hpp"

#include "publishing/channel_changes.hpp"
#include "publishing/completing.hpp"
#include "publishing/release_steps.hpp"
#include "publishing/retraction.hpp"
#include "publishing/settling.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/planted.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>

namespace tocsin::publishing {

using runtime::Because;
using runtime::Rejection;
using runtime::to_proto;
using std::chrono::ceil, std::chrono::seconds;

namespace {

struct Chosen {
    const Release* release;
    const Delivery* delivery;
};

}  // namespace

// What `request` names, for a duty officer of one of its agencies.
template <class Request>
static std::expected<Chosen, Rejection> choose(const Releases& releases,
                                               const runtime::Asking& asking,
                                               const Request& request) {
    const auto release = own_release(releases, asking, request.release_id(), repairers);
    if (!release) return std::unexpected(release.error());
    const auto delivery = find_delivery(**release, request.delivery_id());
    if (!delivery) return std::unexpected(delivery.error());
    return Chosen{*release, *delivery};
}

// ---- commands

// Why this release sends nothing more; nothing where it may.
static std::optional<Rejection> require_sendable(const Releases& releases, const Release& release,
                                                 v1::Purpose purpose, Time now) {
    const bool retracts = purpose == v1::PURPOSE_RETRACTION;
    if (!retracts && release.retract_at)
        return not_now(
            "retracted",
            "the message was retracted, and nothing of it is sent again; publish another");
    if (!retracts && !release.head.superseded_by().empty())
        return not_now("superseded",
                       fmt::format("release `{}` updates or cancels the message, and nothing of it "
                                   "is sent again",
                                   release.head.superseded_by()));
    if (release.text_returned)
        return not_now("over",
                       fmt::format("the release is {}, and nothing of it was public; submit the "
                                   "message again",
                                   texts::enum_name(release.head.state())));
    if (now >= release.deadline(purpose))
        return not_now("release_expired",
                       retracts ? "the retraction was ordered too long ago; order it again"
                                : "the message has expired; publish another");
    const auto busy = releases.on_way.find(release.head.message_id());
    if (busy != releases.on_way.end() && busy->second != release.id())
        return not_now("already_releasing",
                       fmt::format("release `{}` of the same message is on its way; wait for its "
                                   "end, or stop it",
                                   busy->second));
    return std::nullopt;
}

static std::optional<Rejection> require_retryable(const Releases& releases, const Release& release,
                                                  const Delivery& delivery, Time now) {
    if (planted(runtime::Bug::retried_in_doubt) && delivery.is(v1::DELIVERY_STATE_UNKNOWN))
        return std::nullopt;
    if (!delivery.is(v1::DELIVERY_STATE_REFUSED))
        return not_now("not_refused",
                       fmt::format("delivery `{}` is {}; only one that was refused is tried again",
                                   delivery.id(), texts::enum_name(delivery.state())));
    if (auto no = require_sendable(releases, release, delivery.head.purpose(), now)) return no;
    if (!delivery.armed || !release.content)
        return not_now("never_armed",
                       fmt::format("channel `{}` cannot carry the message as it was approved: {} "
                                   "Correct it and submit the message again",
                                   delivery.head.channel_id(), delivery.head.reason()));
    // Nobody asked the channel just now: only what takes any repeat for what it is goes blindly.
    if (delivery.doubted() && delivery.traits().repeats != content::Repeats::exact)
        return not_now("in_doubt",
                       fmt::format("the channel may have delivery `{}`, and would show a repeat as "
                                   "another message; look at it, and resolve the delivery first",
                                   delivery.id()));
    return std::nullopt;
}

Verdict retry_delivery(const Releases& releases, const Channels& channels,
                       const runtime::Asking& asking, const v1::RetryDeliveryRequest& request,
                       Time now) {
    const auto chosen = choose(releases, asking, request);
    if (!chosen) return std::unexpected(chosen.error());
    const Delivery& delivery = *chosen->delivery;
    Turn turn{*chosen->release, now, {}};
    // A second click: it is on its way again.
    const bool again = delivery.head.attempts() > 0 && (delivery.is(v1::DELIVERY_STATE_ARMED) ||
                                                        delivery.is(v1::DELIVERY_STATE_CLAIMED));
    if (again) return std::move(turn).done();
    if (auto no = require_retryable(releases, turn.release, delivery, now))
        return std::unexpected(*no);
    refresh_channels(turn, channels, delivery.head.channel_id());
    if (!delivery.retracts() && !leads_there(channels, turn.release, delivery))
        return std::unexpected(not_now(
            "channel_gone",
            fmt::format("channel `{}` was removed, or has another URL or credential than the "
                        "approved message names; put it as it was, or publish an update",
                        delivery.head.channel_id())));
    arm_again(turn, delivery, now, request.reason(), asking.actor);
    return std::move(turn).done();
}

// When the person looked, which was not later than now, whatever their clock says.
static std::optional<Time> looked_at(const v1::ResolveDeliveryRequest& request,
                                     const runtime::Asking& asking, Time now) {
    const auto at = request.has_looked_at()
                        ? std::optional{runtime::from_proto(request.looked_at())}
                        : runtime::uuid_v7_time(asking.request_id);
    return at ? std::optional{std::min(*at, now)} : std::nullopt;
}

// What a channel could not carry back people take back by hand, where there is something to.
static bool was_taken_back(const Release& release, const Delivery& delivery) {
    const Delivery* original = release.find(original_of(delivery.id()));
    return delivery.retracts() && delivery.is(v1::DELIVERY_STATE_REFUSED) &&
           !release.text_returned && original && !original->never_left();
}

static std::optional<Rejection> require_resolvable(const Release& release, const Delivery& delivery,
                                                   const v1::ResolveDeliveryRequest& request,
                                                   std::optional<Time> looked, Time now) {
    if (request.found() == v1::FINDING_PRESENT && was_taken_back(release, delivery))
        return std::nullopt;
    if (!delivery.doubted())
        return not_now("not_in_doubt",
                       fmt::format("delivery `{}` is {}, and not in doubt; there is nothing to "
                                   "resolve",
                                   delivery.id(), texts::enum_name(delivery.state())));
    if (request.found() == v1::FINDING_PRESENT) return std::nullopt;
    if (request.found() != v1::FINDING_ABSENT)
        return Rejection{Because::invalid_argument, "unknown_finding",
                         "this version of publishing does not know that finding; upgrade it",
                         "found"};
    if (!request.url().empty())
        return Rejection{Because::invalid_argument, "url_of_nothing",
                         "what the channel does not show has no URL; leave it out", "url"};
    if (!looked)
        return Rejection{Because::invalid_argument, "looked_at_missing",
                         "say when you looked: the request id does not carry a time", "looked_at"};
    // Started at the last moment, it may have been carried out after that.
    const Time over = delivery.carried_out_by();
    const bool under_way = delivery.is(v1::DELIVERY_STATE_CLAIMED) ||
                           delivery.is(v1::DELIVERY_STATE_ARMED) || *looked < over;
    if (under_way && !planted(runtime::Bug::resolved_early))
        return not_now(
            "under_way",
            fmt::format("an attempt at delivery `{}` may still have been under way "
                        "when you looked; look again in {} s",
                        delivery.id(), std::max<int64_t>(1, ceil<seconds>(over - now).count())));
    return std::nullopt;
}

// One that nobody wants sent any more keeps saying so.
static v1::DeliveryState state_of_absent(const Delivery& delivery) {
    return delivery.is(v1::DELIVERY_STATE_STOOD_DOWN) ? v1::DELIVERY_STATE_STOOD_DOWN
                                                      : v1::DELIVERY_STATE_REFUSED;
}

Verdict resolve_delivery(const Releases& releases, const runtime::Asking& asking,
                         const v1::ResolveDeliveryRequest& request, Time now) {
    const auto chosen = choose(releases, asking, request);
    if (!chosen) return std::unexpected(chosen.error());
    const Delivery& delivery = *chosen->delivery;
    Turn turn{*chosen->release, now, {}};
    const bool present = request.found() == v1::FINDING_PRESENT;
    if (present && delivery.is(v1::DELIVERY_STATE_CONFIRMED)) return std::move(turn).done();
    if (auto no = require_resolvable(turn.release, delivery, request,
                                     looked_at(request, asking, now), now))
        return std::unexpected(*no);
    v1::RecordOutcome seen;
    if (present) {
        seen.set_url(request.url());
        *seen.mutable_confirmed_at() = to_proto(now);
    }
    settle(turn, delivery, present ? v1::DELIVERY_STATE_CONFIRMED : state_of_absent(delivery),
           fmt::format("`{}` looked, and the channel {}: {}", asking.actor,
                       present ? "shows it" : "does not show it", request.reason()),
           &seen, asking.actor);
    follow_original(turn, delivery.id());
    complete(turn);
    return std::move(turn).done();
}

}  // namespace tocsin::publishing
