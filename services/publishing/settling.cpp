// What becomes of a claimed delivery: confirmed, refused, tried again, or unknown until the channel
// tells. An unknown one is never sent again blindly.
#include "publishing/limits.hpp"
#include "publishing/steps.hpp"
#include "runtime/base/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace tocsin::publishing {

using runtime::Because;
using runtime::from_proto;
using runtime::reject;
using runtime::to_proto;

static constexpr int attempts_max = 20;
static constexpr Duration backoff_first = std::chrono::seconds{1};
static constexpr Duration backoff_max = std::chrono::minutes{5};
// The longest wait that a channel may ask for; a broken header must not silence it for days.
static constexpr Duration asked_wait_max = std::chrono::hours{1};
// Clocks of two instances differ; a timer of one must not be lost on the other.
static constexpr Duration clock_difference = std::chrono::seconds{5};

static constexpr std::string_view no_repeats =
    "The channel does not show it, and would post a repeat as another message. Look at the "
    "account; "
    "if the message is not there, post it by hand.";
static constexpr std::string_view key_forgotten =
    "The channel does not show it, and the time in which it would recognise a repeat is over. Look "
    "at the account; if the message is not there, post it by hand.";

// The channel's own words follow.
static constexpr std::string_view ask_a_person_after_refusal =
    "The channel refused a repeat, and does not show what an earlier attempt may have left there. "
    "Look at the account; if the message is not there, post it by hand. It said:";

static Duration backoff(const Release& release, const Item& item, Duration asked) {
    Duration wait = backoff_first;
    for (int i = 1; i < item.delivery.attempts() && wait < backoff_max; ++i) wait *= 2;
    wait = std::min(wait, backoff_max);
    // Spread by name, as nothing random may decide: channels of one host do not come back at once.
    const auto spread = static_cast<unsigned char>(runtime::sha256(release.id() + item.id())[0]);
    wait += wait * spread / 1024;
    return std::max(wait, std::min(asked, asked_wait_max));
}

void settle(Turn& turn, const Item& item, std::string state, const std::string& reason,
            const v1::RecordOutcome* outcome) {
    v1::Event event;
    v1::DeliverySettled& settled = *event.mutable_delivery_settled();
    settled.set_release_id(turn.release.id());
    settled.set_delivery_id(item.id());
    settled.set_state(std::move(state));
    settled.set_reason(shortened(reason, reason_bytes_max));
    settled.set_attempt(item.delivery.attempts());
    if (outcome) {
        // A part of either would name something else.
        if (outcome->url().size() <= url_bytes_max) settled.set_url(outcome->url());
        if (outcome->receipt().size() <= receipt_bytes_max) settled.set_receipt(outcome->receipt());
        if (outcome->has_written_at()) *settled.mutable_written_at() = outcome->written_at();
        if (outcome->has_confirmed_at()) *settled.mutable_confirmed_at() = outcome->confirmed_at();
    }
    turn.add(std::move(event));
}

static void doubt(Turn& turn, const Item& item, std::string reason,
                  const v1::RecordOutcome* outcome = nullptr) {
    reason = shortened(reason, reason_bytes_max);
    const bool asked = item.is("unknown") && outcome && outcome->outcome() != "unknown";
    if (item.is("unknown") && item.delivery.reason() == reason && (item.asked || !asked)) return;
    v1::Event event;
    v1::DeliveryUnknown& unknown = *event.mutable_delivery_unknown();
    unknown.set_release_id(turn.release.id());
    unknown.set_delivery_id(item.id());
    unknown.set_attempt(item.delivery.attempts());
    unknown.set_reason(std::move(reason));
    unknown.set_asked(asked);
    unknown.set_refused_unless_found(outcome && outcome->refused_unless_found());
    if (outcome && outcome->has_written_at()) *unknown.mutable_written_at() = outcome->written_at();
    turn.add(std::move(event));
}

// Why a request at `when` may make a second post, while one is in doubt; empty where it makes none.
static std::string_view posts_twice(const Item& item, Time when) {
    const content::Traits& traits = item.traits();
    if (!item.doubted()) return {};
    switch (traits.repeats) {
        case content::Repeats::exact:
            return {};
        case content::Repeats::by_key:
            if (item.first_claimed_at && when < *item.first_claimed_at + traits.key_lifetime)
                return {};
            return key_forgotten;
        case content::Repeats::unsafe:
            return no_repeats;
    }
    return no_repeats;
}

// Allows the next attempt, or says why there is none. `asked`: the channel was asked, and told
// this.
static void rearm(Turn& turn, const Item& item, const std::string& reason, Duration wait,
                  const v1::RecordOutcome* asked = nullptr) {
    const Time retry_at = turn.now + wait;
    if (!item.retracts() && turn.release.retract_at)
        return settle(turn, item, "stood_down",
                      "The message was retracted before this channel confirmed it.");
    // Whatever put off the next attempt so far.
    if (const auto why = posts_twice(item, retry_at); !why.empty())
        return doubt(turn, item, std::string{why}, asked);
    if (item.delivery.attempts() >= attempts_max)
        return settle(turn, item, "refused",
                      fmt::format("Given up after {} attempts. Last answer: {}",
                                  item.delivery.attempts(), reason));
    if (retry_at >= turn.release.deadline(item.delivery.purpose()))
        return settle(turn, item, "refused",
                      fmt::format("Too late for another attempt. Last answer: {}", reason));
    v1::Event event;
    v1::DeliveryRearmed& rearmed = *event.mutable_delivery_rearmed();
    rearmed.set_release_id(turn.release.id());
    rearmed.set_delivery_id(item.id());
    *rearmed.mutable_retry_at() = to_proto(retry_at);
    rearmed.set_reason(shortened(reason, reason_bytes_max));
    turn.add(std::move(event));
}

// Nothing was posted, or posting again is harmless. Whether it may be posted again is a matter of
// the kind's duplicate class.
static void absent(Turn& turn, const Item& item, const v1::RecordOutcome& outcome) {
    // To send again what the channel refused would only be refused again.
    if (item.refused_repeat)
        return doubt(turn, item, fmt::format("{} {}", ask_a_person_after_refusal, item.refusal),
                     &outcome);
    if (!item.refusal.empty()) return settle(turn, item, "refused", item.refusal);
    // First what the attempt came to: that is what somebody has to mend.
    std::string reason = item.last_answer;
    if (!reason.empty() && !outcome.reason().empty()) reason += ' ';
    reason += outcome.reason();
    rearm(turn, item, reason.empty() ? "The channel does not have it." : reason,
          backoff(turn.release, item, {}), &outcome);
}

static double skew_ms(const Release& release, v1::Purpose purpose) {
    std::optional<Time> first, last;
    int count = 0;
    for (const Item& item : release.items) {
        // A later attempt is late by its own channel's fault, which is no skew of the release.
        if (item.delivery.purpose() != purpose || !item.is("confirmed") ||
            item.delivery.attempts() != 1 || !item.delivery.has_written_at())
            continue;
        const Time written = from_proto(item.delivery.written_at());
        first = first ? std::min(*first, written) : written;
        last = last ? std::max(*last, written) : written;
        ++count;
    }
    if (count < 2) return -1;
    return std::chrono::duration<double, std::milli>(*last - *first).count();
}

static std::string troubles(const Release& release, v1::Purpose purpose) {
    Account all;
    for (const Item& item : release.items)
        if (item.delivery.purpose() == purpose && !item.is("confirmed"))
            all.add(fmt::format("{} is {}: {}", item.id(), item.state(), item.delivery.reason()));
    return all.text();
}

// Refuses what it is too late to send again, some at a time. False: more are left.
static bool settle_late(Turn& turn, v1::Purpose purpose) {
    if (turn.release.count(purpose, "armed") == 0) return true;
    const Release before = turn.release;
    for (const Item& item : before.items) {
        if (item.delivery.purpose() != purpose || !item.is("armed")) continue;
        if (std::ssize(turn.events) >= events_max) return false;
        settle(
            turn, item, "refused",
            fmt::format("Too late for another attempt. Last answer: {}", item.delivery.reason()));
    }
    return true;
}

// What was given up came true: a channel that nobody could ask has the message after all.
static void come_true(Turn& turn) {
    const Release& release = turn.release;
    if (!release.is("aborted") || release.count(v1::PURPOSE_MESSAGE, "confirmed") == 0) return;
    v1::Event event;
    v1::ReleaseCompleted& completed = *event.mutable_release_completed();
    completed.set_release_id(release.id());
    completed.set_state("released");
    completed.set_skew_ms(skew_ms(release, v1::PURPOSE_MESSAGE));
    completed.set_reason("A channel told that it has the message after the release was given up. " +
                         troubles(release, v1::PURPOSE_MESSAGE));
    turn.add(std::move(event));
}

// The feed shows what was claimed there, whatever became of asking it.
static bool on_feed(const Release& release, v1::Purpose purpose) {
    return std::ranges::any_of(release.items, [&](const Item& item) {
        return item.delivery.purpose() == purpose && item.traits().public_from_claim &&
               item.may_be_public();
    });
}

void complete(Turn& turn) {
    come_true(turn);
    const bool retracting = turn.release.is("retracting");
    if (!retracting && !turn.release.is("firing")) return;
    const auto purpose = retracting ? v1::PURPOSE_RETRACTION : v1::PURPOSE_MESSAGE;
    const auto count = [&](std::string_view state) { return turn.release.count(purpose, state); };
    const auto message = [&](const char* in) {
        return turn.release.count(v1::PURPOSE_MESSAGE, in);
    };
    // An attempt at the message may be under way: what becomes of it is part of the answer.
    if (count("claimed") > 0 || message("claimed") > 0) return;
    const bool over = turn.now >= turn.release.deadline(purpose);
    const int settled =
        count("confirmed") + count("refused") + count("stood_down") + count("skipped");
    if (!over && settled < turn.release.count(purpose)) return;
    if (!settle_late(turn, purpose)) return;
    if (retracting && turn.release.never_left())
        return end(turn, "cancelled", "It was retracted before it reached anybody.");
    const bool reached =
        count("confirmed") + count("unknown") > 0 || on_feed(turn.release, purpose);
    if (!retracting && !reached)
        return end(turn, "aborted",
                   "No channel took the message. " + troubles(turn.release, purpose));
    // Given up before, in doubt; and as far as anybody can tell it reached nobody.
    if (retracting && !reached && message("confirmed") + message("unknown") == 0 &&
        !on_feed(turn.release, v1::PURPOSE_MESSAGE))
        return end(turn, "aborted",
                   "No channel told that it has the message, and none took the retraction. " +
                       troubles(turn.release, purpose));
    v1::Event event;
    v1::ReleaseCompleted& completed = *event.mutable_release_completed();
    completed.set_release_id(turn.release.id());
    // A retraction that reached nobody leaves the message released: it can be ordered again.
    completed.set_state(retracting && reached ? "retracted" : "released");
    completed.set_skew_ms(skew_ms(turn.release, purpose));
    completed.set_reason(turn.release.count(purpose) > 0
                             ? troubles(turn.release, purpose)
                             : "What was still to go out was stopped. Nothing was taken back: "
                               "publish an update.");
    turn.add(std::move(event));
}

static bool known_outcome(const std::string& outcome) {
    static constexpr std::array<std::string_view, 7> all{
        "confirmed", "refused", "retry_later", "unknown", "cannot_tell", "absent", "stood_down"};
    return std::ranges::find(all, outcome) != all.end();
}

static void apply_outcome(Turn& turn, const Item& item, const v1::RecordOutcome& outcome) {
    const std::string& kind = outcome.outcome();
    if (kind == "confirmed") return settle(turn, item, kind, {}, &outcome);
    if (kind == "refused") return settle(turn, item, kind, outcome.reason(), &outcome);
    if (kind == "unknown" || kind == "cannot_tell")
        return doubt(turn, item, outcome.reason(), &outcome);
    if (kind == "absent") return absent(turn, item, outcome);
    if (kind == "stood_down")
        return rearm(turn, item,
                     outcome.reason().empty() ? "It was never started." : outcome.reason(), {});
    const Duration asked =
        std::chrono::milliseconds{std::clamp<int64_t>(outcome.retry_after_ms(), 0, 86'400'000)};
    rearm(turn, item, outcome.reason(), backoff(turn.release, item, asked));
}

// Why this outcome cannot be about the current attempt; nothing when it can.
static std::optional<runtime::Rejection> refuse_outcome(const Item& item,
                                                        const v1::RecordOutcome& outcome,
                                                        Time now) {
    const auto no = [](std::string code, std::string text) {
        return runtime::Rejection{
            Because::failed_precondition, std::move(code), std::move(text), {}};
    };
    if (!known_outcome(outcome.outcome()))
        return runtime::Rejection{Because::invalid_argument, "unknown_outcome",
                                  "this version does not know that outcome", "outcome"};
    if (outcome.attempt() != item.delivery.attempts() || outcome.attempt() < 1)
        return no("stale_attempt", fmt::format("attempt {} is not the current one, which is {}",
                                               outcome.attempt(), item.delivery.attempts()));
    const bool own = outcome.executor() == item.delivery.executor();
    if (item.is("claimed"))
        return own ? std::nullopt
                   : std::optional{no("not_your_claim", "another executor holds the claim")};
    if (item.is("unknown")) {
        // Before that the executor of the claim may still be about to start.
        const bool over = now >= from_proto(item.delivery.give_up_at()) + claim_margin;
        return own || over ? std::nullopt
                           : std::optional{no("not_your_claim", "the claim is not over yet")};
    }
    // A late "it worked" saves the attempt that was about to be made, and tells of what was given
    // up.
    const bool given_up = item.doubted() && (item.is("stood_down") || item.is("refused"));
    if ((item.is("armed") || given_up) && own && outcome.outcome() == "confirmed")
        return std::nullopt;
    return no("already_settled", fmt::format("the delivery is {}", item.state()));
}

Verdict record_outcome(const State& state, const runtime::Asking& asking,
                       const v1::RecordOutcome& outcome, Time now) {
    if (auto refusal = refuse_stranger(asking)) return std::unexpected(std::move(*refusal));
    const auto known = state.releases.find(outcome.release_id());
    if (known == state.releases.end()) return no_release(state, asking, outcome.release_id());
    const Item* item = known->second.find(outcome.delivery_id());
    if (!item)
        return reject(Because::not_found, "no_such_delivery", "the release has no such delivery",
                      "delivery_id");
    Turn turn{known->second, now, {}};
    if (item->is("confirmed") && outcome.outcome() == "confirmed") return std::move(turn).done();
    if (auto refusal = refuse_outcome(*item, outcome, now))
        return std::unexpected(std::move(*refusal));
    apply_outcome(turn, *item, outcome);
    follow_original(turn, item->id());
    complete(turn);
    return std::move(turn).done();
}

// Claims that nobody answered in time, some at a time.
static void doubt_late(const State& state, Turn& turn) {
    const auto open = state.claims.find(turn.release.id());
    if (open == state.claims.end()) return;
    for (const auto& [over_at, id] : open->second) {
        if (over_at > turn.now || std::ssize(turn.events) >= events_max) return;
        if (const Item* item = state.releases.at(turn.release.id()).find(id))
            doubt(turn, *item, "Its executor did not tell in time; the channel is being asked.");
    }
}

Verdict reach_due(const State& state, const runtime::Asking& asking, const v1::ReachDue& due,
                  Time now) {
    if (!asking.is_service())
        return reject(Because::permission_denied, "not_a_timer", "only a timer may say this");
    const auto known = state.releases.find(due.release_id());
    if (known == state.releases.end()) return no_release(state, asking, due.release_id());
    const Time due_at = from_proto(due.due_at());
    if (due_at > now + clock_difference)
        return reject(Because::failed_precondition, "not_due", "that time has not come yet");
    Turn turn{known->second, std::max(now, due_at), {}};
    if (turn.release.missing > 0) {
        keep_renditions(turn);
        // Where none can be kept, nothing is left to wait for.
        if (turn.release.missing == 0) complete(turn);
        return std::move(turn).done();
    }
    doubt_late(state, turn);
    proceed(turn);
    if (turn.release.is("armed") && turn.now >= turn.release.expires)
        end(turn, "expired", "It was not started before the message expired.");
    complete(turn);
    return std::move(turn).done();
}

}  // namespace tocsin::publishing
