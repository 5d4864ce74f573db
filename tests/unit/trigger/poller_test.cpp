// The poller where it leads.
#include "content/graphemes.hpp"

#include "unit/trigger/poller_stage.hpp"

namespace tocsin::trigger {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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
    auto other = answer("");
    other->body = "ID,Water Level (m)\nA,1\n";
    transport_.answers = {other};
    begin();
    EXPECT_EQ(report().error(), "line 1: no column Date");
    EXPECT_EQ(readings(), 0U);
}

TEST_F(PollerTest, ABadRowCostsItselfAndIsCounted) {
    transport_.answers = {answer("A,2026-05-01T00:00:00Z,1\nA,20")};
    begin();
    EXPECT_EQ(report().error(), "");
    EXPECT_EQ(report().skipped(), 1);
    EXPECT_EQ(readings(), 1U);
}

TEST_F(PollerTest, AnAnswerIsReadAwayFromTheLoop) {
    transport_.answers = {answer(rows(0, 2))};
    reads_aside = true;
    begin();
    ASSERT_THAT(aside_, SizeIs(1));
    EXPECT_THAT(posted_, IsEmpty());
    EXPECT_EQ(readings(), 0U);
    aside_.front()();
    EXPECT_EQ(readings(), 0U) << "it goes on on the loop only";
    drain();
    EXPECT_EQ(readings(), 2U);
}

TEST_F(PollerTest, AnAnswerReadForALoopThatWasReplacedIsDropped) {
    transport_.answers = {answer(rows(0, 2))};
    reads_aside = true;
    begin();
    poller_.refresh({});
    aside_.front()();
    drain();
    EXPECT_EQ(readings(), 0U);
}

TEST_F(PollerTest, AValidatorThatCannotBeSentBackIsForgotten) {
    const std::string controls("\"a\0b\"", 5);
    std::int64_t revision = 0;
    for (const std::string& bad : {std::string{"\"a\rb\""}, controls, std::string{"\"\xff\xfe\""},
                                   std::string{"\"a\tb\""}, '"' + std::string(2000, 'a') + '"'}) {
        transport_.requests.clear();
        transport_.answers = {answer(rows(0, 1), bad)};
        begin(wanted(++revision));
        until_request();
        EXPECT_EQ(report().error(), "");
        for (const auto& [name, value] : transport_.requests.at(1).headers)
            EXPECT_NE(name, "If-None-Match") << value;
    }
}

TEST_F(PollerTest, AfterAFailureAWholeAnswerIsAskedFor) {
    transport_.answers = {answer(rows(0, 1), "\"v1\""), status(412), answer(rows(0, 2), "\"v2\"")};
    begin();
    until_request();
    EXPECT_EQ(report().error(), "HTTP status 412");
    until_request();
    for (const auto& [name, value] : transport_.requests.at(2).headers)
        EXPECT_NE(name, "If-None-Match");
    EXPECT_EQ(readings(), 2U);
}

TEST_F(PollerTest, WhatAServerSaysIsReportedAsText) {
    runtime::HttpResponse moved;
    moved.status = 302;
    moved.headers.emplace("location", "http://x/" + std::string(190, 'a') + "\xc3\xa9\xc3\xa9");
    transport_.answers = {moved};
    begin();
    // 200 bytes end within the letter.
    EXPECT_THAT(report().error(), HasSubstr("it moved to http://x/" + std::string(190, 'a') + ";"));
    EXPECT_TRUE(content::is_printable(report().error())) << report().error();
    transport_.answers = {std::unexpected(runtime::HttpError{
        runtime::HttpError::Kind::not_sent, std::string(499, 'a') + "\xc3\xa9\xff", {}})};
    until_request();
    EXPECT_TRUE(content::is_printable(report().error()));
    EXPECT_LE(report().error().size(), 500U);
}

TEST_F(PollerTest, OfARedirectOnlyWhatIsNoSecretIsShown) {
    const std::pair<std::string, std::string> cases[] = {
        {"https://eva:secret@x:8443/new/file.csv?key=secret#secret",
         "it moved to https://x:8443/new/file.csv; put that address"},
        {"//x/other?key=secret", "//x/other; put that address"},
        {"/elsewhere?key=secret", "/elsewhere; put that address"},
        {"javascript:secret", "it moved; ask who runs it"},
        {"ftp://x/secret", "it moved; ask who runs it"},
        {"", "it moved; ask who runs it"}};
    for (const auto& [location, shown] : cases) {
        runtime::HttpResponse moved;
        moved.status = 301;
        if (!location.empty()) moved.headers.emplace("location", location);
        transport_.answers.emplace_back(moved);
    }
    begin();
    for (const auto& [location, shown] : cases) {
        EXPECT_THAT(report().error(), HasSubstr(shown)) << location;
        EXPECT_THAT(report().error(), Not(HasSubstr("secret"))) << location;
        until_request();
    }
}

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
