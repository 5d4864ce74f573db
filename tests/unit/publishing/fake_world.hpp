// One thread in which a ledger decides at once, time jumps to the next thing that waits, and public
// servers remember what reached them. Executors come and go as processes would.
#pragma once

#include "fake_http.hpp"
#include "publishing/decider.hpp"
#include "publishing/executor.hpp"
#include "runtime/ledger/rules.hpp"
#include "samples.hpp"
#include "support/cut_off.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>

namespace tocsin::publishing {

class FakeWorld final : public runtime::HttpTransport, public runtime::Ledger {
public:
    using Steady = std::chrono::steady_clock::time_point;

    FakeHttp::Answerer server;
    std::vector<runtime::HttpRequest> sent;
    Time now = samples::at(1);
    Steady steady{};
    SampleCredentials stored;
    Credentials credentials{stored.files(), {}};
    PublishingView view{1};
    std::string leader_realm = "bow";
    // Of what is not urgent, sent at a time by the processes that start from now on.
    std::size_t places = bulk_places;
    // Commands that are answered `unavailable` although they are decided.
    int lost_answers = 0;
    bool frozen = false;  // the ledger takes nothing
    // The code with which it refuses a command; empty: it decides.
    std::function<std::string(const v1::Command&)> refuses = [](const auto&) { return ""; };
    std::string traceparent;  // of what comes from outside

    ~FakeWorld() override { cut_off(); }

    // Starts a process; the one before is dead from then on, whatever it was about to do.
    Executor& start(const std::string& incarnation) {
        ++life_;
        cut_off();
        const int life = life_;
        auto post = [this, life](std::move_only_function<void()> task) {
            if (life == life_) posted_.push_back(std::move(task));
        };
        executors_.push_back(
            std::make_unique<Executor>(ExecutorParts{.view = view,
                                                     .ledger = *this,
                                                     .metrics = metrics_,
                                                     .http = *this,
                                                     .post = post,
                                                     .incarnation = incarnation,
                                                     .credentials = credentials,
                                                     .world = "live",
                                                     .places = places,
                                                     .drain = std::chrono::milliseconds{0},
                                                     .now = [this] { return now; },
                                                     .steady_now = [this] { return steady; }}));
        executors_.back()->start();
        return *executors_.back();
    }

    runtime::Metrics& metrics() { return metrics_; }

    // Everything that happens until `until`, or until `done`.
    void pass(Duration length, const std::function<bool()>& done = [] { return false; }) {
        const Steady end = steady + length;
        while (!done()) {
            if (!posted_.empty()) {
                auto task = std::move(posted_.front());
                posted_.pop_front();
                task();
                continue;
            }
            const auto due = rules_.next_due("bow");
            const Steady due_at = due ? steady + (due->at - now) : Steady::max();
            const Steady next = waiting_.empty() ? Steady::max() : waiting_.begin()->first;
            if (std::min(due_at, next) > end) break;
            move_to(std::max(steady, std::min(due_at, next)));
            if (due_at <= next) {
                decide({"bow", "service:publishing", "", {"service"}, "timer"}, due->body);
                continue;
            }
            const auto handle = waiting_.begin()->second;
            waiting_.erase(waiting_.begin());
            handle.resume();
        }
        if (!done()) move_to(end);
    }

    runtime::Decided decide(const runtime::Asking& asking, const std::string& body) {
        auto decided = rules_.decide(asking, body, now);
        if (decided) record(*decided);
        return decided;
    }
    void react(const runtime::Foreign& foreign) {
        if (const auto accepted = rules_.react(foreign, now)) record(*accepted, traceparent);
    }
    void put(const v1::Event& event) {
        ledger::v1::Accepted accepted;
        accepted.add_events(event.SerializeAsString());
        record(accepted);
    }
    // The ledger is read again from the beginning, where it says this; `meanwhile` is before its
    // end.
    void fold_again(const std::vector<v1::Event>& history, const std::function<void()>& meanwhile) {
        view.reset(0);
        for (const v1::Event& event : history) {
            ledger::v1::Decision decision;
            decision.set_realm("bow");
            decision.mutable_accepted()->add_events(event.SerializeAsString());
            const runtime::Counted counted{"publishing", 0, 0, now, decision, false};
            view.apply(counted);
            executors_.back()->apply(counted);
        }
        meanwhile();
        view.folded(0);
        executors_.back()->folded(0);
    }
    const Release& release() const { return rules_.state("bow").releases.by_id.begin()->second; }
    v1::DeliveryState state_of(const std::string& delivery) const {
        return release().find(delivery)->state();
    }
    int count(const std::string& method, const std::string& part = {}) const {
        return static_cast<int>(std::ranges::count_if(sent, [&](const auto& request) {
            return request.method == method && request.url.contains(part);
        }));
    }

    // HttpTransport
    Task<runtime::HttpResult> send(runtime::HttpRequest request) override {
        sent.push_back(request);
        runtime::HttpResult result = server(request);
        if (result) result->written_at = result->answered_at = now;
        // An answer takes its time.
        const Steady when = steady + std::chrono::milliseconds{5};
        co_await sleep_until(when);
        co_return result;
    }
    Task<void> sleep_until(Steady when) override {
        Sleep sleep{*this, when};
        co_await sleep;
    }

    // Ledger
    void submit(runtime::Submission submission, std::chrono::milliseconds, Done done) override {
        runtime::Answer answer;
        if (!frozen) {
            const auto key = submission.asking.actor + submission.asking.request_id;
            if (const std::string code = refusal(submission.body); !code.empty()) {
                answer.kind = runtime::Answer::Kind::rejected;
                answer.rejection = {runtime::Because::internal, code, "refused by the test", {}};
            } else if (asked_.insert(key).second) {
                const auto decided = decide(submission.asking, submission.body);
                answer.kind =
                    decided ? runtime::Answer::Kind::accepted : runtime::Answer::Kind::rejected;
                if (!decided) answer.rejection = decided.error();
            } else {
                answer.kind = runtime::Answer::Kind::accepted;
            }
            if (lost_answers > 0 && lost_answers--)
                answer.kind = runtime::Answer::Kind::unavailable;
        }
        done(std::move(answer));
    }
    void append_stream(std::string_view, const std::string&, std::string,
                       std::move_only_function<void(bool)>) override {}
    std::uint64_t await(const Reader&, std::vector<runtime::Position>, std::chrono::milliseconds,
                        std::move_only_function<void(Awaited)>) override {
        return 0;
    }
    void give_up(std::uint64_t) override {}
    bool leads(const std::string& realm) const override { return realm == leader_realm; }
    bool ready() const override { return true; }
    double stale_seconds() const override { return 0; }
    void post(std::move_only_function<void()> task) override { task(); }

private:
    struct Sleep {
        FakeWorld& world;
        Steady when;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) { world.waiting_.emplace(when, handle); }
        void await_resume() const noexcept {}
    };

    std::string refusal(const std::string& body) const {
        v1::Command command;
        return command.ParseFromString(body) ? refuses(command) : std::string{};
    }
    void cut_off() {
        for (auto& [when, handle] : std::exchange(waiting_, {})) testing::keep_cut_off(handle);
        for (auto& task : std::exchange(posted_, {})) testing::keep_cut_off(std::move(task));
    }
    void move_to(Steady when) {
        now += std::chrono::duration_cast<Duration>(when - steady);
        steady = when;
    }
    void record(const ledger::v1::Accepted& accepted, const std::string& trace = {}) {
        ledger::v1::Decision decision;
        decision.set_realm("bow");
        decision.mutable_cause()->set_traceparent(trace);
        *decision.mutable_accepted() = accepted;
        for (const std::string& event : accepted.events()) rules_.evolve("bow", event, now);
        const runtime::Counted counted{"publishing", 0, 0, now, decision, true};
        view.apply(counted);
        for (const auto& executor : executors_) executor->apply(counted);
    }

    runtime::RulesOf<Decider> rules_;
    runtime::Metrics metrics_{""};
    std::vector<std::unique_ptr<Executor>> executors_;
    std::deque<std::move_only_function<void()>> posted_;
    std::multimap<Steady, std::coroutine_handle<>> waiting_;
    std::set<std::string> asked_;
    int life_ = 0;
};

}  // namespace tocsin::publishing
