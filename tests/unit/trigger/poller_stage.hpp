// The poller over a scripted server, a ledger that can fail, and a clock that stands still.
#pragma once

#include "trigger/poller.hpp"

#include "unit/trigger/gauge_files.hpp"

#include <gmock/gmock.h>

#include <deque>
#include <set>

namespace tocsin::trigger {

using Tick = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

class FakeTransport final : public runtime::HttpTransport {
public:
    runtime::Task<runtime::HttpResult> send(runtime::HttpRequest request) override {
        requests.push_back(std::move(request));
        runtime::HttpResult answer = std::unexpected(runtime::HttpError{});
        if (!answers.empty()) {
            answer = answers.front();
            if (answers.size() > 1) answers.pop_front();
        }
        if (holds) co_await Held{*this};
        co_return answer;
    }
    runtime::Task<void> sleep_until(Tick when) override {
        Sleeper sleeper{*this, when};
        co_await sleeper;
    }

    struct Held {
        FakeTransport& transport;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> waiting) { transport.held.push_back(waiting); }
        void await_resume() const noexcept {}
    };
    struct Sleeper {
        FakeTransport& transport;
        Tick when;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> waiting) {
            transport.sleepers.emplace_back(when, waiting);
        }
        void await_resume() const noexcept {}
    };

    std::vector<runtime::HttpRequest> requests;
    std::deque<runtime::HttpResult> answers;  // the last one stays
    bool holds = false;                       // a request stays on its way until it is resumed
    std::vector<std::coroutine_handle<>> held;
    std::vector<std::pair<Tick, std::coroutine_handle<>>> sleepers;
};

class FakeLedger final : public runtime::Ledger {
public:
    void submit(runtime::Submission, milliseconds, Done) override {}
    void append_stream(std::string_view stream, const std::string& realm, std::string body,
                       std::move_only_function<void(bool)> done) override {
        EXPECT_EQ(stream, "readings");
        EXPECT_EQ(realm, "bow");
        v1::Readings readings;
        EXPECT_TRUE(readings.ParseFromString(body));
        if (stores) (readings.series().empty() ? lists : appended).push_back(readings);
        done(stores);
        if (stores && on_stored) on_stored(body);
    }
    std::uint64_t await(const Reader&, std::vector<runtime::Position>, milliseconds,
                        std::move_only_function<void(Awaited)>) override {
        return 0;
    }
    void give_up(std::uint64_t) override {}
    bool leads(const std::string&) const override { return leading; }
    bool ready() const override { return serving; }
    double stale_seconds() const override { return 0; }
    void post(std::move_only_function<void()>) override {}

    bool leading = true;
    bool serving = true;
    std::function<void(const std::string&)> on_stored;
    bool stores = true;
    std::vector<v1::Readings> appended;  // of series
    std::vector<v1::Readings> lists;     // of which series there are
};

class PollerTest : public ::testing::Test {
protected:
    PollerTest() : poller_(links(), health_, false) {}

    PollerLinks links() {
        return {
            ledger_,
            transport_,
            [this](std::move_only_function<void()> task) { posted_.push_back(std::move(task)); },
            [this] { return now_; },
            [this] { return tick_; },
            heard_,
            [this](const std::string&, std::size_t, std::move_only_function<void()> read,
                   std::move_only_function<void(bool)> then) {
                auto task = [this, read = std::move(read), then = std::move(then)]() mutable {
                    read();
                    posted_.push_back([then = std::move(then)]() mutable { then(true); });
                };
                if (reads_aside)
                    aside_.push_back(std::move(task));
                else
                    task();
            }};
    }

    static Wanted wanted(std::int64_t revision = 1, double poll_seconds = 60) {
        Wanted result;
        result.realm = "bow";
        result.revision = revision;
        result.source.set_source_id("gauge");
        result.source.set_format("eccc-csv");
        result.source.set_url("http://gauges.example/ab.csv");
        result.source.set_poll_seconds(poll_seconds);
        result.source.set_stale_seconds(180);
        result.source.set_active(true);
        result.watched["A:level"] = std::chrono::hours{24};
        return result;
    }

    static runtime::HttpResult answer(const std::string& rows, const std::string& etag = "") {
        runtime::HttpResponse response;
        response.status = 200;
        response.body = "ID,Date,Water Level (m)\n" + rows;
        if (!etag.empty()) response.headers.emplace("etag", etag);
        return response;
    }
    static runtime::HttpResult status(int code, const std::string& retry_after = "") {
        runtime::HttpResponse response;
        response.status = code;
        if (!retry_after.empty()) response.headers.emplace("retry-after", retry_after);
        return response;
    }
    static std::string rows(int from, int to) {
        std::string all;
        for (int i = from; i < to; ++i)
            all += "A,2026-05-01T" + std::string(i / 60 < 10 ? "0" : "") + std::to_string(i / 60) +
                   ":" + (i % 60 < 10 ? "0" : "") + std::to_string(i % 60) + ":00Z,1.5\n";
        return all;
    }

    void begin(Wanted one = wanted()) {
        poller_.refresh({one});
        drain();
    }
    void drain() {
        while (!posted_.empty()) {
            auto task = std::move(posted_.front());
            posted_.pop_front();
            task();
        }
    }
    // Lets the earliest sleeper wake; how long it slept.
    milliseconds wake() {
        EXPECT_FALSE(transport_.sleepers.empty());
        const auto first = std::ranges::min_element(transport_.sleepers, {},
                                                    [](const auto& one) { return one.first; });
        const auto [when, waiting] = *first;
        transport_.sleepers.erase(first);
        const auto slept = std::chrono::duration_cast<milliseconds>(when - tick_);
        tick_ = std::max(tick_, when);
        now_ += std::chrono::duration_cast<runtime::Duration>(slept);
        waiting.resume();
        drain();
        return slept;
    }
    // Sleeps until the next request; how long that took.
    milliseconds until_request() {
        const auto before = transport_.requests.size();
        milliseconds slept{0};
        for (int i = 0; i < 1000 && transport_.requests.size() == before; ++i) slept += wake();
        EXPECT_EQ(transport_.requests.size(), before + 1);
        return slept;
    }
    // That were sent, each once however often it was.
    std::size_t readings() const {
        std::set<std::pair<std::string, Time>> all;
        for (const auto& record : ledger_.appended)
            for (const auto& reading : record.readings())
                all.emplace(record.series(), runtime::from_proto(reading.read_at()));
        return all.size();
    }
    v1::SourceHealth report() const { return health_.report("bow", wanted().source, now_); }

    Time now_ = utc("2026-05-01T12:00:00Z");
    Tick tick_{std::chrono::hours{1}};
    runtime::Metrics metrics_{""};
    HealthBook health_{metrics_};
    Heard heard_{[this] { return tick_; }};
    FakeLedger ledger_;
    FakeTransport transport_;
    std::deque<std::move_only_function<void()>> posted_;
    bool reads_aside = false;  // an answer is read when drained aside
    std::deque<std::move_only_function<void()>> aside_;
    Poller poller_;
};

}  // namespace tocsin::trigger
