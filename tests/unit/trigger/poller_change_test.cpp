// What the poller makes of answers that change what they said before: corrections, backfills,
// values that are withdrawn, series that vanish, and sources and rules put anew.
#include "support/metric_value.hpp"
#include "trigger/window.hpp"
#include "unit/trigger/poller_stage.hpp"

#include <fmt/format.h>

namespace tocsin::trigger {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PollerChangeTest : public PollerTest {
protected:
    // Every half hour from midnight, 500 each, but for these.
    static std::string half_hours(int count, const std::map<int, std::string>& other = {}) {
        std::string all;
        for (int i = 0; i < count; ++i) {
            const auto found = other.find(i);
            if (found != other.end() && found->second == "absent") continue;
            all += fmt::format("A,2026-05-01T{:02}:{:02}:00Z,{}\n", i / 2, i % 2 * 30,
                               found == other.end() ? "500" : found->second);
        }
        return all;
    }
    // What this instance sends is met in the stream at once.
    void echo() {
        ledger_.on_stored = [this](const std::string& body) { meet(body); };
    }
    void meet(const std::string& body) {
        runtime::Foreign foreign{"tocsin.trigger.readings.v1", "trigger", "bow", 0, now_, {}};
        foreign.events.push_back(body);
        heard_.met(foreign);
    }
    static Wanted four_hours(std::int64_t revision = 1) {
        Wanted one = wanted(revision);
        one.watched["A:level"] = hours{4};
        return one;
    }
    // Each reading of the last record as `00:30=500`.
    std::vector<std::string> last_sent() const {
        std::vector<std::string> all;
        for (const auto& reading : ledger_.appended.back().readings()) {
            const auto minute =
                std::chrono::duration_cast<minutes>(runtime::from_proto(reading.read_at()) -
                                                    utc("2026-05-01T00:00:00Z"))
                    .count();
            all.push_back(fmt::format("{:02}:{:02}={}", minute / 60, minute % 60, reading.value()));
        }
        return all;
    }
    void poll(const std::string& rows, const std::string& etag = "") {
        transport_.answers = {answer(rows, etag)};
        until_request();
    }
};

TEST_F(PollerChangeTest, ACorrectionOrABackfillOlderThanTheWindowIsSentFromThereOn) {
    for (const bool echoed : {false, true}) {
        if (echoed) echo();
        transport_.answers = {answer(half_hours(13, {{2, "absent"}, {0, "1900"}}))};
        begin(four_hours(echoed ? 2 : 1));
        poll(half_hours(14, {{2, "absent"}, {0, "1900"}}));
        EXPECT_EQ(last_sent().front(), "02:00=500") << "the window, and the reading before it";
        const auto before = ledger_.appended.size();
        poll(half_hours(14, {{2, "absent"}}));
        ASSERT_EQ(ledger_.appended.size(), before + 1) << "a correction";
        EXPECT_EQ(last_sent().front(), "00:00=500");
        EXPECT_THAT(last_sent(), SizeIs(13));
        poll(half_hours(14, {{2, "1700"}}));
        ASSERT_EQ(ledger_.appended.size(), before + 2) << "a gap filled in";
        EXPECT_EQ(last_sent()[0], "00:30=500");
        EXPECT_EQ(last_sent()[1], "01:00=1700");
        poll(half_hours(14, {{2, "1700"}}));
        EXPECT_EQ(ledger_.appended.size(), before + 2) << "nothing new";
        poll("A,2026-04-30T23:00:00Z,1800\n" + half_hours(14, {{2, "1700"}}));
        ASSERT_EQ(ledger_.appended.size(), before + 3) << "older than all that it had shown";
        EXPECT_EQ(ledger_.appended.back().readings(0).value(), 1800);
        poller_.refresh({});
    }
}

TEST_F(PollerChangeTest, AFileLongerThanARecordIsCutToItsNewestAndIsNoNewsEachTime) {
    std::string rows;
    for (int i = 0; i < 3'100; ++i)
        rows += fmt::format("A,2026-04-{:02}T{:02}:{:02}:00Z,{}\n", 28 + i / 1440, i / 60 % 24,
                            i % 60, i);
    transport_.answers = {answer(rows)};
    begin();
    ASSERT_THAT(ledger_.appended, SizeIs(1));
    EXPECT_EQ(ledger_.appended[0].readings_size(), static_cast<int>(window_readings_max));
    EXPECT_EQ(ledger_.appended[0].readings(0).value(), 100);
    until_request();
    EXPECT_THAT(ledger_.appended, SizeIs(1));
    poll("A,2026-04-28T00:00:00Z,9999\n" + rows);
    EXPECT_THAT(ledger_.appended, SizeIs(1)) << "of what no record can hold";
}

TEST_F(PollerChangeTest, WhoStandsInDoesNotCallNewWhatTheStreamHadBeforeTheWindow) {
    ledger_.leading = false;
    transport_.answers = {answer(half_hours(14))};
    begin(four_hours());
    // As the leader sends it: the window alone.
    const auto parsed = find_format("eccc-csv")->read(answer(half_hours(14))->body);
    v1::Readings body;
    body.set_source_id("gauge");
    body.set_series("A:level");
    body.set_unit("m");
    for (const Reading& each : std::span{parsed->series.at(0).readings}.subspan(4)) {
        auto& reading = *body.add_readings();
        *reading.mutable_read_at() = runtime::to_proto(each.read_at);
        reading.set_value(each.value);
    }
    meet(body.SerializeAsString());
    until_request();
    EXPECT_THAT(ledger_.appended, IsEmpty());
    poll(half_hours(14, {{0, "1900"}}));
    ASSERT_THAT(ledger_.appended, SizeIs(1)) << "its own last answer had it otherwise";
    EXPECT_EQ(last_sent().front(), "00:00=1900");
}

TEST_F(PollerChangeTest, AWithdrawnValueLeavesTheWindow) {
    const std::string first = "A,2026-05-01T00:05:00Z,1.5\nA,2026-05-01T00:10:00Z,1000\n";
    const std::string gone = "A,2026-05-01T00:05:00Z,1.5\nA,2026-05-01T00:10:00Z,\n";
    const std::string later = "A,2026-05-01T00:15:00Z,1.5\n";
    for (const bool echoed : {false, true}) {
        if (echoed) echo();
        transport_.answers = {answer(first)};
        begin(wanted(echoed ? 2 : 1));
        poll(gone + later);
        EXPECT_THAT(last_sent(), ElementsAre("00:05=1.5", "00:15=1.5"));
        ASSERT_EQ(ledger_.appended.back().withdrawn_size(), 1);
        EXPECT_EQ(runtime::from_proto(ledger_.appended.back().withdrawn(0)),
                  utc("2026-05-01T00:10:00Z"));
        const auto sent = ledger_.appended.size();
        poll(gone + later);
        EXPECT_EQ(ledger_.appended.size(), sent) << "it is withdrawn once";
        poll(first + later);
        EXPECT_THAT(last_sent(), ElementsAre("00:05=1.5", "00:10=1000", "00:15=1.5"))
            << "and is a value again where it is published again";
        poller_.refresh({});
    }
}

TEST_F(PollerChangeTest, WhatIsAbsentOrUnreadableIsNotWithdrawn) {
    transport_.answers = {
        answer("A,2026-05-01T00:05:00Z,1.5\nA,2026-05-01T00:10:00Z,1000\n"
               "A,2026-05-01T00:12:00Z,7\n")};
    begin();
    poll("A,2026-05-01T00:10:00Z,x\nA,2026-05-01T00:12:00Z\nA,2026-05-01T00:15:00Z,2\n");
    EXPECT_THAT(last_sent(), ElementsAre("00:05=1.5", "00:10=1000", "00:12=7", "00:15=2"));
    EXPECT_EQ(ledger_.appended.back().withdrawn_size(), 0);
}

TEST_F(PollerChangeTest, TheOnlyReadingThatIsWithdrawnLeavesNone) {
    echo();
    transport_.answers = {answer("A,2026-05-01T00:10:00Z,1000\n")};
    begin();
    poll("A,2026-05-01T00:10:00Z,\n");
    ASSERT_THAT(ledger_.appended, SizeIs(2));
    EXPECT_EQ(ledger_.appended.back().readings_size(), 0);
    EXPECT_EQ(ledger_.appended.back().unit(), "m");
    EXPECT_THAT(heard_.series("bow", "gauge", "A:level")->readings, IsEmpty());
    poll("A,2026-05-01T00:10:00Z,\n");
    EXPECT_THAT(ledger_.appended, SizeIs(2));
}

TEST_F(PollerChangeTest, AWithdrawalOlderThanTheWindowIsSentFromThereOn) {
    transport_.answers = {answer(half_hours(14, {{1, "1900"}}))};
    begin(four_hours());
    poll(half_hours(14, {{1, ""}}));
    ASSERT_THAT(ledger_.appended, SizeIs(2));
    EXPECT_EQ(last_sent()[0], "00:00=500");
    EXPECT_EQ(last_sent()[1], "01:00=500");
}

// What was sent before is met late: it must not bring back what was withdrawn since.
TEST_F(PollerChangeTest, WhatIsHeardLateBringsNothingBack) {
    std::vector<std::string> bodies;
    ledger_.on_stored = [&](const std::string& body) { bodies.push_back(body); };
    transport_.answers = {answer("A,2026-05-01T00:05:00Z,1.5\nA,2026-05-01T00:10:00Z,1000\n")};
    begin();
    poll("A,2026-05-01T00:05:00Z,1.5\nA,2026-05-01T00:10:00Z,\n");
    const auto sent = ledger_.appended.size();
    for (const std::string& body : std::span{bodies}.first(bodies.size() - 1)) meet(body);
    poll("A,2026-05-01T00:05:00Z,1.5\n");
    EXPECT_EQ(ledger_.appended.size(), sent);
    poll("A,2026-05-01T00:05:00Z,1.5\nA,2026-05-01T00:15:00Z,2\n");
    EXPECT_THAT(last_sent(), ElementsAre("00:05=1.5", "00:15=2"));
}

TEST_F(PollerChangeTest, WhatWasAheadIsAskedForAgain) {
    now_ = utc("2026-05-01T00:10:00Z");
    const std::string rows = "A,2026-05-01T00:10:00Z,1.5\nA,2026-05-01T00:16:00Z,99\n";
    transport_.answers = {answer(rows, "\"e1\"")};
    begin();
    EXPECT_EQ(last_sent(), std::vector<std::string>{"00:10=1.5"});
    until_request();
    for (const auto& [name, value] : transport_.requests.back().headers)
        EXPECT_NE(name, "If-None-Match");
    EXPECT_EQ(last_sent().back(), "00:16=99");
    until_request();
    EXPECT_TRUE(std::ranges::count(transport_.requests.back().headers,
                                   std::pair<std::string, std::string>{"If-None-Match", "\"e1\""}));
}

TEST_F(PollerChangeTest, EachThingThatIsSkippedIsCountedOnce) {
    const auto ahead = [](int minute) {
        return fmt::format("A,2026-05-01T14:{:02}:00Z,1\n", minute);
    };
    transport_.answers = {answer(ahead(0))};
    begin();
    for (int i = 1; i < 19; ++i) poll(ahead(i));
    const auto told = [this](const std::string& reason) {
        const v1::SourceHealth health = report();
        const auto found = health.skipped_by_reason().find(reason);
        EXPECT_EQ(
            testing::metric_value(metrics_, "tocsin_trigger_readings_total", {{"outcome", reason}}),
            found == health.skipped_by_reason().end() ? 0 : found->second);
        return found == health.skipped_by_reason().end() ? 0 : found->second;
    };
    EXPECT_EQ(told("ahead"), 19);
    for (int i = 0; i < 19; ++i) poll(ahead(i));
    EXPECT_EQ(told("ahead"), 19) << "each was counted";
    poll("A,20\n");
    poll("B,20\n");
    poll("A,20\nB,20\n");
    EXPECT_EQ(told("bad_row"), 2);
    begin(wanted(2));
    EXPECT_EQ(told("bad_row"), 2) << "a rule put anew makes them no other rows";
}

TEST_F(PollerChangeTest, TheSameReadingAheadUnderTwoNamesIsOne) {
    Wanted one = wanted();
    one.source.set_format("usgs-json");
    runtime::HttpResponse response;
    response.status = 200;
    response.body =
        R"({"value":{"timeSeries":[{"sourceInfo":{"siteCode":[{"value":"1"}]},"variable":{)"
        R"("variableCode":[{"value":"00065"}]},"values":[{"method":[{"methodID":7}],"value":[)"
        R"({"value":"1","dateTime":"2026-05-01T14:00:00Z"}]}]}]}})";
    transport_.answers = {response};
    begin(one);
    EXPECT_EQ(report().skipped(), 1);
}

TEST_F(PollerChangeTest, WhatWasSkippedIsRememberedForLongAndNotForEver) {
    SkipsMet met;
    const auto bad_rows = [](std::size_t from, std::size_t to) {
        std::vector<SkippedOne> all;
        for (std::size_t i = from; i < to; ++i) all.push_back({Skip::bad_row, i * 10});
        return all;
    };
    EXPECT_EQ(met.news(bad_rows(0, 4'000)).size(), 4'000U);
    EXPECT_EQ(met.news(bad_rows(4'000, 8'000)).size(), 4'000U);
    EXPECT_EQ(met.news(bad_rows(0, 4'000)).size(), 0U);
    for (std::size_t turn = 2; turn < 9; ++turn)
        EXPECT_EQ(met.news(bad_rows(turn * 4'000, (turn + 1) * 4'000)).size(), 4'000U);
    EXPECT_EQ(met.news(bad_rows(0, 4'000)).size(), 4'000U) << "the memory is bounded";
}

TEST_F(PollerChangeTest, ReadingsOfAnotherAddressSayNothingOfThisOne) {
    echo();
    transport_.answers = {answer("A,2026-05-01T00:05:00Z,99\n")};
    begin();
    EXPECT_EQ(ledger_.appended.back().address(), 0);
    Wanted other = wanted(2);
    other.address = 7;
    other.source.set_url("http://real.example/ab.csv");
    transport_.answers = {answer("A,2026-05-01T00:00:00Z,1.5\nA,2026-05-01T00:10:00Z,1.5\n")};
    begin(other);
    EXPECT_THAT(last_sent(), ElementsAre("00:00=1.5", "00:10=1.5"));
    EXPECT_EQ(ledger_.appended.back().address(), 7);
    EXPECT_THAT(heard_.series("bow", "gauge", "A:level")->readings, SizeIs(2));
    other.address = 8;
    other.revision = 3;
    other.source.set_url("http://nowhere.example/ab.csv");
    transport_.answers = {status(404)};
    begin(other);
    EXPECT_FALSE(report().has_last_read_at()) << "nothing was read there";
}

TEST_F(PollerChangeTest, WhatAServerAskedToWaitIsWaitedWhateverIsPutMeanwhile) {
    transport_.answers = {status(429, "3600")};
    begin();
    poller_.refresh({wanted(2)});
    drain();
    EXPECT_THAT(transport_.requests, SizeIs(1));
    EXPECT_EQ(until_request(), milliseconds{3'600'000});
    Wanted format = wanted(3);
    format.source.set_format("usgs-json");
    begin(format);
    EXPECT_THAT(transport_.requests, SizeIs(2)) << "the server does not know how it is read";
    Wanted elsewhere = wanted(4);
    elsewhere.source.set_url("http://other.example/");
    begin(elsewhere);
    EXPECT_THAT(transport_.requests, SizeIs(3));
}

TEST_F(PollerChangeTest, AFailureIsNotHurriedByARulePutAndGoesOnSlowingDown) {
    transport_.answers = {status(503)};
    begin();
    milliseconds slept{0};
    for (int i = 0; i < 8; ++i) {
        const auto before = transport_.requests.size();
        begin(wanted(2 + i));
        EXPECT_EQ(transport_.requests.size(), before);
        slept = until_request();
    }
    EXPECT_GE(slept, milliseconds{150'000});
    Wanted other = wanted(20);
    other.source.set_format("usgs-json");
    const auto before = transport_.requests.size();
    begin(other);
    EXPECT_EQ(transport_.requests.size(), before + 1) << "perhaps that was what was wrong";
}

TEST_F(PollerChangeTest, OfASeriesThatVanishedEverybodyKnowsAtOnce) {
    echo();
    now_ = utc("2026-05-01T00:01:00Z");
    transport_.answers = {answer(rows(0, 1) + "B,2026-05-01T00:00:00Z,1\n")};
    begin();
    EXPECT_FALSE(report().stale());
    EXPECT_FALSE(heard_.series("bow", "gauge", "A:level")->missing_since);
    poll("B,2026-05-01T00:01:00Z,1\n");
    const Time since = now_;
    EXPECT_TRUE(report().stale()) << "its newest reading is two minutes old";
    EXPECT_EQ(heard_.series("bow", "gauge", "A:level")->missing_since, since);
    EXPECT_EQ(heard_.newest("bow", "gauge", "A:level")->missing_since, since);
    poll("B,2026-05-01T00:02:00Z,1\n");
    EXPECT_EQ(heard_.series("bow", "gauge", "A:level")->missing_since, since);
    poll(rows(0, 3) + "B,2026-05-01T00:02:00Z,1\n");
    EXPECT_FALSE(heard_.series("bow", "gauge", "A:level")->missing_since);
    EXPECT_FALSE(report().stale());
}

// A file that was cut before its rows, and behind it an hour that comes late.
TEST_F(PollerChangeTest, ASeriesThatVanishedBringsWhatIsOlderWhenItReturns) {
    echo();
    now_ = utc("2026-05-01T00:20:00Z");
    transport_.answers = {answer("A,2026-05-01T00:10:00Z,500\nB,2026-05-01T00:10:00Z,1\n")};
    begin();
    poll("B,2026-05-01T00:11:00Z,1\n");
    poll(
        "A,2026-05-01T00:02:00Z,1800\nA,2026-05-01T00:10:00Z,500\n"
        "B,2026-05-01T00:12:00Z,1\n");
    bool sent = false;
    for (const v1::Readings& record : ledger_.appended)
        if (record.series() == "A:level")
            sent = sent || std::ranges::any_of(record.readings(), [](const auto& reading) {
                       return reading.value() == 1800;
                   });
    EXPECT_TRUE(sent);
}

TEST_F(PollerChangeTest, OfTheSeriesThatNoRuleReadsTheStreamHasTheNamesAndOneReading) {
    echo();
    const auto stations = [](int minute) {
        std::string all;
        for (int i = 0; i < 100; ++i)
            all +=
                fmt::format("S{},2026-05-01T00:{:02}:00Z,{}\n", i, minute - (i == 50 ? 0 : 1), i);
        return all;
    };
    Wanted one = wanted();
    one.watched.clear();
    transport_.answers = {answer(stations(1))};
    begin(one);
    ASSERT_THAT(ledger_.appended, SizeIs(1));
    EXPECT_EQ(ledger_.appended[0].series(), "S50:level");
    ASSERT_THAT(ledger_.lists, SizeIs(1));
    EXPECT_EQ(ledger_.lists[0].listed_size(), 100);
    EXPECT_THAT(heard_.names("bow", "gauge"), SizeIs(100));
    EXPECT_EQ(heard_.series("bow", "gauge", "S1:level")->unit, "m") << "as PutRule asks";
    EXPECT_EQ(report().readings(), 100);
    until_request();
    EXPECT_THAT(ledger_.appended, SizeIs(1));
    poll(stations(2));
    EXPECT_THAT(ledger_.appended, SizeIs(2));
    EXPECT_THAT(ledger_.lists, SizeIs(1)) << "the same names";
    poll(stations(2) + "T,2026-05-01T00:02:00Z,1\n");
    EXPECT_THAT(ledger_.lists, SizeIs(2));
    one.watched["S1:level"] = hours{1};
    one.revision = 2;
    poller_.refresh({one});
    drain();
    EXPECT_EQ(ledger_.appended.back().series(), "S1:level");
    EXPECT_THAT(ledger_.lists, SizeIs(2)) << "everybody heard it";
    const auto before = ledger_.appended.size();
    poll(stations(3) + "T,2026-05-01T00:02:00Z,1\n");
    EXPECT_EQ(ledger_.appended.size(), before + 1) << "the series that a rule reads says enough";
    poll(stations(3) + "T,2026-05-01T00:09:00Z,1\n");
    EXPECT_EQ(ledger_.appended.size(), before + 2) << "where nothing else tells that it lives";
}

TEST_F(PollerChangeTest, TheNamesAreToldAgainForWhoBeganSince) {
    echo();
    transport_.answers = {answer(rows(0, 1))};
    begin();
    for (int i = 0; i < 59; ++i) until_request();
    EXPECT_THAT(ledger_.lists, SizeIs(1));
    for (int i = 0; i < 3; ++i) until_request();
    EXPECT_THAT(ledger_.lists, SizeIs(2));
}

TEST_F(PollerChangeTest, AReadingOfWhatNoRuleReadsThatWasNotStoredIsSentAgain) {
    Wanted one = wanted();
    one.watched.clear();
    transport_.answers = {answer(rows(0, 1))};
    ledger_.stores = false;
    begin(one);
    EXPECT_NE(report().error(), "");
    ledger_.stores = true;
    until_request();
    EXPECT_EQ(readings(), 1U);
}

TEST_F(PollerChangeTest, WhatWasHeardOfARealmThatIsFoldedAgainIsKept) {
    echo();
    transport_.answers = {answer(rows(0, 2))};
    begin();
    poller_.refresh({}, [](const std::string& realm) { return realm != "bow"; });
    drain();
    EXPECT_THAT(heard_.series("bow", "gauge", "A:level")->readings, SizeIs(2));
    transport_.answers = {answer(rows(2, 3))};
    begin(wanted(2));
    EXPECT_THAT(last_sent(), ElementsAre("00:00=1.5", "00:01=1.5", "00:02=1.5"));
    poller_.refresh({});
    EXPECT_FALSE(heard_.series("bow", "gauge", "A:level"));
}

TEST_F(PollerChangeTest, AnAnswerLargerThanMostIsAskedForAgainWhereItsFormatMayBeSo) {
    const runtime::HttpResult cut = std::unexpected(runtime::HttpError{
        runtime::HttpError::Kind::refused_by_limit, "the answer is larger", {}, body_bytes_max});
    const std::string filler(body_bytes_max, '\n');
    transport_.answers = {cut, answer(rows(0, 2) + filler), answer(rows(0, 3)), answer(rows(0, 3))};
    begin();
    ASSERT_THAT(transport_.requests, SizeIs(2));
    EXPECT_EQ(transport_.requests[0].response_bytes_max, body_bytes_max);
    EXPECT_EQ(transport_.requests[1].response_bytes_max, long_body_bytes_max);
    EXPECT_EQ(report().error(), "");
    EXPECT_EQ(readings(), 2U);
    begin(wanted(2));
    EXPECT_EQ(transport_.requests[2].response_bytes_max, long_body_bytes_max) << "it is known";
    until_request();
    EXPECT_EQ(transport_.requests[3].response_bytes_max, body_bytes_max) << "the last was small";
    transport_.answers = {cut};
    while (report().error().empty()) wake();
    EXPECT_EQ(report().error(), "the answer is larger");
    EXPECT_EQ(transport_.requests.back().response_bytes_max, long_body_bytes_max);
    Wanted json = wanted(3);
    json.source.set_format("usgs-json");
    json.source.set_url("http://other.example/");
    const auto before = transport_.requests.size();
    transport_.answers = {cut};
    begin(json);
    EXPECT_EQ(transport_.requests.size(), before + 1);
    EXPECT_EQ(transport_.requests.back().response_bytes_max, body_bytes_max);
}

TEST_F(PollerChangeTest, AnotherUnitBeginsAnew) {
    echo();
    transport_.answers = {answer(rows(0, 2))};
    begin();
    auto feet = answer(rows(1, 2));
    feet->body.replace(feet->body.find("(m)"), 3, "(ft)");
    transport_.answers = {feet};
    until_request();
    EXPECT_THAT(last_sent(), ElementsAre("00:01=1.5"));
    EXPECT_EQ(ledger_.appended.back().unit(), "ft");
    EXPECT_THAT(heard_.series("bow", "gauge", "A:level")->readings, SizeIs(1));
}

}  // namespace
}  // namespace tocsin::trigger
