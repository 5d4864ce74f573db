#include "publishing/completing.hpp"

#include "publishing/limits.hpp"
#include "publishing/settling.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

namespace tocsin::publishing {

using runtime::from_proto;

static double skew_ms(const Release& release, v1::Purpose purpose) {
    std::optional<Time> first, last;
    int count = 0;
    for (const Delivery& delivery : release.deliveries) {
        // A later attempt is late because of its own channel, which is no skew of the release.
        if (delivery.head.purpose() != purpose || !delivery.is(v1::DELIVERY_STATE_CONFIRMED) ||
            delivery.head.attempts() != 1 || !delivery.head.has_written_at())
            continue;
        const Time written = from_proto(delivery.head.written_at());
        first = first ? std::min(*first, written) : written;
        last = last ? std::max(*last, written) : written;
        ++count;
    }
    if (count < 2) return -1;
    return std::chrono::duration<double, std::milli>(*last - *first).count();
}

static std::string troubles(const Release& release, v1::Purpose purpose) {
    Account all;
    for (const Delivery& delivery : release.deliveries)
        if (delivery.head.purpose() == purpose && !delivery.is(v1::DELIVERY_STATE_CONFIRMED))
            all.add(fmt::format("`{}` is {}: {}", delivery.id(), texts::enum_name(delivery.state()),
                                delivery.head.reason()));
    return all.text();
}

// Refuses what it is too late to send again, some at a time. False: more are left.
static bool settle_late(Turn& turn, v1::Purpose purpose) {
    if (turn.release.count(purpose, v1::DELIVERY_STATE_ARMED) == 0) return true;
    const Release before = turn.release;
    for (const Delivery& delivery : before.deliveries) {
        if (delivery.head.purpose() != purpose || !delivery.is(v1::DELIVERY_STATE_ARMED)) continue;
        if (std::ssize(turn.events) >= events_max) return false;
        settle(
            turn, delivery, v1::DELIVERY_STATE_REFUSED,
            fmt::format("Too late for another attempt. Last answer: {}", delivery.head.reason()));
    }
    return true;
}

// A release that was given up went out after all: a channel that could not be queried has it.
static void come_true(Turn& turn) {
    const Release& release = turn.release;
    if (!release.is(v1::RELEASE_STATE_ABORTED) ||
        release.count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_CONFIRMED) == 0)
        return;
    v1::Event event = event_of(release.id());
    v1::ReleaseCompleted& completed = *event.mutable_release_completed();
    completed.set_state(v1::RELEASE_STATE_RELEASED);
    completed.set_skew_ms(skew_ms(release, v1::PURPOSE_MESSAGE));
    completed.set_reason(
        "A channel turned out to have the message after the release was given up. " +
        troubles(release, v1::PURPOSE_MESSAGE));
    turn.add(std::move(event));
}

// The feed shows what was claimed there, whatever became of asking it.
static bool on_feed(const Release& release, v1::Purpose purpose) {
    return std::ranges::any_of(release.deliveries, [&](const Delivery& delivery) {
        return delivery.head.purpose() == purpose && delivery.traits().public_from_claim &&
               delivery.may_be_public();
    });
}

void complete(Turn& turn) {
    come_true(turn);
    const bool retracting = turn.release.is(v1::RELEASE_STATE_RETRACTING);
    if (!retracting && !turn.release.is(v1::RELEASE_STATE_FIRING)) return;
    const auto purpose = retracting ? v1::PURPOSE_RETRACTION : v1::PURPOSE_MESSAGE;
    const auto any = [&](v1::Purpose of, std::initializer_list<v1::DeliveryState> states) {
        return turn.release.count(of, states) > 0;
    };
    // An attempt at the message may be under way: what becomes of it is part of the answer.
    if (any(purpose, {v1::DELIVERY_STATE_CLAIMED}) ||
        any(v1::PURPOSE_MESSAGE, {v1::DELIVERY_STATE_CLAIMED}))
        return;
    const bool over = turn.now >= turn.release.deadline(purpose);
    const int settled =
        turn.release.count(purpose, {v1::DELIVERY_STATE_CONFIRMED, v1::DELIVERY_STATE_REFUSED,
                                     v1::DELIVERY_STATE_STOOD_DOWN, v1::DELIVERY_STATE_SKIPPED});
    if (!over && settled < turn.release.count(purpose)) return;
    if (!settle_late(turn, purpose)) return;
    if (retracting && turn.release.never_left())
        return turn.end(v1::RELEASE_STATE_CANCELLED, "It was retracted before any channel had it.");
    const auto reached_by = [&](v1::Purpose of) {
        return any(of, {v1::DELIVERY_STATE_CONFIRMED, v1::DELIVERY_STATE_UNKNOWN}) ||
               on_feed(turn.release, of);
    };
    const bool reached = reached_by(purpose);
    if (!retracting && !reached)
        return turn.end(v1::RELEASE_STATE_ABORTED,
                        "No channel took the message. " + troubles(turn.release, purpose));
    // Given up before, in doubt; and no channel is known to have it.
    if (retracting && !reached && !reached_by(v1::PURPOSE_MESSAGE))
        return turn.end(v1::RELEASE_STATE_ABORTED,
                        "No channel is known to have the message, and none took the retraction. " +
                            troubles(turn.release, purpose));
    v1::Event event = event_of(turn.release.id());
    v1::ReleaseCompleted& completed = *event.mutable_release_completed();
    // A retraction that reached nobody leaves the message released: it can be ordered again.
    completed.set_state(retracting && reached ? v1::RELEASE_STATE_RETRACTED
                                              : v1::RELEASE_STATE_RELEASED);
    completed.set_skew_ms(skew_ms(turn.release, purpose));
    completed.set_reason(turn.release.count(purpose) > 0
                             ? troubles(turn.release, purpose)
                             : "What was still to go out was stopped. Nothing was taken back: "
                               "publish an update.");
    turn.add(std::move(event));
}

}  // namespace tocsin::publishing
