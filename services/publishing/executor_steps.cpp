// The single steps of the executor: one request to a channel, one command to the ledger.
#include "publishing/executor.hpp"

#include "content/graphemes.hpp"
#include "publishing/limits.hpp"
#include "runtime/base/answered.hpp"
#include "runtime/host/logs.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
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

// A step of an adapter. An exception inside it must not end the process: its text takes the place
// of a result.
template <class Result>
static Task<std::expected<Result, std::string>> guarded(Task<Result> (*step)(Wire&, const Job&),
                                                        Wire& wire, const Job& job) {
    std::string failure;
    try {
        co_return co_await step(wire, job);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    runtime::logs::error("channel adapter failed",
                         {{"kind", job.delivery.kind()}, {"why", failure}});
    co_return std::unexpected(std::move(failure));
}

static std::string no_kind(const Job& job) {
    return fmt::format("This version of publishing knows no channel kind `{}`. Upgrade it.",
                       job.delivery.kind());
}

Task<Outcome> Executor::try_fire(const Job& job) {
    const ChannelWire* wire = find_wire(job.delivery.kind());
    if (!wire) co_return Outcome{.kind = v1::OUTCOME_REFUSED, .reason = no_kind(job)};
    auto outcome = co_await guarded(wire->fire, wire_, job);
    if (outcome) co_return std::move(*outcome);
    // Not to be taken for "nothing was sent".
    co_return Outcome{.kind = v1::OUTCOME_UNKNOWN,
                      .reason = "The channel's adapter failed: " + outcome.error()};
}

Task<Prepared> Executor::try_prepare(const Job& job) {
    const ChannelWire* wire = find_wire(job.delivery.kind());
    if (!wire) co_return Prepared{.ready = false, .reason = no_kind(job)};
    auto prepared = co_await guarded(wire->prepare, wire_, job);
    if (prepared) co_return std::move(*prepared);
    co_return Prepared{.ready = false, .reason = prepared.error()};
}

Task<Found> Executor::try_find(const Job& job) {
    const ChannelWire* wire = find_wire(job.delivery.kind());
    if (!wire) co_return Found{.kind = Found::Kind::cannot_tell, .reason = no_kind(job)};
    auto found = co_await guarded(wire->find, wire_, job);
    if (found) co_return std::move(*found);
    co_return Found{.kind = Found::Kind::cannot_tell, .reason = found.error()};
}

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
        "Attempts at deliveries, and searches for them, that this instance made since its start, "
        "by "
        "outcome.",
        {{"kind", kind}, {"outcome", std::string{texts::enum_name(outcome)}}});
}

prometheus::Histogram& Executor::delivery_seconds(const std::string& kind) {
    return parts_.metrics.histogram("tocsin_delivery_seconds",
                                    "Time from T0 to the confirmation by the channel, of "
                                    "deliveries confirmed to this instance.",
                                    {{"kind", kind}}, {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120});
}

// There from the start, so that a rate over them is 0 and not absent.
void Executor::introduce_metrics() {
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
