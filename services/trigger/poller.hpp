// Polls the sources of the realms that this instance leads, and appends what is new to the stream
// of readings. One coroutine per source, all on the loop thread of the HTTP client; an answer is
// read aside, so that a large one holds up nobody's poll. What a realm's polls may bring is bounded
// (see poll_budget.hpp): a source beyond that is polled later, and says so.
//
// A leader that is gone, or may not serve, is missed by nobody while nobody asks for anything, and
// a reading that changes nothing makes nobody the leader. So an instance that is ready stands in
// where no other brought a reading for `stand_in_patience`: it polls once, and again after as long.
// A leader that is there and finds nothing new is thus joined by at most one poll in five. Once
// readings of its own, two polls in a row, stand in the stream with nothing by another between them
// (see heard.hpp), nobody else polls, and it keeps the source's own pace until another's come.
//
// A series that a rule reads is sent again whenever something in it is new, corrected or withdrawn,
// with as much of the time before as the rule needs, and back to the oldest that changed; and at
// the first poll after a restart, a take-over or a new rule: what was weighed before leaves no
// record (see decider.hpp), and a new rule sees where the river stands. What counts as known is
// what is known to be stored, by whomever, and what the last answer showed. Of the other series the
// stream has their names and units, whenever those change, and one reading where a poll brought
// nothing else.
//
// What a server asked to wait, and what was waited after a failure, holds for whoever polls that
// address next: a rule put meanwhile hurries nobody.
#pragma once

#include "runtime/http/http.hpp"
#include "runtime/ledger/ledger.hpp"
#include "trigger/health.hpp"
#include "trigger/heard.hpp"
#include "trigger/poll_budget.hpp"
#include "trigger/source.hpp"
#include "trigger/view.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace tocsin::trigger {

// What the poller is given; the functions so that a test can stand in for clock and loop.
struct PollerLinks {
    runtime::Ledger& ledger;
    runtime::HttpTransport& http;
    // Runs a task on the loop thread, from any thread.
    std::function<void(std::move_only_function<void()>)> post;
    std::function<Time()> now;
    std::function<std::chrono::steady_clock::time_point()> tick;
    Heard& heard;
    // Runs a task away from the loop thread.
    std::function<void(std::move_only_function<void()>)> aside;
};

// Destroyed after the loop thread ended; all else on the loop thread except stop().
class Poller {
public:
    Poller(PollerLinks links, HealthBook& health, bool allow_private_addresses);
    ~Poller();

    // Starts what is new or changed, ends what is gone. What is gone for a moment, while its
    // realm's history is folded again and it is not `whole`, starts as if it were new, but for what
    // was heard of it.
    void refresh(
        const std::vector<Wanted>& wanted,
        const std::function<bool(const std::string&)>& whole = [](const auto&) { return true; });
    // Any thread: no further poll begins.
    void stop() { stopped_ = true; }

private:
    using Tick = std::chrono::steady_clock::time_point;
    // Not ready; ready, where another leads; leads.
    enum class Role { out, standing_by, leading };
    struct Loop;
    struct Known;
    // After an answer that asked for it, or none that could be used.
    struct Rest {
        std::string format;
        Tick asked_until{};  // by the server
        Tick until{};        // where the format is the same
        int failures = 0;
    };
    using Address = std::tuple<std::string, std::string, std::string>;  // realm, source id, URL
    struct Outcome {
        std::string error;
        bool unchanged = false;
        std::chrono::milliseconds wait_least{0};  // as the server asked
        // It was cut where answers of most sources end: to be asked for at once, whole.
        bool again_larger = false;
    };

    runtime::Task<void> run(Loop& loop);
    runtime::Task<void> pause(Loop& loop, Tick until);
    runtime::Task<Outcome> poll(Loop& loop);
    runtime::Task<Outcome> take(Loop& loop, const runtime::HttpResponse& answer);
    runtime::Task<bool> send_all(Loop& loop, const Parsed& parsed);
    runtime::Task<bool> send_list(Loop& loop, const Parsed& parsed);
    runtime::Task<bool> send_news(Loop& loop, const Series& series);
    runtime::Task<bool> send_sign(Loop& loop, const Parsed& parsed);
    runtime::Task<bool> append(const Loop& loop, v1::Readings record);
    Known as_stored(Loop& loop, const Series& series) const;
    static std::size_t bytes_most(const Loop& loop);
    runtime::HttpRequest request_for(const Loop& loop) const;
    void look(Loop& loop);
    void judge(const Loop& loop);
    static Address address_of(const Wanted& wanted);
    Tick rests_until(const Loop& loop) const;
    Tick stands_in_at(const Loop& loop) const;
    void wait_patiently(Loop& loop);
    Tick end_turn(Loop& loop, Tick began, const Outcome& outcome);
    std::chrono::milliseconds settle(Loop& loop, const Outcome& outcome);
    std::chrono::milliseconds put_off(Loop& loop, const PollBudget::Wait& wait);
    std::chrono::milliseconds interval(const v1::Source& source) const;
    void start(const Wanted& wanted);

    PollerLinks links_;
    HealthBook& health_;
    bool allow_private_addresses_;
    std::atomic<bool> stopped_ = false;
    std::minstd_rand jitter_;
    std::int64_t stand_ins_ = 0;  // polls so far in the place of a leader
    PollBudget budget_;
    std::map<Address, Rest> resting_;
    std::vector<std::unique_ptr<Loop>> loops_;
};

// How long a server asks to wait, by `Retry-After` in seconds or as a date; at most an hour.
std::chrono::milliseconds retry_after(const std::string& header, Time now);
// Before the next try: doubles from a part of the poll interval, at most 5 minutes.
std::chrono::milliseconds backoff(int failures, double poll_seconds);
// How long nothing is heard of a source, at the least, before another than the leader polls it.
std::chrono::milliseconds stand_in_patience(double poll_seconds);

}  // namespace tocsin::trigger
