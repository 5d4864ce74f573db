// The single steps of the executor: one request to a channel, one command to the ledger.
#include "publishing/executor.hpp"

#include "content/graphemes.hpp"
#include "publishing/limits.hpp"
#include "runtime/base/answered.hpp"
#include "runtime/host/logs.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace tocsin::publishing {

using namespace std::chrono_literals;
using runtime::from_proto;
using runtime::to_proto;

Task<runtime::Answer> Executor::tell(std::string realm, v1::Command command, std::string request_id,
                                     bool only_while_running, std::string traceparent) {
    runtime::Submission submission;
    submission.asking = {realm, "service:publishing", "", {"service"}, std::move(request_id)};
    submission.body = command.SerializeAsString();
    submission.traceparent = std::move(traceparent);
    // Fixed once and kept by every repeat, so that a repeat is known for what it is.
    const Time expires_at = parts_.now() + 1h;
    submission.expires_at = expires_at;
    Duration wait = 50ms;
    while (true) {
        submission.sent_at = parts_.now();
        runtime::Answered<runtime::Answer> asked{
            parts_.post, [&](auto done) { parts_.ledger.submit(submission, 5s, std::move(done)); }};
        runtime::Answer answer = co_await asked;
        if (answer.kind == runtime::Answer::Kind::rejected)
            runtime::logs::debug("command refused", {{"code", answer.rejection.code}});
        if (answer.kind != runtime::Answer::Kind::unavailable || parts_.now() >= expires_at ||
            (stopping_ && only_while_running))
            co_return answer;
        co_await pause(wait);
        wait = std::min<Duration>(wait * 2, 2s);
    }
}

// A step of the adapter of the delivery's kind. Where there is no adapter, or it throws, which must
// not end the process, the result is `without_adapter` or `failed`, with the reason added to it.
template <class Result>
static Task<Result> attempt(Wire& wire, Task<Result> (*ChannelWire::*step)(Wire&, const Job&),
                            const Job& job, Result without_adapter = {}, Result failed = {}) {
    const std::string& kind = job.delivery.kind();
    const ChannelWire* adapter = find_wire(kind);
    if (!adapter) {
        without_adapter.reason +=
            fmt::format("This version of publishing knows no channel kind `{}`. Upgrade it.", kind);
        co_return without_adapter;
    }
    try {
        co_return co_await (adapter->*step)(wire, job);
    } catch (const std::exception& error) {
        runtime::logs::error("channel adapter failed", {{"kind", kind}, {"why", error.what()}});
        failed.reason += error.what();
    }
    co_return failed;
}

Task<Outcome> Executor::try_fire(const Job& job) {
    // What failed midway is not to be taken for "nothing was sent".
    return attempt(
        wire_, &ChannelWire::fire, job, Outcome{.kind = v1::OUTCOME_REFUSED},
        Outcome{.kind = v1::OUTCOME_UNKNOWN, .reason = "The channel's adapter failed: "});
}

Task<Prepared> Executor::try_prepare(const Job& job) {
    return attempt(wire_, &ChannelWire::prepare, job);
}

Task<Signed> Executor::try_sign(const Job& job) {
    return attempt(wire_, &ChannelWire::sign, job, {},
                   Signed{.reason = "It could not be signed, so nothing was sent: "});
}

Task<Found> Executor::try_find(const Job& job) { return attempt(wire_, &ChannelWire::find, job); }

// People follow it: whatever else a server calls its post's URL, such as a script, is none. Between
// more than two slashes one reader finds a host, and another none.
static bool shows_a_page(const std::string& url) {
    return content::is_printable(url) && !runtime::origin_of(url).empty() && !url.contains(":///");
}

v1::Command Executor::outcome_command(const Key& key, const Job& job,
                                      const Outcome& outcome) const {
    v1::Command command;
    v1::RecordOutcome& result = *command.mutable_record_outcome();
    result.set_release_id(key.second);
    result.set_delivery_id(job.delivery.delivery_id());
    result.set_executor(parts_.incarnation);
    result.set_attempt(job.delivery.attempts());
    result.set_outcome(outcome.kind);
    result.set_reason(reportable(outcome.reason));
    // A part of either would name something else.
    if (shows_a_page(outcome.url) && outcome.url.size() <= url_bytes_max)
        result.set_url(outcome.url);
    if (content::is_printable(outcome.receipt) && outcome.receipt.size() <= receipt_bytes_max)
        result.set_receipt(outcome.receipt);
    result.set_refused_unless_found(outcome.refused_unless_found);
    if (outcome.written_at) *result.mutable_written_at() = to_proto(*outcome.written_at);
    if (outcome.confirmed_at) *result.mutable_confirmed_at() = to_proto(*outcome.confirmed_at);
    result.set_retry_after_ms(
        std::chrono::ceil<std::chrono::milliseconds>(outcome.retry_after).count());
    return command;
}

// Whatever is wrong with the words of a channel, the outcome must not be lost with them.
static bool not_taken(const runtime::Answer& answer) {
    static constexpr std::string_view codes[] = {"unreadable", "decision_too_large",
                                                 "decider_failed"};
    return answer.kind == runtime::Answer::Kind::rejected &&
           std::ranges::find(codes, answer.rejection.code) != std::end(codes);
}

// Leaves out what a server chose. False: nothing is left to leave out.
static bool make_plain(Outcome& outcome) {
    constexpr std::string_view plain = "The channel's answer cannot be shown.";
    if (outcome.reason == plain) return false;
    outcome.reason = plain;
    outcome.url.clear();
    outcome.receipt.clear();
    return true;
}

Task<runtime::Answer> Executor::tell_outcome(const Key& key, const Job& job, Outcome& outcome,
                                             bool once) {
    runtime::Answer answer;
    do {
        const std::string id = fmt::format("{}:{}", parts_.incarnation, ++commands_);
        answer =
            co_await tell(key.first, outcome_command(key, job, outcome), id, once, job.traceparent);
    } while (not_taken(answer) && make_plain(outcome));
    co_return answer;
}

prometheus::Counter& Executor::answers(const std::string& kind, v1::Outcome outcome) {
    return parts_.metrics.counter(
        "tocsin_channel_answers_total",
        "Attempts to deliver, and searches for a delivery, that this instance made since its "
        "start, by outcome.",
        {{"kind", kind}, {"outcome", std::string{texts::enum_name(outcome)}}});
}

prometheus::Histogram& Executor::delivery_seconds(const std::string& kind) {
    return parts_.metrics.histogram(
        "tocsin_delivery_seconds",
        "Seconds from T0 to the channel's confirmation, of deliveries confirmed to this instance.",
        {{"kind", kind}}, {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120});
}

// Where none goes ahead nothing changes.
void Executor::show_waiting() {
    parts_.metrics
        .gauge("tocsin_deliveries_behind_bulk",
               "Deliveries of this instance whose time has come and that wait for a place among "
               "those that are not urgent.",
               {})
        .Set(static_cast<double>(bulk_.waiting()));
}

// As time passes there is room again.
void Executor::show_budgets() {
    const Time now = parts_.now();
    parts_.view.each([&](const std::string& name, const Realm& realm) {
        realm.channels().ascend(nullptr, [&](const std::string& id, const NumberedChannel& known) {
            const v1::Channel& channel = known.channel;
            if (channel.active() && channel.budget_posts() > 0)
                parts_.metrics
                    .gauge("tocsin_channel_posts_left",
                           "Posts that the account of a channel with a budget still has, by what "
                           "was claimed; the same at every instance.",
                           {{"realm", name}, {"channel", id}})
                    .Set(posts_left(realm.budgets(), channel, now));
            return true;
        });
    });
}

// There from the start, so that a rate over them is 0 and not absent.
void Executor::introduce_metrics() {
    show_waiting();
    for (const std::string_view kind : wire_kinds()) {
        delivery_seconds(std::string{kind});
        for (const v1::Outcome outcome : texts::enum_values<v1::Outcome>())
            answers(std::string{kind}, outcome);
    }
}

void Executor::note(const Key& key, const Job& job, const Outcome& outcome) const {
    runtime::logs::info("delivery attempted",
                        {{"realm", key.first},
                         {"release", key.second},
                         {"channel", job.delivery.channel_id()},
                         {"attempt", job.delivery.attempts()},
                         {"outcome", texts::enum_name(outcome.kind)},
                         {"reason", outcome.reason},
                         {"trace_id", runtime::logs::trace_id(job.traceparent)}});
}

void Executor::measure(const Job& job, const Outcome& outcome) {
    answers(job.delivery.kind(), outcome.kind).Increment();
    if (outcome.kind != v1::OUTCOME_CONFIRMED || !outcome.confirmed_at) return;
    const Duration taken = *outcome.confirmed_at - from_proto(job.delivery.fixed().fire_at());
    delivery_seconds(job.delivery.kind()).Observe(std::chrono::duration<double>(taken).count());
}

}  // namespace tocsin::publishing
