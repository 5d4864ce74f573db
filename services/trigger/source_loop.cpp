#include "trigger/source_loop.hpp"

#include "content/graphemes.hpp"
#include "runtime/host/logs.hpp"
#include "texts/cut.hpp"
#include "trigger/poll_pace.hpp"

#include <algorithm>
#include <coroutine>
#include <utility>

namespace tocsin::trigger {

using runtime::Task;
using std::chrono::milliseconds;

namespace logs = runtime::logs;

// While another instance leads: how soon a take-over is noticed.
static constexpr milliseconds look_for_news{1'000};
// So many polls in a row, see heard.hpp, show that no other instance polls.
static constexpr int alone_polls = 2;
// No sleep is longer, so that a loop that was replaced ends soon.
static constexpr milliseconds nap_most{30'000};

SourceLoop::SourceLoop(Polling& polling, const Wanted& wanted)
    : polling_(polling),
      polled_{wanted, polling.stopped},
      stream_(polling.links, polling.health, polled_),
      poll_(polling.links, polling.health, polled_, stream_, polling.allow_private_addresses),
      failures_(polling.rests.failures(wanted)) {}

void SourceLoop::start() {
    polling_.health.watched(wanted(), polling_.links.now());
    if (!poll_.can_read())
        polling_.health.polled(wanted(),
                               "this version of the service cannot read its format; upgrade the "
                               "service",
                               false, polling_.links.now());
    task_.emplace(run());
    // Nobody awaits its end.
    task_->await_suspend(std::noop_coroutine()).resume();
}

// ---- its turns

Task<void> SourceLoop::run() {
    while (!polled_.over()) {
        const Tick began = polling_.links.tick();
        Tick next = began + look_for_news;
        look();
        const bool leading = role_ == Role::leading;
        const Tick rests_until = polling_.rests.until(wanted());
        if (began < rests_until) {
            next = leading ? rests_until : next;
        } else if (poll_.can_read() && (leading || began >= stands_in_at())) {
            if (const auto wait = polling_.budget.begin(wanted().realm, wanted().source.source_id(),
                                                        poll_.bytes_most(), began)) {
                next = began + put_off(*wait);
            } else {
                const SourcePoll::Outcome outcome = co_await poll(leading);
                // The loop that replaced it says how the source does.
                if (polled_.replaced) break;
                if (outcome.again_larger) continue;
                const Tick again = end_turn(began, outcome);
                if (leading) next = again;
            }
        }
        co_await pause(next);
    }
    ended_ = true;
}

Task<SourcePoll::Outcome> SourceLoop::poll(bool leading) {
    polled_.stand_in = leading ? 0 : ++polling_.stand_ins;
    SourcePoll::Outcome outcome;
    try {
        outcome = co_await poll_.poll(polling_.budget);
    } catch (const std::exception& failure) {
        outcome.error = failure.what();
    }
    co_return outcome;
}

Task<void> SourceLoop::pause(Tick until) {
    const PollerLinks& links = polling_.links;
    // At least once: a late poll must not keep the loop thread to itself.
    do {
        co_await links.http.sleep_until(std::min(until, links.tick() + nap_most));
        if (polled_.over() || role_ != Role::leading) co_return;
        look();
    } while (role_ == Role::leading && links.tick() < until);
}

// Ends its turn; when the next one is.
SourceLoop::Tick SourceLoop::end_turn(Tick began, const SourcePoll::Outcome& outcome) {
    const milliseconds wait = settle(outcome);
    const Tick now = polling_.links.tick();
    const Tick again = outcome.error.empty() ? std::max(now, began + wait) : now + wait;
    // It looks on meanwhile: its turn to lead, or another's readings, may come first.
    not_before_ = again;
    if (!outcome.error.empty() || outcome.wait_least.count() > 0)
        polling_.rests.begin(wanted(), {now + outcome.wait_least, again, failures_});
    else
        polling_.rests.end(wanted());
    wait_patiently();
    return again;
}

// A server chose part of it: not all of that may be answered or logged.
static std::string reportable(std::string_view text) {
    constexpr std::size_t bytes_max = 500;
    return std::string(texts::cut(content::printable(text), bytes_max));
}

// Records how a poll went; how long to wait before the next.
milliseconds SourceLoop::settle(const SourcePoll::Outcome& outcome) {
    const v1::Source& source = wanted().source;
    const std::string error = reportable(outcome.error);
    put_off_ = false;
    waits_since_.reset();
    judge();
    polling_.health.polled(wanted(), error, outcome.unchanged, polling_.links.now());
    if (error.empty()) {
        if (std::exchange(failures_, 0) > 0)
            logs::info("source polled again",
                       {{"realm", wanted().realm}, {"source", source.source_id()}});
        return std::max(interval(), outcome.wait_least);
    }
    // Whatever was wrong, the next request must not depend on it.
    poll_.forget_validators();
    if (++failures_ == 1)
        logs::warn("source not polled",
                   {{"realm", wanted().realm}, {"source", source.source_id()}, {"why", error}});
    const milliseconds longest = backoff(failures_, source.poll_seconds());
    return std::max(spread(longest / 2, longest), outcome.wait_least);
}

// How long it is put off. A wait for other polls to end is not reported, unless it takes long.
milliseconds SourceLoop::put_off(const PollBudget::Wait& wait) {
    const Tick now = polling_.links.tick();
    if (wait.why == PollBudget::Why::turn) {
        if (!waits_since_) waits_since_ = now;
        const auto reported_after = std::max<milliseconds>(3 * interval(), milliseconds{10'000});
        if (now - *waits_since_ < reported_after) return wait.time;
    }
    if (std::exchange(put_off_, true)) return wait.time;
    const std::string why = why_later(wait);
    polling_.health.put_off(wanted(), why);
    logs::warn("source not polled",
               {{"realm", wanted().realm}, {"source", wanted().source.source_id()}, {"why", why}});
    return wait.time;
}

milliseconds SourceLoop::interval() const {
    return milliseconds_of(std::max(wanted().source.poll_seconds(),
                                    poll_seconds_least(polling_.allow_private_addresses)));
}

milliseconds SourceLoop::spread(milliseconds least, milliseconds most) {
    std::uniform_int_distribution<std::int64_t> at_random(least.count(), most.count());
    return milliseconds{at_random(polling_.jitter)};
}

// ---- who polls

// Who polls, as far as this instance knows, and what it met of the source in the stream.
void SourceLoop::look() {
    const PollerLinks& links = polling_.links;
    const std::string& realm = wanted().realm;
    const std::string& source_id = wanted().source.source_id();
    const Role role = !links.ledger.ready()       ? Role::out
                      : links.ledger.leads(realm) ? Role::leading
                                                  : Role::standing_by;
    const Role before = std::exchange(role_, role);
    // How far the leader before it came is not known here.
    if (role == Role::leading && before != role) {
        stream_.forget();
        poll_.forget_validators();
    }
    // Until now it may have been deaf, or have polled itself.
    if (role == Role::standing_by && before != role) {
        links.heard.doubt(realm, source_id);
        wait_patiently();
    }
    // The next poll, by the leader, says how it went.
    if (role != Role::leading && before == Role::leading) polling_.health.ended(wanted());
    const Heard::Source heard = links.heard.of(realm, source_id);
    if (heard.newest) polling_.health.heard(wanted(), *heard.newest);
    judge();
    polling_.health.waited(wanted(), role != Role::out, links.now());
}

// By the series that rules read, each by its own newest reading.
void SourceLoop::judge() {
    const Heard& known = polling_.links.heard;
    const std::string& source_id = wanted().source.source_id();
    const auto listing = known.listing(wanted().realm, source_id);
    std::optional<Time> oldest;
    bool missing = false, never = false;
    for (const auto& [name, needed] : wanted().watched) {
        std::optional<Time> newest = stream_.newest(name);
        const auto heard = known.newest(wanted().realm, source_id, name);
        if (heard && !heard->readings.empty())
            newest = std::max(newest.value_or(Time::min()), heard->readings.back().read_at);
        missing = missing || (listing && !listing->contains(name));
        never = never || !newest;
        if (newest) oldest = std::min(oldest.value_or(*newest), *newest);
    }
    polling_.health.judged(wanted(), !wanted().watched.empty(), never ? std::nullopt : oldest,
                           missing);
}

// At random, so that not all who stand by do it at once; and never sooner.
void SourceLoop::wait_patiently() {
    quiet_since_ = polling_.links.tick();
    const milliseconds least = stand_in_patience(wanted().source.poll_seconds());
    patience_ = spread(least, least * 3 / 2);
}

SourceLoop::Tick SourceLoop::stands_in_at() const {
    if (role_ != Role::standing_by) return Tick::max();
    const Heard::Source heard =
        polling_.links.heard.of(wanted().realm, wanted().source.source_id());
    if (heard.alone >= alone_polls) return not_before_;
    return std::max(not_before_, std::max(quiet_since_, heard.others_at) + patience_);
}

}  // namespace tocsin::trigger
