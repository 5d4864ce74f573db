// Arming fixes everything that goes out; the claim is the point after which it can not be stopped.
#include "content/cap.hpp"
#include "content/channels/channel.hpp"
#include "content/content.hpp"
#include "publishing/steps.hpp"
#include "runtime/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tocsin::publishing {

using runtime::Because;
using runtime::from_proto;
using runtime::reject;
using runtime::to_proto;

// How long after T0, or after a late claim, its executor may still start.
static constexpr Duration start_window = std::chrono::seconds{10};
// A claim takes away the last chance to cancel: it is not given long before T0.
static constexpr Duration claim_lead_max = std::chrono::seconds{2};

std::string permalink(const Release& release, std::string_view identifier) {
    return fmt::format("{}/feeds/{}/alerts/{}.xml", release.feed_base_url,
                       content::parse(release.content)->realm(), identifier);
}

std::string delivery_key(const Release& release, const v1::Delivery& delivery) {
    const std::string_view purpose =
        delivery.purpose() == v1::PURPOSE_RETRACTION ? "retraction" : "message";
    std::string name = release.id();
    name.append(1, '\0').append(delivery.delivery_id()).append(1, '\0').append(purpose);
    // Hexadecimal: a webhook id may not have dots, an HTTP header not much else.
    return runtime::hex(runtime::sha256(name));
}

static std::string identifier_of(const Release& release, const std::string& agency) {
    return fmt::format("tocsin-{}-{}", release.id(), agency);
}

// The alert on the public feed that a delivery links to: its agency's own, else any of the release.
static std::string linked_agency(const Release& release, const v1::Delivery& delivery) {
    std::string other;
    for (const Item& item : release.items) {
        if (item.delivery.kind() != "feed" || item.retracts()) continue;
        if (!item.is("ready") && !item.is("armed")) continue;
        if (item.delivery.agency_id() == delivery.agency_id()) return delivery.agency_id();
        if (other.empty()) other = item.delivery.agency_id();
    }
    return other;
}

content::v1::Fixed fix(const Release& release, const v1::Delivery& delivery, Time fire_at) {
    content::v1::Fixed fixed;
    const std::string& agency = delivery.agency_id();
    fixed.set_release_id(release.id());
    fixed.set_agency(agency);
    fixed.set_identifier(identifier_of(release, agency));
    if (const auto sender = release.senders.find(agency); sender != release.senders.end())
        fixed.set_sender(sender->second);
    if (const auto name = release.sender_names.find(agency); name != release.sender_names.end())
        fixed.set_sender_name(name->second);
    const Time second = std::chrono::floor<std::chrono::seconds>(fire_at);
    fixed.set_sent(content::cap_time(to_proto(second)));
    *fixed.mutable_fire_at() = to_proto(fire_at);
    const std::string linked = linked_agency(release, delivery);
    if (!linked.empty())
        fixed.set_permalink(permalink(release, identifier_of(release, linked)));
    else
        fixed.set_permalink(content::parse(release.content)->draft().web());
    return fixed;
}

std::expected<content::v1::Rendition, std::string> render(const Release& release, const Item& item,
                                                          const content::v1::Fixed& fixed) {
    const content::ChannelKind* kind = content::find_kind(item.delivery.kind());
    if (!kind)
        return std::unexpected(fmt::format("There is no channel kind {}.", item.delivery.kind()));
    content::Limits limits = kind->limits;
    if (item.text_max > 0) limits.text_max = item.text_max;
    const auto content = content::parse(release.content);
    if (!content) return std::unexpected(content.error());
    auto rendition = kind->render(*content, item.delivery.language(), fixed, limits);
    if (!rendition) return std::unexpected(rendition.error().text);
    return std::move(*rendition);
}

std::expected<content::v1::Rendition, std::string> trial(const Release& release, const Item& item,
                                                         Time now) {
    return render(release, item, fix(release, item.delivery, now));
}

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
    settled.set_reason(reason);
    turn.add(std::move(event));
}

void arm(Turn& turn) {
    const Time earliest = turn.now + turn.release.arm_lead;
    const Time fire_at = std::max(turn.release.release_at.value_or(earliest), earliest);
    v1::Event event;
    v1::ReleaseArmed& armed = *event.mutable_release_armed();
    armed.set_release_id(turn.release.id());
    *armed.mutable_fire_at() = to_proto(fire_at);
    const Release before = turn.release;
    for (const Item& item : before.items) {
        if (!item.is("ready")) continue;
        v1::Delivery delivery = item.delivery;
        *delivery.mutable_fixed() = fix(before, delivery, fire_at);
        auto rendition = render(before, item, delivery.fixed());
        if (!rendition) {
            refuse(turn, item.id(), rendition.error());
            continue;
        }
        *delivery.mutable_rendition() = std::move(*rendition);
        delivery.set_idempotency_key(delivery_key(before, delivery));
        delivery.clear_reason();
        delivery.set_state("armed");
        (*armed.mutable_identifiers())[delivery.agency_id()] = delivery.fixed().identifier();
        *armed.add_deliveries() = std::move(delivery);
    }
    if (fire_at >= before.expires)
        return end(turn, "expired", "The message expires before it could be released.");
    if (armed.deliveries().empty())
        return end(turn, "aborted", "No channel can carry the message as it was approved.");
    turn.add(std::move(event));
}

static bool claimable(const Item& item, v1::Purpose purpose, Time now) {
    return item.delivery.purpose() == purpose && item.is("armed") &&
           (!item.retry_at || *item.retry_at <= now);
}

static Verdict refuse_claim(const Release& release, v1::Purpose purpose) {
    const bool claimed = std::ranges::any_of(release.items, [&](const Item& item) {
        return item.delivery.purpose() == purpose && item.is("claimed");
    });
    if (claimed)
        return reject(Because::failed_precondition, "already_claimed",
                      "another executor holds the claim");
    return reject(Because::failed_precondition, "nothing_to_claim",
                  fmt::format("the release is {}: nothing is due", release.head.state()));
}

Verdict claim_release(const State& state, const runtime::Asking& asking,
                      const v1::ClaimRelease& claim, Time now) {
    if (auto refusal = refuse_stranger(asking)) return std::unexpected(std::move(*refusal));
    const auto known = state.releases.find(claim.release_id());
    if (known == state.releases.end()) return no_release(claim.release_id());
    Turn turn{known->second, now, {}};
    const Release& release = known->second;
    const auto purpose =
        claim.purpose() == v1::PURPOSE_RETRACTION ? claim.purpose() : v1::PURPOSE_MESSAGE;
    if (claim.executor().empty())
        return reject(Because::invalid_argument, "executor_missing", "name the executor",
                      "executor");
    const Time fire_at = purpose == v1::PURPOSE_RETRACTION && release.retract_at
                             ? *release.retract_at
                             : from_proto(release.head.fire_at());
    std::map<int, std::vector<std::string>> by_attempt;
    for (const Item& item : release.items)
        if (claimable(item, purpose, now))
            by_attempt[item.delivery.attempts() + 1].push_back(item.id());
    if (by_attempt.empty()) return refuse_claim(release, purpose);
    if (now + claim_lead_max < fire_at)
        return reject(Because::failed_precondition, "too_early",
                      "the release can still be cancelled: claim it nearer to its time");
    if (now >= release.deadline(purpose))
        return reject(Because::failed_precondition, "expired", "it is too late to start");

    const Time give_up_at = std::max(now, fire_at) + start_window;
    for (const auto& [attempt, ids] : by_attempt) {
        v1::Event event;
        v1::DeliveriesClaimed& claimed = *event.mutable_deliveries_claimed();
        claimed.set_release_id(release.id());
        for (const std::string& id : ids) claimed.add_delivery_ids(id);
        claimed.set_executor(claim.executor());
        claimed.set_attempt(attempt);
        *claimed.mutable_give_up_at() = to_proto(give_up_at);
        turn.add(std::move(event));
    }
    return std::move(turn).done();
}

Verdict cancel_release(const State& state, const runtime::Asking& asking,
                       const v1::CancelReleaseRequest& request, Time now) {
    const auto known = state.releases.find(request.release_id());
    if (known == state.releases.end()) return no_release(request.release_id());
    Turn turn{known->second, now, {}};
    if (auto refusal = refuse_outsider(asking, turn.release))
        return std::unexpected(std::move(*refusal));
    // A second click, or one after it ended by itself: nothing went out, which is what was wanted.
    if (turn.release.is("cancelled") || turn.release.is("aborted") || turn.release.is("expired"))
        return std::move(turn).done();
    if (!turn.release.is("preparing") && !turn.release.is("waiting") && !turn.release.is("armed"))
        return reject(Because::failed_precondition, "already_claimed",
                      "it is too late to cancel: the release was claimed and may be public. "
                      "Retract it instead.");
    v1::Event event;
    v1::ReleaseCancelled& cancelled = *event.mutable_release_cancelled();
    cancelled.set_release_id(request.release_id());
    cancelled.set_actor(asking.actor);
    cancelled.set_reason(request.reason());
    turn.add(std::move(event));
    return std::move(turn).done();
}

}  // namespace tocsin::publishing
