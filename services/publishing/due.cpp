#include "publishing/due.hpp"

#include "publishing/arming.hpp"
#include "publishing/completing.hpp"
#include "publishing/limits.hpp"
#include "publishing/preparing.hpp"
#include "publishing/release_steps.hpp"
#include "publishing/settling.hpp"
#include "runtime/ledger/refusals.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace tocsin::publishing {

// Clocks of two instances differ; what the timer of one sends must not be lost on the other.
static constexpr Duration timer_difference = std::chrono::seconds{5};

// Claims whose outcome nobody recorded in time, some at a time. `before`: the release as it was.
static void doubt_late(const Releases& releases, const Release& before, Turn& turn) {
    const auto open = releases.claims.find(before.id());
    if (open == releases.claims.end()) return;
    for (const auto& [over_at, id] : open->second) {
        if (over_at > turn.now || std::ssize(turn.events) >= events_max) return;
        if (const Delivery* delivery = before.find(id))
            doubt(turn, *delivery,
                  "Its executor reported no outcome in time; the channel is queried for it.");
    }
}

std::optional<runtime::Rejection> require_due(const v1::ReachDue& due, Time now) {
    if (runtime::from_proto(due.due_at()) <= now + timer_difference) return std::nullopt;
    return runtime::Rejection{runtime::Because::failed_precondition,
                              "not_due",
                              "that time has not come yet; send this once it has",
                              {}};
}

Verdict reach_due(const Releases& releases, const runtime::Asking& asking, const v1::ReachDue& due,
                  Time now) {
    if (auto no = runtime::require_timer(asking)) return std::unexpected(*no);
    const auto release = find_release(releases, asking, due.release_id());
    if (!release) return std::unexpected(release.error());
    if (auto no = require_due(due, now)) return std::unexpected(*no);
    Turn turn{**release, std::max(now, runtime::from_proto(due.due_at())), {}};
    if (turn.release.missing > 0) {
        keep_renditions(turn);
        // Where none can be kept, nothing is left to wait for.
        if (turn.release.missing == 0) complete(turn);
        return std::move(turn).done();
    }
    doubt_late(releases, **release, turn);
    advance(turn);
    if (turn.release.is(v1::RELEASE_STATE_ARMED) && turn.now >= turn.release.expires)
        turn.end(v1::RELEASE_STATE_EXPIRED, "It was not started before the message expired.");
    complete(turn);
    return std::move(turn).done();
}

}  // namespace tocsin::publishing
