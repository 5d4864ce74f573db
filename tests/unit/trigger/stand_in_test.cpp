// The poller where another instance leads, or nobody does.
#include "support/metric_value.hpp"
#include "unit/trigger/poller_stage.hpp"

#include <cmath>

namespace tocsin::trigger {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

// Five polls of a minute, and half as much again for the jitter; it looks once a second.
auto patiently() { return AllOf(Ge(milliseconds{300'000}), Le(milliseconds{452'000})); }

class StandInTest : public PollerTest {
protected:
    StandInTest() { ledger_.leading = false; }

    // The stream brings a record: of another instance, unless it was sent here just before.
    void meet(const std::string& body) {
        runtime::Foreign foreign;
        foreign.realm = "bow";
        foreign.at = now_;
        foreign.events.push_back(body);
        heard_.met(foreign);
    }
    // Another instance brings the reading of so many minutes past midnight.
    void others_bring(int minute) {
        const auto parsed = find_format("eccc-csv")->read(answer(rows(minute, minute + 1))->body);
        ASSERT_TRUE(parsed);
        v1::Readings body;
        body.set_source_id("gauge");
        body.set_series(parsed->series.at(0).name);
        body.set_unit(parsed->series[0].unit);
        auto& reading = *body.add_readings();
        *reading.mutable_read_at() = runtime::to_proto(parsed->series[0].readings[0].read_at);
        reading.set_value(parsed->series[0].readings[0].value);
        meet(body.SerializeAsString());
    }
    // What this instance sends is met in the stream.
    void echo() {
        ledger_.on_stored = [this](const std::string& body) { meet(body); };
    }
    void let_pass(milliseconds time) {
        for (milliseconds slept{0}; slept < time;) slept += wake();
    }
    double stale() {
        return testing::metric_value(metrics_, "tocsin_trigger_source_stale",
                                     {{"realm", "bow"}, {"source", "gauge"}})
            .value_or(-1);
    }
};

TEST_F(StandInTest, WhereNothingIsHeardAFollowerPollsOnceAndAgainAfterAsLong) {
    transport_.answers = {answer(rows(0, 2), "\"v1\""), status(304)};
    begin();
    EXPECT_THAT(transport_.requests, IsEmpty());
    EXPECT_THAT(until_request(), patiently());
    EXPECT_EQ(readings(), 2U);
    EXPECT_THAT(until_request(), patiently());
    EXPECT_EQ(readings(), 2U);
    EXPECT_TRUE(std::ranges::count(transport_.requests[1].headers,
                                   std::pair<std::string, std::string>{"If-None-Match", "\"v1\""}));
}

TEST_F(StandInTest, ItDoesNotWhileReadingsArrive) {
    transport_.answers = {answer(rows(0, 200))};
    begin();
    for (int minute = 0; minute < 120; ++minute) {
        others_bring(minute);
        let_pass(minutes{1});
    }
    EXPECT_THAT(transport_.requests, IsEmpty());
    EXPECT_GE(until_request(), milliseconds{240'000}) << "the last came a minute ago";
}

TEST_F(StandInTest, ItNeverDoesSoMoreOftenThanOnceAMinute) {
    transport_.answers = {answer(rows(0, 1))};
    begin(wanted(1, 0.05));
    EXPECT_THAT(until_request(), AllOf(Ge(milliseconds{60'000}), Le(milliseconds{92'000})));
}

TEST_F(StandInTest, TwoFollowersDoNotDoItInTheSameSecond) {
    transport_.answers = {status(304)};
    std::set<milliseconds> waited;
    begin();
    for (int i = 0; i < 10; ++i) waited.insert(until_request());
    EXPECT_GE(waited.size(), 3U);
}

TEST_F(StandInTest, AnInstanceThatIsNotReadyDoesNotPollAndBeginsToWaitOnceItIs) {
    transport_.answers = {answer(rows(0, 2))};
    ledger_.serving = false;
    begin();
    let_pass(hours{1});
    ledger_.leading = true;  // As it was before it was halted.
    let_pass(hours{1});
    EXPECT_THAT(transport_.requests, IsEmpty());
    ledger_.leading = false;
    ledger_.serving = true;
    EXPECT_THAT(until_request(), patiently());
    ledger_.serving = false;
    let_pass(hours{1});
    EXPECT_THAT(transport_.requests, SizeIs(1));
}

TEST_F(StandInTest, WhatItAppendedOrHeardIsNotAppendedAgain) {
    transport_.answers = {answer(rows(0, 2)), answer(rows(0, 2)), answer(rows(0, 4)),
                          answer(rows(0, 5))};
    begin();
    until_request();
    ASSERT_EQ(readings(), 2U);
    until_request();
    EXPECT_EQ(readings(), 2U);
    others_bring(2);
    others_bring(3);
    until_request();
    EXPECT_EQ(readings(), 2U) << "another brought them, and they were weighed here too";
    ASSERT_EQ(ledger_.appended.size(), 1U);
    until_request();
    ASSERT_EQ(ledger_.appended.size(), 2U);
    EXPECT_EQ(ledger_.appended[1].readings_size(), 5) << "with what the other brought";
}

TEST_F(StandInTest, ForARulePutAnewItSendsWhatWasHeardBefore) {
    transport_.answers = {answer(rows(0, 2))};
    begin();
    others_bring(0);
    others_bring(1);
    let_pass(minutes{1});
    begin(wanted(2));
    until_request();
    EXPECT_EQ(readings(), 2U);
}

TEST_F(StandInTest, OnceItLeadsItPollsAtOnceAndSendsEverything) {
    transport_.answers = {answer(rows(0, 2))};
    begin();
    until_request();
    ledger_.leading = true;
    EXPECT_LE(until_request(), milliseconds{1'000});
    EXPECT_EQ(ledger_.appended.size(), 2U);
    EXPECT_EQ(until_request(), milliseconds{60'000});
}

TEST_F(StandInTest, ASourceOutOfUseIsNotPolled) {
    transport_.answers = {answer(rows(0, 2))};
    begin();
    let_pass(minutes{4});
    poller_.refresh({});
    wake();
    EXPECT_THAT(transport_.sleepers, IsEmpty());
    EXPECT_THAT(transport_.requests, IsEmpty());
    EXPECT_FALSE(report().stale());
    EXPECT_EQ(stale(), -1) << "there is no such series any more";
}

TEST_F(StandInTest, AServerThatFailsIsAskedNoMoreOftenAndItsWishToWaitIsObeyed) {
    transport_.answers = {status(503), status(429, "3600"), status(503)};
    begin();
    EXPECT_THAT(until_request(), patiently());
    EXPECT_THAT(until_request(), patiently());
    let_pass(minutes{59});
    EXPECT_THAT(transport_.requests, SizeIs(2));
    until_request();
}

// The leader asks every minute, and the gauge has something new every quarter of an hour.
TEST_F(StandInTest, BesideALeaderThatFindsNothingNewItPollsAtMostOnceInFive) {
    echo();
    begin();
    int told = -1;
    const int polls_of_leader = 20 * 60;
    for (int minute = 0; minute < polls_of_leader; ++minute) {
        const int newest = minute / 15;
        transport_.answers = {answer(rows(0, newest + 1))};
        let_pass(milliseconds{30'500});
        if (std::exchange(told, newest) != newest) others_bring(newest);
        let_pass(milliseconds{29'500});
    }
    EXPECT_LE(transport_.requests.size(), polls_of_leader / 5U);
    EXPECT_GE(transport_.requests.size(), polls_of_leader / 15U) << "it does stand in";
}

TEST_F(StandInTest, WhereItsReadingsStandAloneItKeepsTheSourcesPaceUntilAnothersCome) {
    echo();
    transport_.answers = {answer(rows(0, 1)), answer(rows(0, 2)), answer(rows(0, 3))};
    begin();
    EXPECT_THAT(until_request(), patiently());
    EXPECT_THAT(until_request(), patiently());
    EXPECT_EQ(until_request(), milliseconds{60'000});
    EXPECT_EQ(until_request(), milliseconds{60'000}) << "nothing new, and nobody else";
    EXPECT_EQ(readings(), 3U);
    others_bring(2);
    EXPECT_THAT(until_request(), patiently());
}

TEST_F(StandInTest, WhatIsNotMetInTheStreamProvesNothing) {
    transport_.answers = {answer(rows(0, 1)), answer(rows(0, 2)), answer(rows(0, 3))};
    begin();
    for (int i = 0; i < 4; ++i) EXPECT_THAT(until_request(), patiently());
}

TEST_F(StandInTest, AfterATimeOutOfServiceItNoLongerCountsAsAlone) {
    echo();
    transport_.answers = {answer(rows(0, 1)), answer(rows(0, 2)), status(304)};
    begin();
    for (int i = 0; i < 3; ++i) until_request();
    ledger_.serving = false;
    let_pass(minutes{1});
    ledger_.serving = true;
    EXPECT_THAT(until_request(), patiently());
}

TEST_F(StandInTest, TheStaleMetricSaysWhatTheStreamBringsWhoeverPolls) {
    transport_.answers = {status(503)};
    begin();
    EXPECT_TRUE(std::isnan(stale())) << "it heard nothing yet, of which it could speak";
    others_bring(720);
    wake();
    EXPECT_EQ(stale(), 0);
    let_pass(minutes{2});
    others_bring(720);
    let_pass(minutes{1} + milliseconds{1'000});
    EXPECT_EQ(stale(), 1) << "the same reading again is no news";
    EXPECT_TRUE(report().stale());
    others_bring(721);
    wake();
    EXPECT_EQ(stale(), 0);
    EXPECT_EQ(runtime::from_proto(report().last_read_at()), utc("2026-05-01T12:01:00Z"));
}

TEST_F(StandInTest, WhatOthersBringIsAsOldAsItSays) {
    begin();
    others_bring(600);
    wake();
    EXPECT_EQ(stale(), 1) << "silent for two hours, whenever it was sent";
    EXPECT_TRUE(report().stale());
    others_bring(719);
    wake();
    EXPECT_EQ(stale(), 0);
}

TEST_F(StandInTest, AReadingFromAheadIsNone) {
    begin();
    others_bring(750);
    wake();
    EXPECT_TRUE(std::isnan(stale()));
    let_pass(minutes{4});
    EXPECT_EQ(stale(), 1);
}

TEST_F(StandInTest, AStragglerOfASourceOutOfUseIsLetGo) {
    begin();
    poller_.refresh({});
    wake();
    others_bring(720);
    poller_.refresh({});
    EXPECT_FALSE(heard_.of("bow", "gauge").newest);
    begin();
    others_bring(721);
    wake();
    EXPECT_EQ(stale(), 0) << "in use again, it is heard again";
}

TEST_F(StandInTest, WhereNobodyPollsEveryInstanceSaysStale) {
    transport_.answers = {answer(rows(720, 721)), answer(rows(720, 722))};
    ledger_.leading = true;
    begin();
    EXPECT_EQ(stale(), 0);
    ledger_.serving = false;  // Halted: it leads on paper.
    let_pass(minutes{1});
    EXPECT_TRUE(std::isnan(stale())) << "it must not say for others that all is well";
    let_pass(minutes{2} + milliseconds{30'000});
    EXPECT_EQ(transport_.requests.size(), 1U);
    EXPECT_EQ(stale(), 1);
    ledger_.serving = true;
    until_request();
    EXPECT_EQ(stale(), 0);
}

TEST_F(StandInTest, ItsOwnPollsSpeakInTheStaleMetricToo) {
    transport_.answers = {answer(rows(725, 726))};
    begin();
    let_pass(minutes{3} + milliseconds{1'000});
    EXPECT_EQ(stale(), 1) << "nothing was heard since it started";
    until_request();
    EXPECT_EQ(stale(), 0);
    EXPECT_EQ(report().readings(), 1);
}

TEST_F(StandInTest, AFormatOfANewerVersionIsHeardOfButNotPolled) {
    Wanted newer = wanted();
    newer.source.set_format("newer");
    ledger_.leading = true;
    begin(newer);
    others_bring(720);
    wake();
    EXPECT_EQ(stale(), 0);
    let_pass(minutes{10});
    EXPECT_EQ(stale(), 1);
    EXPECT_THAT(transport_.requests, IsEmpty());
    EXPECT_EQ(report().error(),
              "this version of the service cannot read its format; upgrade the service");
}

}  // namespace
}  // namespace tocsin::trigger
