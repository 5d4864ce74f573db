#include "publishing/preparing.hpp"

#include "publishing/arming.hpp"
#include "publishing/completing.hpp"
#include "publishing/limits.hpp"
#include "publishing/rendering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace tocsin::publishing {

Duration time_to_answer(const content::v1::Stragglers& stragglers) {
    return stragglers.quorum_percent() > 0 ? quorum_time : answer_time;
}

// ---- commands

static bool is_known(const Delivery& delivery, const v1::DeliveryPrepared& prepared) {
    return delivery.is(prepared.ready() ? v1::DELIVERY_STATE_READY
                                        : v1::DELIVERY_STATE_NOT_READY) &&
           delivery.head.reason() == prepared.reason() && delivery.text_max == prepared.text_max();
}

Verdict record_prepared(const Releases& releases, const runtime::Asking& asking,
                        const v1::RecordPrepared& result, Time now) {
    if (auto no = require_executor(asking)) return std::unexpected(*no);
    const auto release = find_release(releases, asking, result.release_id());
    if (!release) return std::unexpected(release.error());
    Turn turn{**release, now, {}};
    const auto delivery = find_delivery(turn.release, result.delivery_id());
    if (!delivery) return std::unexpected(delivery.error());
    // What comes late, once it is armed or the release is over, changes nothing.
    const bool awaited = turn.release.to_prepare(**delivery) ||
                         (turn.release.prepares() && (*delivery)->is(v1::DELIVERY_STATE_READY));
    if (!awaited) return std::move(turn).done();

    v1::Event event = event_of(turn.release.id(), {result.delivery_id()});
    v1::DeliveryPrepared& prepared = *event.mutable_delivery_prepared();
    prepared.set_ready(result.ready());
    prepared.set_reason(shortened(result.reason(), reason_bytes_max));
    prepared.set_text_max(result.text_max());
    if (result.ready()) {
        // Found now, a text that this server cannot carry is a straggler that a person can still
        // correct; found at T0 it would be a channel that stays silent.
        if (std::string why = trial(turn.release, **delivery, result.text_max(), now);
            !why.empty()) {
            prepared.set_ready(false);
            prepared.set_reason(shortened(why, reason_bytes_max));
        }
    }
    if (!is_known(**delivery, prepared)) turn.add(std::move(event));
    advance(turn);
    complete(turn);
    return std::move(turn).done();
}

// ---- steps

static std::string late_ones(const Release& release) {
    Account late;
    for (const Delivery& delivery : release.deliveries)
        if (!delivery.is(v1::DELIVERY_STATE_READY))
            late.add(fmt::format(
                "`{}`: {}", delivery.id(),
                delivery.head.reason().empty() ? "no answer yet." : delivery.head.reason()));
    return late.text();
}

static void renew(Turn& turn) {
    v1::Event event = event_of(turn.release.id());
    *event.mutable_preparation_renewed()->mutable_go_at() = runtime::to_proto(
        std::max(turn.release.go_at, turn.now + time_to_answer(turn.release.stragglers)));
    turn.add(std::move(event));
}

static void advance_preparation(Turn& turn) {
    const Release& release = turn.release;
    if (turn.now < release.advances_at()) return;
    if (turn.now >= release.expires)
        return turn.end(v1::RELEASE_STATE_EXPIRED,
                        "No channel was ready before the message expired. Submit it again with a "
                        "later expiry.");
    if (release.is_settled(v1::PURPOSE_MESSAGE))
        return turn.end(v1::RELEASE_STATE_ABORTED,
                        "No channel is left to release it on. " + late_ones(release));
    if (release.prepare_again_at) return renew(turn);
    if (release.has_quorum()) return arm(turn);
    end_without_quorum(turn, late_ones(release));
}

void advance(Turn& turn) {
    if (turn.release.prepares()) return advance_preparation(turn);
    if (turn.release.takes_stragglers() &&
        turn.release.count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_READY) > 0)
        arm_stragglers(turn);
}

}  // namespace tocsin::publishing
