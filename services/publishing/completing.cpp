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
            delivery.head.attempts() != 1 || delivery.head.straggler() ||
            !delivery.head.has_written_at())
            continue;
        const Time written = from_proto(delivery.head.written_at());
        first = first ? std::min(*first, written) : written;
        last = last ? std::max(*last, written) : written;
        ++count;
    }
    if (count < 2) return -1;
    return std::chrono::duration<double, std::milli>(*last - *first).count();
}

// Of a retraction that was ordered more than once the last order counts.
static bool counts(const Release& release, const Delivery& delivery) {
    return !delivery.retracts() ||
           release.retraction_of(original_of(delivery.id()))->id() == delivery.id();
}

static std::string troubles(const Release& release, v1::Purpose purpose) {
    Account all;
    for (const Delivery& delivery : release.deliveries)
        if (delivery.head.purpose() == purpose && !delivery.is(v1::DELIVERY_STATE_CONFIRMED) &&
            counts(release, delivery))
            all.add(fmt::format("`{}` is {}: {}", delivery.id(), texts::enum_name(delivery.state()),
                                delivery.head.reason()));
    return all.text();
}

// Ends what it is too late to send, or to send again, some at a time. False: more are left.
static bool settle_late(Turn& turn, v1::Purpose purpose) {
    if (turn.release.count(purpose, {v1::DELIVERY_STATE_ARMED, v1::DELIVERY_STATE_PLANNED,
                                     v1::DELIVERY_STATE_NOT_READY}) == 0)
        return true;
    const Release before = turn.release;
    for (const Delivery& delivery : before.deliveries) {
        if (delivery.head.purpose() != purpose) continue;
        const bool armed = delivery.is(v1::DELIVERY_STATE_ARMED);
        if (!armed && !delivery.is_unarmed()) continue;
        if (std::ssize(turn.events) >= events_max) return false;
        if (armed)
            settle(turn, delivery, v1::DELIVERY_STATE_REFUSED,
                   fmt::format("Too late for another attempt. Last answer: {}",
                               delivery.head.reason()));
        else
            settle(turn, delivery, v1::DELIVERY_STATE_SKIPPED,
                   fmt::format("It was not ready before the message expired. {}",
                               delivery.head.reason()));
    }
    return true;
}

// ---- where it ends

static void complete_as(Turn& turn, v1::ReleaseState state, v1::Purpose purpose,
                        std::string reason) {
    v1::Event event = event_of(turn.release.id());
    v1::ReleaseCompleted& completed = *event.mutable_release_completed();
    completed.set_state(state);
    const bool measured = purpose == v1::PURPOSE_MESSAGE && turn.release.head.skew_ms() >= 0;
    completed.set_skew_ms(measured ? -1 : skew_ms(turn.release, purpose));
    completed.set_reason(std::move(reason));
    turn.add(std::move(event));
}

// A release that was given up went out after all: a channel that could not be queried has it.
static void come_true(Turn& turn) {
    const Release& release = turn.release;
    if (!release.is(v1::RELEASE_STATE_ABORTED) ||
        release.count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_CONFIRMED) == 0)
        return;
    complete_as(turn, v1::RELEASE_STATE_RELEASED, v1::PURPOSE_MESSAGE,
                "A channel turned out to have the message after the release was given up. " +
                    troubles(release, v1::PURPOSE_MESSAGE));
}

// A release was given up in doubt, and nobody has it: somebody looked.
static void give_back(Turn& turn) {
    const Release& release = turn.release;
    if (!release.is(v1::RELEASE_STATE_ABORTED) || release.text_returned || !release.never_left())
        return;
    turn.end(v1::RELEASE_STATE_ABORTED,
             "No channel has the message. " + troubles(release, v1::PURPOSE_MESSAGE));
}

// The channel has it. A feed shows what was claimed there, whatever became of asking it.
static bool has_it(const Delivery& delivery) {
    return delivery.is(v1::DELIVERY_STATE_CONFIRMED) ||
           (delivery.traits().public_from_claim && delivery.may_be_public());
}

static bool reached_by(const Release& release, v1::Purpose purpose) {
    return release.count(purpose, {v1::DELIVERY_STATE_CONFIRMED, v1::DELIVERY_STATE_UNKNOWN}) > 0 ||
           std::ranges::any_of(release.deliveries, [&](const Delivery& delivery) {
               return delivery.head.purpose() == purpose && has_it(delivery);
           });
}

// Every channel that has or may have the message has its retraction too.
static bool taken_back(const Release& release) {
    return std::ranges::all_of(release.deliveries, [&](const Delivery& delivery) {
        if (delivery.retracts() || delivery.never_left()) return true;
        const Delivery* back = release.retraction_of(delivery.id());
        return back != nullptr && has_it(*back);
    });
}

// How far the retraction came. Without words for it the message is released as before.
static v1::ReleaseState state_of_retraction(const Release& release) {
    if (release.count(v1::PURPOSE_RETRACTION) == 0) return v1::RELEASE_STATE_RELEASED;
    return taken_back(release) ? v1::RELEASE_STATE_RETRACTED : v1::RELEASE_STATE_PARTLY_RETRACTED;
}

// A retraction ended in doubt, and a channel turned out to have it.
static void retract_further(Turn& turn) {
    const Release& release = turn.release;
    const bool ended = release.is(v1::RELEASE_STATE_PARTLY_RETRACTED) ||
                       (release.is(v1::RELEASE_STATE_RELEASED) && release.retract_at);
    if (!ended) return;
    const auto state = state_of_retraction(release);
    if (!release.is(state))
        complete_as(turn, state, v1::PURPOSE_RETRACTION, troubles(release, v1::PURPOSE_RETRACTION));
}

static void complete_retraction(Turn& turn) {
    const Release& release = turn.release;
    if (release.never_left())
        return turn.end(v1::RELEASE_STATE_CANCELLED, "It was retracted before any channel had it.");
    const auto state = state_of_retraction(release);
    std::string reason = troubles(release, v1::PURPOSE_RETRACTION);
    // Given up before, in doubt; and as far as anybody can tell it reached nobody.
    if (!reached_by(release, v1::PURPOSE_RETRACTION) && !reached_by(release, v1::PURPOSE_MESSAGE))
        return turn.end(
            v1::RELEASE_STATE_ABORTED,
            "No channel is known to have the message, and none took the retraction. " + reason);
    if (release.count(v1::PURPOSE_RETRACTION) == 0)
        reason = "What was still to go out was stopped. Nothing was taken back: publish an update.";
    complete_as(turn, state, v1::PURPOSE_RETRACTION, std::move(reason));
}

static void complete_message(Turn& turn) {
    std::string reason = troubles(turn.release, v1::PURPOSE_MESSAGE);
    if (!reached_by(turn.release, v1::PURPOSE_MESSAGE))
        return turn.end(v1::RELEASE_STATE_ABORTED, "No channel took the message. " + reason);
    complete_as(turn, v1::RELEASE_STATE_RELEASED, v1::PURPOSE_MESSAGE, std::move(reason));
}

void complete(Turn& turn) {
    if (turn.release.is(v1::RELEASE_STATE_ARMED) && turn.release.is_settled(v1::PURPOSE_MESSAGE))
        return turn.end(v1::RELEASE_STATE_ABORTED, "No channel is left to release it on. " +
                                                       troubles(turn.release, v1::PURPOSE_MESSAGE));
    come_true(turn);
    give_back(turn);
    retract_further(turn);
    const bool retracting = turn.release.is(v1::RELEASE_STATE_RETRACTING);
    if (!retracting && !turn.release.is(v1::RELEASE_STATE_FIRING)) return;
    const auto purpose = retracting ? v1::PURPOSE_RETRACTION : v1::PURPOSE_MESSAGE;
    // An attempt at the message may be under way: what becomes of it is part of the answer.
    for (const auto of : {purpose, v1::PURPOSE_MESSAGE})
        if (turn.release.count(of, v1::DELIVERY_STATE_CLAIMED) > 0) return;
    const bool over = turn.now >= turn.release.deadline(purpose);
    if (!over && !turn.release.is_settled(purpose)) return;
    if (!settle_late(turn, purpose)) return;
    if (retracting)
        complete_retraction(turn);
    else
        complete_message(turn);
}

}  // namespace tocsin::publishing
