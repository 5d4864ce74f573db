// What an answer brings to the stream of readings.
#include "trigger/source_stream.hpp"

#include "unit/trigger/poller_stage.hpp"

namespace tocsin::trigger {
namespace {

using ::testing::HasSubstr;

TEST_F(PollerTest, AppendsWhatIsNewAndOnlyThat) {
    transport_.answers = {answer(rows(0, 2)), answer(rows(1, 4))};
    begin();
    ASSERT_EQ(readings(), 2U);
    EXPECT_EQ(ledger_.appended[0].source_id(), "gauge");
    EXPECT_EQ(ledger_.appended[0].series(), "A:level");
    EXPECT_EQ(ledger_.appended[0].unit(), "m");
    EXPECT_EQ(until_request(), milliseconds{60'000});
    EXPECT_EQ(readings(), 4U);
    ASSERT_EQ(ledger_.appended.size(), 2U);
    EXPECT_EQ(ledger_.appended[1].readings_size(), 4) << "with what was before";
    until_request();
    EXPECT_EQ(ledger_.appended.size(), 2U) << "the same answer again";
    EXPECT_EQ(report().polls(), 3);
    EXPECT_EQ(report().readings(), 4);
    EXPECT_EQ(report().error(), "");
    EXPECT_EQ(runtime::from_proto(report().last_read_at()), utc("2026-05-01T00:03:00Z"));
}

TEST_F(PollerTest, ARecordHasWhatTheRulesNeedAndTheReadingBefore) {
    transport_.answers = {answer(rows(0, 180)), answer(rows(0, 181))};
    Wanted one = wanted();
    one.watched["A:level"] = std::chrono::hours{1};
    begin(one);
    ASSERT_EQ(ledger_.appended.size(), 1U);
    EXPECT_EQ(ledger_.appended[0].readings_size(), 180) << "at first with all that there is";
    until_request();
    ASSERT_EQ(ledger_.appended.size(), 2U);
    EXPECT_EQ(ledger_.appended[1].readings_size(), 62);
    EXPECT_EQ(runtime::from_proto(ledger_.appended[1].readings(0).read_at()),
              utc("2026-05-01T01:59:00Z"));
}

TEST_F(PollerTest, OfASeriesThatNoRuleReadsTheNewestReadingIsSent) {
    Wanted one = wanted();
    one.watched.clear();
    transport_.answers = {answer(rows(0, 3)), answer(rows(0, 3)), answer(rows(0, 5))};
    begin(one);
    ASSERT_EQ(ledger_.appended.size(), 1U);
    EXPECT_EQ(ledger_.appended[0].readings_size(), 1);
    until_request();
    EXPECT_EQ(ledger_.appended.size(), 1U);
    until_request();
    ASSERT_EQ(ledger_.appended.size(), 2U);
    EXPECT_EQ(ledger_.appended[1].readings_size(), 1);
}

TEST_F(PollerTest, WhatIsCorrectedOrFilledInLaterIsSent) {
    const std::string first = "A,2026-05-01T00:00:00Z,1\nA,2026-05-01T00:20:00Z,2\n";
    const std::string filled = first + "A,2026-05-01T00:10:00Z,9\n";
    const std::string corrected = filled + "A,2026-05-01T00:20:00Z,3\n";
    transport_.answers = {answer(first), answer(filled), answer(corrected)};
    begin();
    until_request();
    ASSERT_EQ(ledger_.appended.size(), 2U);
    EXPECT_EQ(ledger_.appended[1].readings(1).value(), 9);
    until_request();
    ASSERT_EQ(ledger_.appended.size(), 3U);
    EXPECT_EQ(ledger_.appended[2].readings_size(), 3);
    EXPECT_EQ(ledger_.appended[2].readings(2).value(), 3);
}

// A server that shows but its latest value: the time before is what the stream had.
TEST_F(PollerTest, WhatTheStreamHadIsTheTimeBefore) {
    v1::Readings before;
    before.set_source_id("gauge");
    before.set_series("A:level");
    before.set_unit("m");
    auto& reading = *before.add_readings();
    *reading.mutable_read_at() = runtime::to_proto(utc("2026-05-01T11:00:00Z"));
    reading.set_value(7);
    runtime::Foreign record{"tocsin.trigger.readings.v1", "trigger", "bow", 0, now_, {}};
    record.events.push_back(before.SerializeAsString());
    heard_.recall(record);
    transport_.answers = {answer("A,2026-05-01T11:30:00Z,8\n")};
    begin();
    ASSERT_EQ(ledger_.appended.size(), 1U);
    ASSERT_EQ(ledger_.appended[0].readings_size(), 2);
    EXPECT_EQ(ledger_.appended[0].readings(0).value(), 7);
}

TEST_F(PollerTest, WhatIsSkippedIsCountedOnceByItsReason) {
    transport_.answers = {answer("A,2026-05-01T00:00:00Z,x\nA,2026-05-01T13:00:00Z,1\nA,20\n")};
    begin();
    until_request();
    ASSERT_EQ(report().error(), "");
    const v1::SourceHealth told = report();
    const auto& reasons = told.skipped_by_reason();
    EXPECT_EQ(reasons.at("bad_value"), 1);
    EXPECT_EQ(reasons.at("bad_row"), 1);
    EXPECT_EQ(reasons.at("ahead"), 1);
    EXPECT_EQ(report().skipped(), 3);
    EXPECT_THAT(report().first_fault(), HasSubstr("line 4"));
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

TEST_F(PollerTest, AReadingFromTheFutureIsSkipped) {
    transport_.answers = {answer(rows(0, 1) + "A,2027-05-01T00:00:00Z,9\n")};
    begin();
    EXPECT_EQ(readings(), 1U);
    EXPECT_EQ(report().skipped(), 1);
}

}  // namespace
}  // namespace tocsin::trigger
