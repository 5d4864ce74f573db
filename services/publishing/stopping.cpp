#include "publishing/stopping.hpp"

#include "publishing/channel_changes.hpp"
#include "publishing/completing.hpp"
#include "publishing/release_steps.hpp"
#include "publishing/retraction.hpp"
#include "runtime/base/planted.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

namespace tocsin::publishing {

// ---- steps

// Judged by its deliveries: one that was claimed, and of which every attempt is known to have come
// to nothing, goes out later if nobody stops it. Where it ended, or is ending, nothing went out,
// which is what was wanted.
static void cancel(Turn& turn, const std::string& actor, const std::string& reason) {
    if (turn.release.at_rest() || turn.release.is(v1::RELEASE_STATE_RETRACTING)) return;
    v1::Event event = event_of(turn.release.id());
    v1::ReleaseCancelled& cancelled = *event.mutable_release_cancelled();
    cancelled.set_actor(actor);
    cancelled.set_reason(reason);
    *cancelled.mutable_returned() = turn.text_of(actor, true);
    turn.add(std::move(event));
}

// ---- commands

// Where its text came back, a later release of the message may be what is meant.
static std::optional<runtime::Rejection> require_latest(const Releases& releases,
                                                        const Release& release) {
    if (!release.text_returned) return std::nullopt;
    for (const auto& [id, other] : releases.by_id)
        if (other.head.message_id() == release.head.message_id() &&
            other.head.round() > release.head.round() && !other.text_returned)
            return not_now("later_release",
                           fmt::format("release `{}` of the same message came after this one; "
                                       "stop that one",
                                       id),
                           "release_id");
    return std::nullopt;
}

Verdict stop_release(const Releases& releases, const Channels& channels,
                     const runtime::Asking& asking, const v1::StopReleaseRequest& request,
                     Time now) {
    const auto release = own_release(releases, asking, request.release_id(), stoppers);
    if (!release) return std::unexpected(release.error());
    if (auto no = require_latest(releases, **release)) return std::unexpected(*no);
    Turn turn{**release, now, {}};
    if (turn.release.never_left()) {
        if (planted(runtime::Bug::cancel_refused) && !turn.release.at_rest())
            return runtime::reject(runtime::Because::failed_precondition, "already_claimed",
                                   "it was claimed");
        cancel(turn, asking.actor, request.reason());
    } else {
        refresh_channels(turn, channels);
        const std::size_t refreshed = turn.events.size();
        if (auto no = retract(turn, asking.actor, request.reason())) return std::unexpected(*no);
        // A second click adds nothing.
        if (turn.events.size() == refreshed) return Turn{**release, now, {}}.done();
        complete(turn);
    }
    return std::move(turn).done();
}

}  // namespace tocsin::publishing
