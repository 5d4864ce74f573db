// The single steps of the executor: one request to a channel, one command to the ledger.
#include "publishing/executor.hpp"
#include "runtime/logs.hpp"

#include <fmt/format.h>

namespace tocsin::publishing {

using namespace std::chrono_literals;
using runtime::from_proto;
using runtime::to_proto;

namespace {

// Continues on the event loop with the answer, whichever thread brings it.
struct AskAwaiter {
    runtime::Ledger& ledger;
    const std::function<void(std::move_only_function<void()>)>& post;
    runtime::Submission submission;
    runtime::Answer answer{};

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        auto done = [this, waiting](runtime::Answer given) {
            answer = std::move(given);
            post([waiting] { waiting.resume(); });
        };
        ledger.submit(std::move(submission), 5s, std::move(done));
    }
    runtime::Answer await_resume() { return std::move(answer); }
};

}  // namespace

Task<runtime::Answer> Executor::tell(std::string realm, v1::Command command, std::string request_id,
                                     bool only_while_running) {
    runtime::Submission submission;
    submission.asking = {realm, "service:publishing", "", {"service"}, std::move(request_id)};
    submission.body = command.SerializeAsString();
    // Fixed once and kept by every repeat, so that a repeat is known for what it is.
    const Time expires_at = parts_.now() + 1h;
    submission.expires_at = expires_at;
    Duration wait = 50ms;
    while (true) {
        submission.sent_at = parts_.now();
        AskAwaiter ask{parts_.ledger, parts_.post, submission};
        runtime::Answer answer = co_await ask;
        if (answer.kind == runtime::Answer::Kind::rejected)
            runtime::logs::debug("command refused", {{"code", answer.rejection.code}});
        if (answer.kind != runtime::Answer::Kind::unavailable || parts_.now() >= expires_at ||
            (stopping_ && only_while_running))
            co_return answer;
        co_await pause(wait);
        wait = std::min<Duration>(wait * 2, 2s);
    }
}

// A failure inside an adapter must not end the process, nor be taken for "nothing was sent".
Task<Outcome> Executor::try_fire(const Job& job) {
    std::string failure = fmt::format("there is no channel kind {}", job.delivery.kind());
    if (const ChannelWire* wire = find_wire(job.delivery.kind())) {
        try {
            co_return co_await wire->fire(wire_, job);
        } catch (const std::exception& error) {
            failure = error.what();
        }
    } else {
        co_return Outcome{.kind = "refused", .reason = failure};
    }
    runtime::logs::error("channel failed", {{"kind", job.delivery.kind()}, {"why", failure}});
    co_return Outcome{.kind = "unknown", .reason = "The channel's adapter failed: " + failure};
}

Task<Prepared> Executor::try_prepare(const Job& job) {
    std::string failure = fmt::format("There is no channel kind {}.", job.delivery.kind());
    if (const ChannelWire* wire = find_wire(job.delivery.kind())) {
        try {
            co_return co_await wire->prepare(wire_, job);
        } catch (const std::exception& error) {
            failure = error.what();
        }
    }
    co_return Prepared{.ready = false, .reason = failure};
}

Task<Found> Executor::try_find(const Job& job) {
    std::string failure = fmt::format("There is no channel kind {}.", job.delivery.kind());
    if (const ChannelWire* wire = find_wire(job.delivery.kind())) {
        try {
            co_return co_await wire->find(wire_, job);
        } catch (const std::exception& error) {
            failure = error.what();
        }
    }
    co_return Found{.kind = Found::Kind::cannot_tell, .reason = failure};
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
    result.set_reason(outcome.reason);
    result.set_url(outcome.url);
    result.set_receipt(outcome.receipt);
    if (outcome.written_at) *result.mutable_written_at() = to_proto(*outcome.written_at);
    if (outcome.confirmed_at) *result.mutable_confirmed_at() = to_proto(*outcome.confirmed_at);
    result.set_retry_after_ms(
        std::chrono::ceil<std::chrono::milliseconds>(outcome.retry_after).count());
    return command;
}

void Executor::measure(const Job& job, const Outcome& outcome) {
    parts_.metrics
        .counter("tocsin_deliveries_total", "Attempts by what became of them",
                 {{"kind", job.delivery.kind()}, {"outcome", outcome.kind}})
        .Increment();
    if (outcome.kind != "confirmed" || !outcome.confirmed_at) return;
    const Duration taken = *outcome.confirmed_at - from_proto(job.delivery.fixed().fire_at());
    parts_.metrics
        .histogram("tocsin_delivery_seconds", "From T0 to the channel's confirmation",
                   {{"kind", job.delivery.kind()}},
                   {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60})
        .Observe(std::chrono::duration<double>(taken).count());
}

void Executor::measure_skew(const v1::ReleaseCompleted& completed) {
    if (completed.skew_ms() < 0) return;
    parts_.metrics
        .histogram("tocsin_release_skew_seconds",
                   "Between the first and the last request written, of releases completed", {},
                   {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5})
        .Observe(completed.skew_ms() / 1000);
}

void Executor::count_unknown() {
    int64_t unknown = 0;
    for (const Key& key : open_)
        if (const auto release = current(key))
            for (const Item& item : release->items) unknown += item.is("unknown") ? 1 : 0;
    parts_.metrics
        .gauge("tocsin_deliveries_unknown",
               "Deliveries of which nobody knows whether they went out")
        .Set(static_cast<double>(unknown));
}

std::optional<Release> Executor::current(const Key& key) const {
    return parts_.view.read(key.first, [&](const Realm& realm) -> std::optional<Release> {
        const Release* release = realm.release(key.second);
        return release ? std::optional{*release} : std::nullopt;
    });
}

std::optional<Item> Executor::current(const Key& key, const std::string& delivery_id) const {
    return parts_.view.read(key.first, [&](const Realm& realm) -> std::optional<Item> {
        const Release* release = realm.release(key.second);
        const Item* item = release ? release->find(delivery_id) : nullptr;
        return item ? std::optional{*item} : std::nullopt;
    });
}

Job Executor::make_job(const Release& release, const Item& item) const {
    Job job;
    job.delivery = item.delivery;
    job.approved =
        std::make_shared<const Approved>(Approved{release.content, release.head.digest()});
    job.in_reply_to = item.in_reply_to;
    return job;
}

// Read once when something is decided to happen at a time; from then on only the monotonic clock
// counts, so that a step of the wall clock neither hastens nor delays it.
Executor::Steady Executor::steady(Time when) const {
    return parts_.steady_now() + (when - parts_.now());
}

bool Executor::begin(const std::string& name) { return busy_.insert(name).second; }

Task<void> Executor::pause(Duration duration) {
    co_await parts_.http.sleep_until(parts_.steady_now() + duration);
}

}  // namespace tocsin::publishing
