// The claim, after which something may be public; and the cancel, while nothing is.
#include "publishing/steps.hpp"
#include "runtime/base/planted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace tocsin::publishing {

using runtime::Because;
using runtime::from_proto;
using runtime::reject;
using runtime::to_proto;

// How long after T0, or after a late claim, its executor may still start.
static constexpr Duration start_window = std::chrono::seconds{10};
// A claim takes away the last chance to cancel: it is not given long before T0.
static constexpr Duration claim_lead_max = std::chrono::seconds{2};

static Verdict refuse_claim(const Release& release, v1::Purpose purpose) {
    if (release.count(purpose, "claimed") > 0)
        return reject(Because::failed_precondition, "already_claimed",
                      "another executor holds the claim");
    return reject(Because::failed_precondition, "nothing_to_claim",
                  fmt::format("the release is {}: nothing is due", release.head.state()));
}

static void name_alerts(const Release& release, v1::DeliveriesClaimed& claimed) {
    std::set<std::string_view> named;
    for (const std::string& id : claimed.delivery_ids()) {
        const content::v1::Fixed& fixed = release.find(id)->fixed();
        if (!named.insert(fixed.identifier()).second) continue;
        content::v1::Reference& alert = *claimed.add_alerts();
        alert.set_sender(fixed.sender());
        alert.set_identifier(fixed.identifier());
        alert.set_sent(fixed.sent());
    }
}

Verdict claim_release(const State& state, const runtime::Asking& asking,
                      const v1::ClaimRelease& claim, Time now) {
    if (auto refusal = refuse_stranger(asking)) return std::unexpected(std::move(*refusal));
    const auto known = state.releases.find(claim.release_id());
    if (known == state.releases.end()) return no_release(state, asking, claim.release_id());
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
    if (release.count(purpose, "armed") > 0)
        for (const Item& item : release.items)
            if (item.delivery.purpose() == purpose && release.claimable(item, now))
                by_attempt[item.delivery.attempts() + 1].push_back(item.id());
    if (by_attempt.empty()) return refuse_claim(release, purpose);
    if (now + claim_lead_max < fire_at)
        return reject(Because::failed_precondition, "too_early",
                      "the release can still be cancelled: claim it nearer to its time");
    if (now >= release.deadline(purpose))
        return reject(Because::failed_precondition, "expired", "it is too late to start");

    // Nor may it start once it is too late for another attempt.
    const Time give_up_at =
        std::min(std::max(now, fire_at) + start_window, release.deadline(purpose));
    for (const auto& [attempt, ids] : by_attempt) {
        v1::Event event;
        v1::DeliveriesClaimed& claimed = *event.mutable_deliveries_claimed();
        claimed.set_release_id(release.id());
        for (const std::string& id : ids) claimed.add_delivery_ids(id);
        claimed.set_executor(claim.executor());
        claimed.set_attempt(attempt);
        *claimed.mutable_give_up_at() = to_proto(give_up_at);
        if (attempt == 1) name_alerts(release, claimed);
        turn.add(std::move(event));
    }
    return std::move(turn).done();
}

// Judged by its deliveries: one that was claimed, and of which every attempt is known to have come
// to nothing, goes out later if nobody stops it.
static bool can_be_cancelled(const Release& release) {
    return !release.at_rest() && !release.is("retracting") && release.never_left() &&
           !planted(runtime::Bug::cancel_refused);
}

Verdict cancel_release(const State& state, const runtime::Asking& asking,
                       const v1::CancelReleaseRequest& request, Time now) {
    const auto known = state.releases.find(request.release_id());
    if (known == state.releases.end()) return no_release(state, asking, request.release_id());
    Turn turn{known->second, now, {}};
    if (auto refusal = refuse_outsider(asking, turn.release))
        return std::unexpected(std::move(*refusal));
    // A second click, or one after it ended by itself: nothing went out, which is what was wanted.
    const bool ended =
        turn.release.is("cancelled") || turn.release.is("aborted") || turn.release.is("expired");
    if (ended && turn.release.never_left()) return std::move(turn).done();
    if (!can_be_cancelled(turn.release))
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
