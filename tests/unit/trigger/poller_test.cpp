// The poller over a scripted server, a ledger that can fail, and a clock that stands still.
#include "trigger/poller.hpp"

#include "unit/trigger/gauge_files.hpp"

#include <gmock/gmock.h>

#include <deque>
#include <set>

namespace tocsin::trigger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
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
        co_return answer;
    }
    runtime::Task<void> sleep_until(Tick when) override {
        Sleeper sleeper{*this, when};
        co_await sleeper;
    }

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
        if (stores) appended.push_back(readings);
        done(stores);
    }
    std::uint64_t await(const Reader&, std::vector<runtime::Position>, milliseconds,
                        std::move_only_function<void(Awaited)>) override {
        return 0;
    }
    void give_up(std::uint64_t) override {}
    bool leads(const std::string&) const override { return leading; }
    bool ready() const override { return true; }
    double stale_seconds() const override { return 0; }
    void post(std::move_only_function<void()>) override {}

    bool leading = true;
    bool stores = true;
    std::vector<v1::Readings> appended;
};

class PollerTest : public ::testing::Test {
protected:
    PollerTest() : poller_(links(), health_, false) {}

    PollerLinks links() {
        return {
            ledger_, transport_,
            [this](std::move_only_function<void()> task) { posted_.push_back(std::move(task)); },
            [this] { return now_; }, [this] { return tick_; }};
    }

    static Wanted wanted(std::int64_t revision = 1, double poll_seconds = 60) {
        Wanted result{"bow", {}, revision};
        result.source.set_source_id("gauge");
        result.source.set_format("eccc-csv");
        result.source.set_url("http://gauges.example/ab.csv");
        result.source.set_poll_seconds(poll_seconds);
        result.source.set_stale_seconds(180);
        result.source.set_active(true);
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
    std::size_t readings() const {
        std::size_t count = 0;
        for (const auto& record : ledger_.appended)
            count += static_cast<std::size_t>(record.readings_size());
        return count;
    }
    v1::SourceHealth report() const { return health_.report("bow", wanted().source, now_); }

    Time now_ = utc("2026-05-01T12:00:00Z");
    Tick tick_{std::chrono::hours{1}};
    runtime::Metrics metrics_{""};
    HealthBook health_{metrics_};
    FakeLedger ledger_;
    FakeTransport transport_;
    std::deque<std::move_only_function<void()>> posted_;
    Poller poller_;
};

TEST_F(PollerTest, AppendsWhatIsNewAndOnlyThat) {
    transport_.answers = {answer(rows(0, 2)), answer(rows(1, 4))};
    begin();
    ASSERT_EQ(readings(), 2U);
    EXPECT_EQ(ledger_.appended[0].source_id(), "gauge");
    EXPECT_EQ(ledger_.appended[0].series(), "A:level");
    EXPECT_EQ(ledger_.appended[0].unit(), "m");
    EXPECT_EQ(until_request(), milliseconds{60'000});
    EXPECT_EQ(readings(), 4U);
    until_request();
    EXPECT_EQ(readings(), 4U) << "the same answer again";
    EXPECT_EQ(report().polls(), 3);
    EXPECT_EQ(report().readings(), 4);
    EXPECT_EQ(report().error(), "");
    EXPECT_EQ(runtime::from_proto(report().last_read_at()), utc("2026-05-01T00:03:00Z"));
}

TEST_F(PollerTest, ARequestIsBoundedAndKeptOffInnerAddresses) {
    transport_.answers = {answer(rows(0, 1))};
    begin();
    const auto& request = transport_.requests.at(0);
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.url, "http://gauges.example/ab.csv");
    EXPECT_EQ(request.timeout, milliseconds{10'000});
    EXPECT_EQ(request.response_bytes_max, body_bytes_max);
    EXPECT_FALSE(request.allow_private_addresses);
}

TEST_F(PollerTest, AsksOnlyForWhatChanged) {
    transport_.answers = {answer(rows(0, 1), "\"v1\""), status(304)};
    begin();
    until_request();
    const auto& headers = transport_.requests.at(1).headers;
    EXPECT_TRUE(std::ranges::count(headers,
                                   std::pair<std::string, std::string>{"If-None-Match", "\"v1\""}));
    EXPECT_EQ(report().error(), "") << "304 is no error";
    EXPECT_EQ(readings(), 1U);
}

TEST_F(PollerTest, ABatchHasAtMost500Readings) {
    transport_.answers = {answer(rows(0, 700))};
    begin();
    ASSERT_EQ(ledger_.appended.size(), 2U);
    EXPECT_EQ(ledger_.appended[0].readings_size(), 500);
    EXPECT_EQ(ledger_.appended[1].readings_size(), 200);
}

TEST_F(PollerTest, WhatWasNotStoredIsSentAgain) {
    transport_.answers = {answer(rows(0, 2), "\"v1\"")};
    ledger_.stores = false;
    begin();
    EXPECT_THAT(report().error(), HasSubstr("could not be stored"));
    ledger_.stores = true;
    EXPECT_LT(until_request(), milliseconds{60'000});
    EXPECT_EQ(readings(), 2U);
    for (const auto& [name, value] : transport_.requests.at(1).headers)
        EXPECT_NE(name, "If-None-Match") << "an answer of which nothing is stored";
}

TEST_F(PollerTest, ErrorsAreRetriedEverMoreSlowlyAndSuccessResets) {
    transport_.answers = {status(503)};
    begin();
    EXPECT_EQ(report().error(), "HTTP status 503");
    milliseconds last{0};
    for (int i = 0; i < 12; ++i) last = until_request();
    EXPECT_GE(last, milliseconds{150'000});
    EXPECT_LE(last, milliseconds{300'000});
    transport_.answers = {answer(rows(0, 1))};
    until_request();
    EXPECT_EQ(report().error(), "");
    EXPECT_EQ(until_request(), milliseconds{60'000});
}

TEST_F(PollerTest, RetryAfterIsObeyed) {
    transport_.answers = {status(429, "120")};
    begin();
    EXPECT_EQ(until_request(), milliseconds{120'000});
}

TEST_F(PollerTest, AMalformedBodyIsAnErrorThatSaysWhere) {
    transport_.answers = {answer("A,2026-05-01T00:00:00Z,1\nA,20")};
    begin();
    EXPECT_EQ(report().error(), "line 3: 2 columns, not 3");
    EXPECT_EQ(readings(), 0U);
}

TEST_F(PollerTest, AReadingFromTheFutureIsSkipped) {
    transport_.answers = {answer(rows(0, 1) + "A,2027-05-01T00:00:00Z,9\n")};
    begin();
    EXPECT_EQ(readings(), 1U);
    EXPECT_EQ(report().skipped(), 1);
}

TEST_F(PollerTest, OnlyTheLeaderPollsAndATakeOverStartsFromTheBeginning) {
    transport_.answers = {answer(rows(0, 2))};
    ledger_.leading = false;
    begin();
    wake();
    EXPECT_THAT(transport_.requests, IsEmpty());
    EXPECT_FALSE(report().stale());
    ledger_.leading = true;
    EXPECT_LE(until_request(), milliseconds{1'000});
    EXPECT_EQ(readings(), 2U);
    ledger_.leading = false;
    wake();
    ledger_.leading = true;
    until_request();
    EXPECT_EQ(readings(), 4U);
}

TEST_F(PollerTest, ASourceOrRulePutAnewIsPolledAtOnceAndSentAnew) {
    transport_.answers = {answer(rows(0, 2), "\"v1\"")};
    begin();
    begin(wanted(2));
    ASSERT_EQ(transport_.requests.size(), 2U);
    EXPECT_EQ(readings(), 4U);
    begin(wanted(2));
    EXPECT_EQ(transport_.requests.size(), 2U) << "nothing changed";
    until_request();
    EXPECT_EQ(transport_.requests.size(), 3U) << "the loop before polls no more";
}

TEST_F(PollerTest, ASourceThatBringsNothingNewGoesStale) {
    transport_.answers = {answer(rows(0, 1))};
    begin();
    for (int i = 0; i < 3; ++i) until_request();
    EXPECT_FALSE(report().stale());
    until_request();
    EXPECT_TRUE(report().stale());
    transport_.answers = {answer(rows(0, 2))};
    until_request();
    EXPECT_FALSE(report().stale());
}

TEST_F(PollerTest, ARemovedSourceIsPolledNoMoreAndRaisesNoAlarm) {
    transport_.answers = {answer(rows(0, 1))};
    begin();
    for (int i = 0; i < 4; ++i) until_request();
    ASSERT_TRUE(report().stale());
    poller_.refresh({});
    EXPECT_FALSE(report().stale());
    wake();
    EXPECT_EQ(transport_.requests.size(), 5U);
    EXPECT_THAT(transport_.sleepers, IsEmpty());
}

TEST_F(PollerTest, AfterAStopNothingIsPolled) {
    transport_.answers = {answer(rows(0, 1))};
    begin();
    poller_.stop();
    wake();
    EXPECT_EQ(transport_.requests.size(), 1U);
    EXPECT_THAT(transport_.sleepers, IsEmpty());
}

TEST_F(PollerTest, FiftyMillisecondsBetweenPollsAreKept) {
    transport_.answers = {answer(rows(0, 1))};
    begin(wanted(1, 0.05));
    EXPECT_EQ(until_request(), milliseconds{50});
}

TEST(RetryAfter, IsSecondsOrADateAndBounded) {
    const Time now = utc("2026-05-01T12:00:00Z");
    EXPECT_EQ(retry_after("7", now), milliseconds{7'000});
    EXPECT_EQ(retry_after("999999", now), milliseconds{3'600'000});
    EXPECT_EQ(retry_after("-5", now), milliseconds{0});
    EXPECT_EQ(retry_after("Fri, 01 May 2026 12:01:00 GMT", now), milliseconds{60'000});
    EXPECT_EQ(retry_after("Fri, 01 May 2026 11:00:00 GMT", now), milliseconds{0});
    EXPECT_EQ(retry_after("soon", now), milliseconds{0});
    EXPECT_EQ(retry_after("", now), milliseconds{0});
}

TEST(Backoff, DoublesUpToFiveMinutes) {
    EXPECT_EQ(backoff(1, 60), milliseconds{5'000});
    EXPECT_EQ(backoff(2, 60), milliseconds{10'000});
    EXPECT_EQ(backoff(1, 0.05), milliseconds{500});
    EXPECT_EQ(backoff(100, 60), milliseconds{300'000});
}

}  // namespace
}  // namespace tocsin::trigger
