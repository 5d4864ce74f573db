#include "publishing/executor.hpp"

#include "publishing/limits.hpp"
#include "runtime/host/logs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

namespace tocsin::publishing {

using namespace std::chrono_literals;
using runtime::from_proto;

// Not of a channel that was removed meanwhile: that series would never end.
void Executor::show_ready(const std::string& realm, const std::string& channel, bool ready) {
    if (!in_use(realm, channel)) return;
    parts_.metrics
        .gauge("tocsin_channel_ready",
               "1 if the channel was ready when a delivery was last prepared for it, else 0.",
               {{"realm", realm}, {"channel", channel}})
        .Set(ready ? 1 : 0);
}

bool Executor::leads_to(const Key& key, const Job& job,
                        const std::shared_ptr<const v1::Channel>& channel) const {
    const auto release = current(key);
    const Delivery* delivery = release ? release->find(job.delivery.delivery_id()) : nullptr;
    return delivery && delivery->channel == channel && release->to_prepare(*delivery);
}

Task<void> Executor::prepare(Key key, Job job, std::string name) {
    std::optional<Prepared> recorded;
    std::shared_ptr<const v1::Channel> channel;
    Duration wait = 1s;
    while (true) {
        const auto release = current(key);
        const Delivery* delivery = release ? release->find(job.delivery.delivery_id()) : nullptr;
        if (!delivery || !release->to_prepare(*delivery)) break;
        if (!acts(key, *release, *delivery)) break;
        if (delivery->channel != channel) {
            channel = delivery->channel;
            job = make_job(key, *release, *delivery);
            wait = 1s;
        }
        // Its channel is another now, what was said of it was too long ago, or it turned out not to
        // be ready after all.
        if (delivery->is(v1::DELIVERY_STATE_PLANNED) || (recorded && recorded->ready))
            recorded.reset();
        const Prepared prepared = co_await try_prepare(job);
        // Of the channel as it was.
        if (!leads_to(key, job, channel)) continue;
        show_ready(key.first, job.delivery.channel_id(), prepared.ready);
        const bool news = !recorded || recorded->ready != prepared.ready ||
                          recorded->reason != prepared.reason ||
                          recorded->text_max != prepared.text_max;
        if (news) {
            v1::Command command;
            v1::RecordPrepared& result = *command.mutable_record_prepared();
            result.set_release_id(key.second);
            result.set_delivery_id(job.delivery.delivery_id());
            result.set_ready(prepared.ready);
            result.set_reason(reportable(prepared.reason));
            result.set_text_max(prepared.text_max);
            const std::string id = fmt::format("{}:{}", parts_.incarnation, ++commands_);
            const auto answer = co_await tell(key.first, std::move(command), id, true);
            if (answer.kind != runtime::Answer::Kind::unavailable) recorded = prepared;
        }
        for (Duration left = wait; left > Duration{} && leads_to(key, job, channel); left -= 1s)
            co_await pause(std::min<Duration>(left, 1s));
        wait = std::min<Duration>(wait * 2, 30s);
    }
    busy_.erase(name);
}

Task<void> Executor::sign(Key key, Job job, std::string name) {
    const Signed made = co_await try_sign(job);
    if (!made.later()) {
        v1::Command command;
        v1::RecordSignature& result = *command.mutable_record_signature();
        result.set_release_id(key.second);
        result.set_delivery_id(job.delivery.delivery_id());
        result.set_rendition_digest(job.body->digest());
        result.set_signature(made.element);
        result.set_reason(reportable(made.reason));
        if (made.element.empty()) {
            const Outcome refused{.kind = v1::OUTCOME_REFUSED, .reason = made.reason};
            measure(job, refused);
            note(key, job, refused);
        }
        const std::string id = fmt::format("{}:{}", parts_.incarnation, ++commands_);
        const auto answer = co_await tell(key.first, std::move(command), id, true, job.traceparent);
        if (answer.kind == runtime::Answer::Kind::rejected)
            runtime::logs::error("signature refused",
                                 {{"release", key.second}, {"code", answer.rejection.code}});
    }
    // Kept a little, so that what came to nothing is not followed by the same at once.
    co_await pause(250ms);
    busy_.erase(name);
}

Task<void> Executor::claim(Key key, v1::Purpose purpose, Time when, std::string name) {
    co_await wait_until(when);
    const auto release = current(key);
    const Time now = parts_.now();
    const auto taken = release ? channels_taken(key, *release) : std::set<std::string>{};
    const bool due =
        release && std::ranges::any_of(release->deliveries, [&](const Delivery& delivery) {
            return delivery.head.purpose() == purpose &&
                   may_claim(key, *release, delivery, now, taken) && acts(key, *release, delivery);
        });
    if (due) {
        v1::Command command;
        v1::ClaimRelease& asked = *command.mutable_claim_release();
        asked.set_release_id(key.second);
        asked.set_executor(parts_.incarnation);
        asked.set_purpose(purpose);
        asked.set_asked_at_ns(
            std::chrono::nanoseconds{parts_.steady_now().time_since_epoch()}.count());
        const std::string id = fmt::format("{}:{}", parts_.incarnation, ++commands_);
        const auto answer = co_await tell(key.first, std::move(command), id, true);
        if (answer.kind == runtime::Answer::Kind::rejected)
            runtime::logs::info("claim refused",
                                {{"release", key.second}, {"code", answer.rejection.code}});
    }
    // Kept a little, so that a refusal is not followed by the same command at once.
    co_await pause(250ms);
    busy_.erase(name);
}

Task<void> Executor::fire(Key key, Job job, Steady start, Steady give_up) {
    {
        const std::lock_guard guard(firing_mutex_);
        ++firing_;
    }
    // By the monotonic clock, and by what was read: nothing may start later, or after it was taken
    // away. Only this incarnation may do what it claimed.
    job.veto = [this, key, give_up, id = job.delivery.delivery_id(),
                attempt = job.delivery.attempts()]() -> std::string {
        if (parts_.steady_now() >= give_up) return "It was too late to start this attempt.";
        const auto release = current(key);
        const Delivery* delivery = release ? release->find(id) : nullptr;
        const bool mine = delivery && delivery->is(v1::DELIVERY_STATE_CLAIMED) &&
                          delivery->head.attempts() == attempt &&
                          delivery->head.executor() == parts_.incarnation;
        if (!mine) return "The claim was taken away before it was started.";
        // A feed shows it from T0 on all the same, as asking it confirms.
        if (release->retract_at && !delivery->retracts() && !delivery->traits().public_from_claim)
            return "The message was retracted before this attempt was started.";
        if (!delivery->traits().public_from_claim &&
            parts_.view.snapshot(key.first)->holds().on(delivery->head))
            return "Its channel was put on hold before this attempt was started.";
        return {};
    };
    // Hashed and parsed before T0, and once for all that share them.
    if (job.approved && job.body) {
        job.approved->parsed();
        job.approved->intact();
        job.body->intact();
    }
    const bool urgent = is_urgent(job);
    co_await parts_.http.sleep_until(start);
    if (!urgent) {
        co_await bulk_.enter();
        show_waiting();
    }
    Outcome outcome = co_await try_fire(job);
    if (!urgent) bulk_.leave();
    measure(job, outcome);
    note(key, job, outcome);
    co_await tell_outcome(key, job, outcome, false);
    {
        const std::lock_guard guard(firing_mutex_);
        --firing_;
    }
    firing_changed_.notify_all();
}

// From when on a channel that does not show the post does not have it. Where a repeat makes no
// second post that need not be known.
static Time shows_by(const Delivery& delivery) {
    const content::Traits& traits = delivery.traits();
    if (traits.repeats == content::Repeats::exact) return Time::min();
    const v1::Delivery& head = delivery.head;
    // Written at the last moment, if nobody knows when.
    return from_proto(head.has_written_at() ? head.written_at() : head.give_up_at()) +
           traits.carried_out_within;
}

Task<void> Executor::resolve(Key key, Job job, std::string name) {
    const ChannelWire* wire = find_wire(job.delivery.kind());
    const int absences_needed = wire ? wire->absences_needed : 1;
    int absences = 0;
    std::shared_ptr<const v1::Channel> channel;
    Duration wait = 1s;
    // Until then the executor of the claim may still be about to start, or to record its outcome.
    if (job.delivery.executor() != parts_.incarnation)
        co_await parts_.http.sleep_until(
            steady(from_proto(job.delivery.give_up_at()) + claim_margin + Duration{100ms}));
    while (true) {
        const auto release = current(key);
        const Delivery* delivery = release ? release->find(job.delivery.delivery_id()) : nullptr;
        if (!delivery || !delivery->is(v1::DELIVERY_STATE_UNKNOWN) ||
            !has_work(*release, parts_.now()))
            break;
        if (!acts(key, *release, *delivery)) break;
        if (delivery->channel != channel) {
            channel = delivery->channel;
            job = make_job(key, *release, *delivery);
        }
        const bool early = parts_.now() < shows_by(*delivery);
        const Found found = co_await try_find(job);
        Outcome outcome{.reason = found.reason, .url = found.url, .receipt = found.receipt};
        switch (found.kind) {
            case Found::Kind::found:
                outcome.kind = v1::OUTCOME_CONFIRMED;
                outcome.confirmed_at = parts_.now();
                if (delivery->head.has_written_at())
                    outcome.written_at = from_proto(delivery->head.written_at());
                break;
            case Found::Kind::absent:
                // The last one counts once what was sent would show.
                if (early && absences + 1 == absences_needed) break;
                if (++absences == absences_needed) outcome.kind = v1::OUTCOME_ABSENT;
                break;
            case Found::Kind::cannot_tell:
                // Once: a retraction waits for it.
                if (delivery->asked) break;
                outcome.kind = v1::OUTCOME_CANNOT_TELL;
                if (outcome.reason.empty()) outcome.reason = delivery->head.reason();
                break;
        }
        if (outcome.kind != v1::OUTCOME_UNSPECIFIED) {
            measure(job, outcome);
            const auto answer = co_await tell_outcome(key, job, outcome, true);
            // Too early by the leader's clock, for one: it is looked for, and recorded, again.
            if (answer.kind != runtime::Answer::Kind::accepted) absences = 0;
        }
        co_await pause(wait);
        wait = std::min<Duration>(wait * 2, 60s);
    }
    busy_.erase(name);
}

}  // namespace tocsin::publishing
