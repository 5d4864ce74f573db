#include "publishing/settling.hpp"

#include "publishing/completing.hpp"
#include "publishing/limits.hpp"
#include "publishing/retraction.hpp"
#include "runtime/base/digest.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace tocsin::publishing {

using runtime::Because;
using runtime::to_proto;

static constexpr Duration backoff_first = std::chrono::seconds{1};
// What was never started is tried again at once, until it had so many attempts.
static constexpr int prompt_attempts = 3;
static constexpr Duration backoff_max = std::chrono::minutes{5};
// The last attempt begins so long before it would be too late.
static constexpr Duration last_attempt_before = std::chrono::seconds{15};
// The longest wait that a channel may request; a broken header must not block it for days.
static constexpr Duration asked_wait_max = std::chrono::hours{1};

static constexpr std::string_view no_repeats =
    "The channel does not show it, and would post a repeat as another message. Look at the "
    "account; if the message is not there, post it by hand.";
static constexpr std::string_view key_forgotten =
    "The channel does not show it, and the time in which it would recognise a repeat is over. Look "
    "at the account; if the message is not there, post it by hand.";
// The channel's own words follow.
static constexpr std::string_view repeat_refused =
    "The channel refused a repeat, and does not show what an earlier attempt may have left there. "
    "Look at the account; if the message is not there, post it by hand. Its answer:";

// ---- commands

// ---- another attempt

static Duration backoff(const Release& release, const Delivery& delivery, Duration asked) {
    Duration wait = backoff_first;
    for (int i = 1; i < delivery.head.attempts() && wait < backoff_max; ++i) wait *= 2;
    wait = std::min(wait, backoff_max);
    // Spread by name, as nothing random may decide: channels of one host do not come back at once.
    const auto spread =
        static_cast<unsigned char>(runtime::sha256(release.id() + delivery.id())[0]);
    wait += wait * spread / 1024;
    return std::max(wait, std::min(asked, asked_wait_max));
}

// Why a request at `when` may make a second post, while one is in doubt; empty where it makes none.
static std::string_view posts_twice(const Delivery& delivery, Time when) {
    const content::Traits& traits = delivery.traits();
    if (!delivery.doubted()) return {};
    switch (traits.repeats) {
        case content::Repeats::exact:
            return {};
        case content::Repeats::by_key:
            if (delivery.first_claimed_at &&
                when < *delivery.first_claimed_at + traits.key_lifetime)
                return {};
            return key_forgotten;
        case content::Repeats::unsafe:
            return no_repeats;
    }
    return no_repeats;
}

// Allows the next attempt, or records why there is none. `asked`: the channel's answer to a query.
static void rearm(Turn& turn, const Delivery& delivery, const std::string& reason, Duration wait,
                  const v1::RecordOutcome* asked = nullptr) {
    const Time deadline = turn.release.deadline(delivery.head.purpose());
    Time retry_at = turn.now + wait;
    // A channel that asks for more time than there is gets what there is.
    if (retry_at >= deadline && turn.now + 2 * last_attempt_before < deadline)
        retry_at = deadline - last_attempt_before;
    if (!delivery.retracts() && turn.release.retract_at)
        return settle(turn, delivery, v1::DELIVERY_STATE_STOOD_DOWN,
                      "The message was retracted before this channel confirmed it.");
    if (!delivery.retracts() && !turn.release.head.superseded_by().empty())
        return settle(turn, delivery, v1::DELIVERY_STATE_STOOD_DOWN, superseded_before);
    if (!delivery.retracts() && delivery.channel && !delivery.channel->active())
        return settle(
            turn, delivery, v1::DELIVERY_STATE_REFUSED,
            fmt::format("Its channel was removed, or leads elsewhere. Last answer: {}", reason));
    // Whatever the reason for which the next attempt was put off so long.
    if (const auto why = posts_twice(delivery, retry_at); !why.empty())
        return doubt(
            turn, delivery,
            reason.empty() ? std::string{why} : fmt::format("{} Last answer: {}", why, reason),
            asked);
    if (retry_at >= deadline)
        return settle(turn, delivery, v1::DELIVERY_STATE_REFUSED,
                      fmt::format("Too late for another attempt. Last answer: {}", reason));
    arm_again(turn, delivery, retry_at, reason);
}

// Nothing was posted, or posting it again is harmless. Whether it may be posted again depends on
// how its kind takes repeats.
static void absent(Turn& turn, const Delivery& delivery, const v1::RecordOutcome& outcome) {
    // To send again what the channel refused would only be refused again.
    if (delivery.refused_repeat)
        return doubt(turn, delivery, fmt::format("{} {}", repeat_refused, delivery.refusal),
                     &outcome);
    if (!delivery.refusal.empty())
        return settle(turn, delivery, v1::DELIVERY_STATE_REFUSED, delivery.refusal);
    // The attempt's own outcome stands first: that is what a person has to correct.
    std::string reason = delivery.last_answer;
    if (!reason.empty() && !outcome.reason().empty()) reason += ' ';
    reason += outcome.reason();
    rearm(turn, delivery, reason.empty() ? "The channel does not have it." : reason,
          backoff(turn.release, delivery, {}), &outcome);
}

static void apply_outcome(Turn& turn, const Delivery& delivery, const v1::RecordOutcome& outcome) {
    switch (outcome.outcome()) {
        case v1::OUTCOME_CONFIRMED:
            return settle(turn, delivery, v1::DELIVERY_STATE_CONFIRMED, {}, &outcome);
        case v1::OUTCOME_REFUSED:
            return settle(turn, delivery, v1::DELIVERY_STATE_REFUSED, outcome.reason(), &outcome);
        case v1::OUTCOME_UNKNOWN:
        case v1::OUTCOME_CANNOT_TELL:
            return doubt(turn, delivery, outcome.reason(), &outcome);
        case v1::OUTCOME_ABSENT:
            return absent(turn, delivery, outcome);
        case v1::OUTCOME_STOOD_DOWN:
            return rearm(turn, delivery,
                         outcome.reason().empty() ? "It was never started." : outcome.reason(),
                         delivery.head.attempts() < prompt_attempts
                             ? Duration{}
                             : backoff(turn.release, delivery, {}));
        case v1::OUTCOME_RETRY_LATER: {
            const Duration asked = std::chrono::milliseconds{
                std::clamp<int64_t>(outcome.retry_after_ms(), 0, 86'400'000)};
            return rearm(turn, delivery, outcome.reason(), backoff(turn.release, delivery, asked));
        }
        case v1::OUTCOME_UNSPECIFIED:
        case v1::Outcome_INT_MIN_SENTINEL_DO_NOT_USE_:
        case v1::Outcome_INT_MAX_SENTINEL_DO_NOT_USE_:
            break;
    }
    throw std::logic_error("require_fitting_outcome let an unknown outcome pass");
}

// Why this outcome cannot be about the current attempt; nothing when it can.
static std::optional<runtime::Rejection> require_fitting_outcome(const Delivery& delivery,
                                                                 const v1::RecordOutcome& outcome,
                                                                 Time now) {
    const auto no = [](std::string code, std::string text) {
        return runtime::Rejection{
            Because::failed_precondition, std::move(code), std::move(text), {}};
    };
    if (!v1::Outcome_IsValid(outcome.outcome()) || outcome.outcome() == v1::OUTCOME_UNSPECIFIED)
        return runtime::Rejection{
            Because::invalid_argument, "unknown_outcome",
            "this version of publishing does not know that outcome; upgrade it", "outcome"};
    if (outcome.attempt() != delivery.head.attempts() || outcome.attempt() < 1)
        return no(
            "stale_attempt",
            fmt::format("attempt {} is not the current one, which is {}; record nothing of it",
                        outcome.attempt(), delivery.head.attempts()));
    const bool own = outcome.executor() == delivery.head.executor();
    if (delivery.is(v1::DELIVERY_STATE_CLAIMED))
        return own ? std::nullopt
                   : std::optional{no("not_your_claim",
                                      "another executor holds the claim; leave it to that one")};
    if (delivery.is(v1::DELIVERY_STATE_UNKNOWN)) {
        // Before that the executor of the claim may still be about to start.
        const bool over = now >= delivery.claim_over();
        return own || over ? std::nullopt
                           : std::optional{no("not_your_claim",
                                              "another executor holds the claim; wait until it is "
                                              "over")};
    }
    // A confirmation that comes late saves the attempt that was about to be made, or corrects what
    // was given up.
    const bool given_up = delivery.doubted() && (delivery.is(v1::DELIVERY_STATE_STOOD_DOWN) ||
                                                 delivery.is(v1::DELIVERY_STATE_REFUSED));
    if ((delivery.is(v1::DELIVERY_STATE_ARMED) || given_up) && own &&
        outcome.outcome() == v1::OUTCOME_CONFIRMED)
        return std::nullopt;
    return no("already_settled",
              fmt::format("delivery `{}` is {}, so that this changes nothing; record nothing of it",
                          delivery.id(), texts::enum_name(delivery.state())));
}

Verdict record_outcome(const Releases& releases, const runtime::Asking& asking,
                       const v1::RecordOutcome& outcome, Time now) {
    if (auto no = require_executor(asking)) return std::unexpected(*no);
    const auto release = find_release(releases, asking, outcome.release_id());
    if (!release) return std::unexpected(release.error());
    const auto found = find_delivery(**release, outcome.delivery_id());
    if (!found) return std::unexpected(found.error());
    const Delivery& delivery = **found;
    Turn turn{**release, now, {}};
    if (delivery.is(v1::DELIVERY_STATE_CONFIRMED) && outcome.outcome() == v1::OUTCOME_CONFIRMED)
        return std::move(turn).done();
    if (auto no = require_fitting_outcome(delivery, outcome, now)) return std::unexpected(*no);
    apply_outcome(turn, delivery, outcome);
    follow_original(turn, delivery.id());
    complete(turn);
    return std::move(turn).done();
}

// ---- steps

void settle(Turn& turn, const Delivery& delivery, v1::DeliveryState state,
            const std::string& reason, const v1::RecordOutcome* outcome,
            const std::string& resolved_by) {
    v1::Event event = event_of(turn.release.id(), {delivery.id()});
    v1::DeliverySettled& settled = *event.mutable_delivery_settled();
    settled.set_state(state);
    settled.set_reason(shortened(reason, reason_bytes_max));
    settled.set_attempt(delivery.head.attempts());
    settled.set_resolved_by(resolved_by);
    if (outcome) {
        // A part of either would name something else.
        if (outcome->url().size() <= url_bytes_max) settled.set_url(outcome->url());
        if (outcome->receipt().size() <= receipt_bytes_max) settled.set_receipt(outcome->receipt());
        if (outcome->has_written_at()) *settled.mutable_written_at() = outcome->written_at();
        if (outcome->has_confirmed_at()) *settled.mutable_confirmed_at() = outcome->confirmed_at();
    }
    turn.add(std::move(event));
}

void arm_again(Turn& turn, const Delivery& delivery, Time retry_at, const std::string& reason,
               const std::string& ordered_by) {
    v1::Event event = event_of(turn.release.id(), {delivery.id()});
    v1::DeliveryRearmed& rearmed = *event.mutable_delivery_rearmed();
    *rearmed.mutable_retry_at() = to_proto(retry_at);
    rearmed.set_reason(shortened(reason, reason_bytes_max));
    rearmed.set_ordered_by(ordered_by);
    turn.add(std::move(event));
}

void doubt(Turn& turn, const Delivery& delivery, std::string reason,
           const v1::RecordOutcome* outcome) {
    reason = shortened(reason, reason_bytes_max);
    const bool asked = delivery.is(v1::DELIVERY_STATE_UNKNOWN) && outcome &&
                       outcome->outcome() != v1::OUTCOME_UNKNOWN;
    if (delivery.is(v1::DELIVERY_STATE_UNKNOWN) && delivery.head.reason() == reason &&
        (delivery.asked || !asked))
        return;
    v1::Event event = event_of(turn.release.id(), {delivery.id()});
    v1::DeliveryUnknown& unknown = *event.mutable_delivery_unknown();
    unknown.set_attempt(delivery.head.attempts());
    unknown.set_reason(std::move(reason));
    unknown.set_asked(asked);
    unknown.set_refused_unless_found(outcome && outcome->refused_unless_found());
    if (outcome && outcome->has_written_at()) *unknown.mutable_written_at() = outcome->written_at();
    turn.add(std::move(event));
}

}  // namespace tocsin::publishing
