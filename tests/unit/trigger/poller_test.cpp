// The poller where it leads: whom it polls when, and what it reports of them.
#include "trigger/poller.hpp"

#include "unit/trigger/poller_stage.hpp"

namespace tocsin::trigger {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(PollerTest, ASourceIsPolledOnceASecondAtTheMostOften) {
    transport_.answers = {answer(rows(0, 1))};
    begin(wanted(1, 0.05));
    EXPECT_EQ(until_request(), milliseconds{1'000});
}

TEST_F(PollerTest, ARealmThatBroughtTooMuchIsPolledLaterAndSaysSo) {
    auto heavy = answer(rows(0, 1));
    heavy->body.append(7 << 20, '\n');
    transport_.answers = {heavy};
    begin(wanted(1, 1));
    for (int i = 0; i < 30 && report().error().empty(); ++i) wake();
    EXPECT_THAT(report().error(), HasSubstr("polled later"));
    EXPECT_THAT(transport_.requests, SizeIs(::testing::Lt(15)));
    EXPECT_GT(until_request(), milliseconds{1'000});
    EXPECT_EQ(report().error(), "");
}

TEST_F(PollerTest, WhatAFailedAnswerBroughtCountsAsWell) {
    transport_.answers = {std::unexpected(runtime::HttpError{
        runtime::HttpError::Kind::unknown_outcome, "it was cut", {}, std::size_t{30} << 20})};
    begin(wanted(1, 1));
    for (int i = 0; i < 30 && report().error() == "it was cut"; ++i) wake();
    EXPECT_THAT(report().error(), HasSubstr("it was cut; polled later"));
    EXPECT_THAT(transport_.requests, SizeIs(::testing::Le(4)));
}

TEST_F(PollerTest, SoManyPollsOfARealmAreUnderWayAtATime) {
    transport_.answers = {answer(rows(0, 1))};
    transport_.holds = true;
    std::vector<Wanted> many;
    for (int i = 0; i < 20; ++i) {
        many.push_back(wanted());
        many.back().source.set_source_id("gauge-" + std::to_string(i));
    }
    poller_.refresh(many);
    EXPECT_THAT(transport_.held, SizeIs(8));
    const auto first = transport_.held.front();
    transport_.held.erase(transport_.held.begin());
    first.resume();
    drain();
    until_request();
    EXPECT_THAT(transport_.held, SizeIs(8));
}

// Whose servers take a request and do not answer it.
TEST_F(PollerTest, ASourceThatWaitsForItsTurnForLongSaysSo) {
    transport_.answers = {answer(rows(0, 1))};
    transport_.holds = true;
    std::vector<Wanted> many(9, wanted(1, 5));
    for (std::size_t i = 0; i < 8; ++i)
        many[i].source.set_source_id("hanging-" + std::to_string(i));
    poller_.refresh(many);
    for (int i = 0; i < 40; ++i) wake();
    EXPECT_EQ(report().error(), "");
    for (int i = 0; i < 100 && report().error().empty(); ++i) wake();
    EXPECT_THAT(report().error(), HasSubstr("polled later: 8 polls of a realm"));
}

TEST_F(PollerTest, OfWhatIsOutOfUseNoSeriesIsLeft) {
    transport_.answers = {answer(rows(0, 1))};
    const auto series = [this] {
        std::size_t count = 0;
        for (const auto& family : metrics_.registry().Collect())
            if (family.name.starts_with("tocsin_trigger_source_")) count += family.metric.size();
        return count;
    };
    begin();
    EXPECT_EQ(series(), 2U);
    poller_.refresh({});
    EXPECT_EQ(series(), 0U);
    wake();
    EXPECT_EQ(series(), 0U) << "its loop has ended";
    begin(wanted(2));
    EXPECT_EQ(series(), 2U);
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
    EXPECT_EQ(ledger_.appended.size(), 2U);
}

TEST_F(PollerTest, ASourceOrRulePutAnewIsPolledAtOnceAndSentAnew) {
    transport_.answers = {answer(rows(0, 2), "\"v1\"")};
    begin();
    begin(wanted(2));
    ASSERT_EQ(transport_.requests.size(), 2U);
    EXPECT_EQ(ledger_.appended.size(), 2U);
    begin(wanted(2));
    EXPECT_EQ(transport_.requests.size(), 2U) << "nothing changed";
    until_request();
    EXPECT_EQ(transport_.requests.size(), 3U) << "the loop before polls no more";
}

TEST_F(PollerTest, ASourceWantedAgainAfterTheViewWasEmptyIsWatchedAnew) {
    transport_.answers = {answer(rows(0, 1))};
    begin();
    poller_.refresh({});
    begin();
    EXPECT_EQ(transport_.requests.size(), 2U);
    EXPECT_EQ(report().polls(), 1);
    EXPECT_EQ(report().readings(), 1);
    EXPECT_TRUE(report().has_last_read_at());
    until_request();
    EXPECT_EQ(report().polls(), 2);
    EXPECT_THAT(transport_.sleepers, SizeIs(1)) << "the loop before has ended";
}

TEST_F(PollerTest, ALoopThatWasReplacedAmidARecordTellsNothing) {
    transport_.answers = {answer(rows(0, 1))};
    poller_.refresh({wanted()});
    ASSERT_THAT(posted_, SizeIs(1)) << "stored, which the loop does not know yet";
    poller_.refresh({});
    poller_.refresh({wanted()});
    drain();
    EXPECT_EQ(report().polls(), 1);
    EXPECT_EQ(report().readings(), 1);
    EXPECT_THAT(transport_.sleepers, SizeIs(1));
}

TEST_F(PollerTest, ALoopThatWasReplacedAmidARequestStoresAndTellsNothing) {
    transport_.answers = {answer(rows(0, 1) + "A,2027-05-01T00:00:00Z,9\n"), answer(rows(0, 1))};
    transport_.holds = true;
    begin();
    ASSERT_THAT(transport_.held, SizeIs(1));
    transport_.holds = false;
    begin(wanted(2));
    ASSERT_EQ(readings(), 1U);
    transport_.held[0].resume();
    drain();
    EXPECT_EQ(readings(), 1U);
    EXPECT_EQ(report().polls(), 1);
    EXPECT_EQ(report().skipped(), 0);
    EXPECT_THAT(transport_.sleepers, SizeIs(1));
}

TEST_F(PollerTest, ASourceThatBringsNothingNewGoesStale) {
    transport_.answers = {answer(rows(720, 721))};
    begin();
    for (int i = 0; i < 2; ++i) until_request();
    EXPECT_FALSE(report().stale());
    for (int i = 0; i < 2; ++i) until_request();
    EXPECT_TRUE(report().stale());
    transport_.answers = {answer(rows(720, 724))};
    until_request();
    EXPECT_FALSE(report().stale());
}

TEST_F(PollerTest, AReadingIsAsOldAsItSaysHoweverNewItIsHere) {
    // The newest of 11:39, and then of 11:40.
    transport_.answers = {answer(rows(0, 700)), answer(rows(0, 701))};
    begin();
    EXPECT_TRUE(report().stale());
    until_request();
    EXPECT_TRUE(report().stale());
}

// Case 05: one station of the file stops, and the other goes on.
TEST_F(PollerTest, ASourceIsAsOldAsTheOldestSeriesThatRulesRead) {
    transport_.answers = {answer("A,2026-05-01T11:50:00Z,1\nB,2026-05-01T12:00:00Z,1\n")};
    begin();
    EXPECT_TRUE(report().stale());
    Wanted other = wanted(2);
    other.watched = {{"B:level", std::chrono::hours{1}}};
    begin(other);
    EXPECT_FALSE(report().stale());
    Wanted absent = wanted(3);
    absent.watched["C:level"] = std::chrono::hours{1};
    begin(absent);
    for (int i = 0; i < 4; ++i) until_request();
    EXPECT_TRUE(report().stale()) << "it never came";
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

TEST_F(PollerTest, WhereInnerAddressesArePolledFiftyMillisecondsAreKept) {
    Poller poller(links(), health_, true);
    transport_.answers = {answer(rows(0, 1))};
    poller.refresh({wanted(1, 0.05)});
    drain();
    EXPECT_EQ(until_request(), milliseconds{50});
}

}  // namespace
}  // namespace tocsin::trigger
