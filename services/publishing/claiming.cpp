#include "publishing/claiming.hpp"

#include "publishing/superseding.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::publishing {

using runtime::Because;
using runtime::from_proto;
using runtime::reject;
using runtime::to_proto;

// How long after T0, or after a late claim, its executor may still start.
static constexpr Duration start_window = std::chrono::seconds{10};
// A claim takes away the last chance to cancel: it is not given long before T0.
static constexpr Duration claim_lead_max = std::chrono::seconds{2};

// ---- commands

static runtime::Rejection no_claim(const Release& release, v1::Purpose purpose) {
    if (release.count(purpose, v1::DELIVERY_STATE_CLAIMED) > 0)
        return {Because::failed_precondition,
                "already_claimed",
                "an executor has claimed the release; wait until that claim is over",
                {}};
    return {Because::failed_precondition,
            "nothing_to_claim",
            fmt::format("release `{}` is {} and nothing of it is due; claim nothing", release.id(),
                        texts::enum_name(release.head.state())),
            {}};
}

static void name_alerts(const Release& release, v1::Event& event) {
    v1::DeliveriesClaimed& claimed = *event.mutable_deliveries_claimed();
    std::set<std::string_view> named;
    for (const std::string& id : event.delivery_ids()) {
        const content::v1::Fixed& fixed = release.find(id)->fixed();
        if (!named.insert(fixed.identifier()).second) continue;
        content::v1::PublishedAlert& alert = *claimed.add_alerts();
        alert.set_agency_id(fixed.agency());
        alert.mutable_reference()->set_sender(fixed.sender());
        alert.mutable_reference()->set_identifier(fixed.identifier());
        alert.mutable_reference()->set_sent(fixed.sent());
    }
    claimed.set_message_id(release.head.message_id());
    *claimed.mutable_expires() = to_proto(release.expires);
}

static Time fire_time(const Release& release, v1::Purpose purpose) {
    if (purpose == v1::PURPOSE_RETRACTION && release.retract_at) return *release.retract_at;
    return from_proto(release.head.fire_at());
}

using ByAttempt = std::map<int, std::vector<std::string>>;

static ByAttempt claimable_now(const Releases& releases, const Holds& holds, const Budgets& budgets,
                               const Release& release, v1::Purpose purpose, Time now) {
    ByAttempt all;
    if (release.count(purpose, v1::DELIVERY_STATE_ARMED) == 0) return all;
    const auto release_of = [&](const std::string& id) { return releases.find(id); };
    std::set<std::string> taken;
    if (purpose == v1::PURPOSE_MESSAGE) taken = channels_taken(release, release_of, now);
    Spending spending{budgets, now};
    for (const Delivery& delivery : release.deliveries) {
        if (delivery.head.purpose() != purpose || !release.claimable(delivery, now) ||
            holds.on(delivery.head) || taken.contains(delivery.head.channel_id()) ||
            spending.full_until(release, delivery))
            continue;
        spending.spend(delivery);
        all[delivery.head.attempts() + 1].push_back(delivery.id());
    }
    return all;
}

// Why it must not be claimed for the first time; empty where it may.
static std::string reference_problem(const Releases& releases, const Release& release) {
    if (release.went_out || release.head.supersedes().empty() || !release.content ||
        !release.content->parsed())
        return {};
    const auto earlier = earlier_releases(releases, *release.content->parsed());
    return earlier ? std::string{} : earlier.error();
}

Verdict claim_release(const Releases& releases, const Holds& holds, const Budgets& budgets,
                      const runtime::Asking& asking, const v1::ClaimRelease& claim, Time now) {
    if (auto no = require_executor(asking)) return std::unexpected(*no);
    const auto known = find_release(releases, asking, claim.release_id());
    if (!known) return std::unexpected(known.error());
    const Release& release = **known;
    const auto purpose =
        claim.purpose() == v1::PURPOSE_RETRACTION ? claim.purpose() : v1::PURPOSE_MESSAGE;
    if (claim.executor().empty())
        return reject(Because::invalid_argument, "executor_missing",
                      "the claim names no executor; name it", "executor");
    const Time fire_at = fire_time(release, purpose);
    const ByAttempt by_attempt = claimable_now(releases, holds, budgets, release, purpose, now);
    if (by_attempt.empty()) return std::unexpected(no_claim(release, purpose));
    if (now + claim_lead_max < fire_at)
        return reject(Because::failed_precondition, "too_early",
                      "until shortly before T0 the release can still be cancelled; claim it then");
    if (now >= release.deadline(purpose))
        return reject(Because::failed_precondition, "release_expired",
                      "it is too late to start; claim nothing more of this release");

    Turn turn{release, now, {}};
    if (auto why = reference_problem(releases, release); !why.empty()) {
        turn.end(v1::RELEASE_STATE_ABORTED, std::move(why), false);
        return std::move(turn).done();
    }
    // Nor may it start once it is too late for another attempt.
    const Time give_up_at =
        std::min(std::max(now, fire_at) + start_window, release.deadline(purpose));
    for (const auto& [attempt, ids] : by_attempt) {
        v1::Event event = event_of(release.id(), ids);
        v1::DeliveriesClaimed& claimed = *event.mutable_deliveries_claimed();
        claimed.set_executor(claim.executor());
        claimed.set_attempt(attempt);
        claimed.set_asked_at_ns(claim.asked_at_ns());
        *claimed.mutable_give_up_at() = to_proto(give_up_at);
        if (attempt == 1 && purpose == v1::PURPOSE_MESSAGE) name_alerts(release, event);
        turn.add(std::move(event));
    }
    Happened happened = std::move(turn).done();
    if (purpose == v1::PURPOSE_MESSAGE) supersede(releases, release, now, happened);
    return happened;
}

}  // namespace tocsin::publishing
