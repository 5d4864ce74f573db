// What a rule makes of the readings that come in.
#include "trigger/crossing.hpp"

#include "unit/trigger/bow_rule.hpp"
#include "unit/trigger/gauge_files.hpp"

#include <cmath>
#include <limits>

namespace tocsin::trigger {
namespace {

using namespace cases;
using testing::at;
using testing::Given;

TEST(Crossing, BearsTheEditorsOfItsRuleAndItsSource) {
    v1::Event source = source_put(), rule = rule_put();
    for (const char* editor : {"ana", "ben"}) {
        source.mutable_source_put()->mutable_source()->add_editors(editor);
        rule.mutable_rule_put()->mutable_rule()->add_editors(std::string(editor) + "-too");
    }
    rule.mutable_rule_put()->mutable_rule()->add_editors("ana");
    Given<Decider> given({source, rule});
    given.when(readings({{0, 1200}}));
    ASSERT_EQ(given.events().size(), 2U);
    const auto& editors = given.events()[1].rule_crossed().editors();
    EXPECT_EQ((std::vector<std::string>(editors.begin(), editors.end())),
              (std::vector<std::string>{"ana-too", "ben-too", "ana", "ben"}));
}

TEST(Crossing, AReadingAtTheThresholdCrossesAtOnce) {
    auto given = watching({.max_age_seconds = 7200});
    given.on(at(70)).when(readings({{0, 999.9}, {60, 1000}}));
    ASSERT_EQ(kinds(given), "crossed@60");
    const auto& crossed = given.events().back().rule_crossed();
    EXPECT_EQ(crossed.template_id(), "river-high");
    EXPECT_EQ(crossed.agency_id(), "calgary");
    EXPECT_EQ(crossed.time_zone(), "America/Edmonton");
    EXPECT_EQ(runtime::from_proto(crossed.draft_until()), at(60 + 7200));
    const auto& crossing = crossed.crossing();
    EXPECT_EQ(crossing.rule_id(), "bow-high");
    EXPECT_EQ(crossing.incident_id(), "flood");
    EXPECT_EQ(runtime::from_proto(crossing.cross_time()), at(70));
    ASSERT_EQ(crossing.evidence_size(), 1);
    EXPECT_EQ(crossing.evidence(0).value(), 1000);
    EXPECT_EQ(crossing.evidence(0).threshold(), 1000);
    EXPECT_EQ(crossing.evidence(0).unit(), "m3/s");
    EXPECT_EQ(runtime::from_proto(crossing.evidence(0).read_at()), at(60));
}

TEST(Crossing, ASeriesThatStaysBelowLeavesOneRecordThatBindsIt) {
    auto given = watching();
    given.when(readings({{0, 10}, {60, 999}}));
    ASSERT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.events()[0].series_bound().unit(), "m3/s");
    EXPECT_FALSE(given.when(readings({{0, 10}, {60, 999}, {120, 11}})).reacted());
}

TEST(Crossing, StayingAboveForTheDurationHasTheFirstReadingAsEvidence) {
    auto given = watching({.for_seconds = 120});
    given.when(readings({{0, 1001}, {60, 1002}, {120, 1004}}));
    const auto& crossing = given.events().back().rule_crossed().crossing();
    ASSERT_EQ(crossing.evidence_size(), 2);
    EXPECT_EQ(crossing.evidence(0).value(), 1004);
    EXPECT_EQ(crossing.evidence(1).value(), 1001);
}

TEST(Crossing, ASuppressedOneSaysUntilWhen) {
    auto given = watching({.cooldown_seconds = 600});
    given.when(readings({{0, 1001}, {60, 10}, {120, 1002}, {180, 1003}}));
    ASSERT_EQ(kinds(given), "crossed@0 suppressed reset");
    const auto& suppressed = given.events()[2].crossing_suppressed();
    EXPECT_EQ(suppressed.reading().value(), 1002);
    EXPECT_EQ(runtime::from_proto(suppressed.cooldown_until()), at(600));
    EXPECT_EQ(given.state().rules.find("bow-high")->crossings, 1);
}

// As it is by now, and with the crossing whose message somebody may be reading.
TEST(Crossing, ARevisionSaysWhatItWasAndWhatItIs) {
    auto given = watching();
    given.when(readings({{60, 1900}}));
    const std::string id = given.events().back().rule_crossed().crossing().crossing_id();
    given.when(readings({{60, 1500}}));
    ASSERT_EQ(kinds(given), "revised");
    const auto& revised = given.events()[0].evidence_revised();
    EXPECT_EQ(revised.crossing_id(), id);
    EXPECT_EQ(revised.revision().before().value(), 1900);
    EXPECT_EQ(revised.revision().after().value(), 1500);
    given.when(readings({{60, 900}}));
    EXPECT_EQ(given.events()[0].evidence_revised().revision().before().value(), 1500);
}

TEST(Crossing, AReadingFromAheadIsPassedByAndSilencesNothing) {
    auto given = watching();
    auto ahead = readings({{0, 10}, {3540, 10}, {60, 1100}});
    ahead.at = at(60);
    EXPECT_EQ(kinds(given.on(at(60)).when(ahead)), "crossed@60");
}

TEST(Crossing, AnotherUnitOrSensorIsAnotherSeries) {
    auto given = watching();
    given.when(readings({{0, 300}}, {.sensor = "11878"}));
    EXPECT_FALSE(
        given.when(readings({{60, 10'594}}, {.unit = "ft3/s", .sensor = "11878"})).reacted());
    EXPECT_FALSE(given.when(readings({{60, 5'000}}, {.sensor = "300001"})).reacted());
    EXPECT_EQ(kinds(given.when(readings({{60, 1'100}}, {.sensor = "11878"}))), "crossed@60");
}

TEST(Crossing, TheUnitOfTheRuleIsTheOneThatCounts) {
    auto given = watching({.unit = "m3/s"});
    EXPECT_FALSE(given.when(readings({{0, 10'594}}, {.unit = "ft3/s"})).reacted());
    EXPECT_EQ(kinds(given.when(readings({{0, 1'100}}))), "crossed@0");
}

// Drafting refused it: the template was mistyped.
TEST(Crossing, IsTriedAgainAsTheRuleIsAfterItWasCorrected) {
    auto given = watching({.max_age_seconds = hour});
    given.on(at(0)).when(readings({{0, 1200}}));
    const auto crossing = given.events().back().rule_crossed().crossing().crossing_id();
    v1::Event corrected = rule_put({.max_age_seconds = hour});
    corrected.mutable_rule_put()->mutable_rule()->set_template_id("river-high-2");
    Given<Decider> late = given;
    given.on(at(hour - 1)).when(put_as(corrected));
    ASSERT_EQ(kinds(given), "other retried");
    const auto& retried = given.events()[1].crossing_retried();
    EXPECT_EQ(retried.crossing().crossing_id(), crossing);
    EXPECT_EQ(retried.template_id(), "river-high-2");
    EXPECT_EQ(kinds(late.on(at(hour)).when(put_as(corrected))), "other") << "too old by then";
}

TEST(Crossing, AllOfThemAreTriedAgainAndAsLongAsTheRuleNowSays) {
    auto given = watching({.max_age_seconds = hour});
    given.on(at(200)).when(readings({{0, 1100}, {60, 1}, {120, 1200}}));
    v1::Event edited = rule_put({.max_age_seconds = 2 * hour});
    given.on(at(hour + 60)).when(put_as(edited));
    ASSERT_EQ(kinds(given), "other retried retried") << "old for what the rule was";
    EXPECT_EQ(runtime::from_proto(given.events()[1].crossing_retried().draft_until()),
              at(2 * hour));
    edited.mutable_rule_put()->mutable_rule()->set_threshold(1500);
    given.request("another").when(put_as(edited));
    EXPECT_EQ(kinds(given), "other") << "it asks for something else";
}

TEST(Crossing, WhatItCrossedAtIsBounded) {
    auto given = watching();
    for (int i = 0; i < 200; ++i)
        given.on(at(i * 60)).when(readings({{i * 60, i % 2 ? 1.0 : 1100.0}}));
    EXPECT_EQ(given.state().rules.find("bow-high")->fired.size(), 64U);
    EXPECT_EQ(given.state().rules.find("bow-high")->crossings, 100);
    EXPECT_EQ(kinds(given.when(readings({{0, 1100}, {60, 1}}))), "") << "settled long ago";
}

// The readings of the address that the source had before, a test gauge's maybe.
TEST(Crossing, ReadingsOfAnotherAddressStartNothing) {
    auto given = watching();
    v1::Event moved = source_put();
    moved.mutable_source_put()->mutable_source()->set_url("https://elsewhere.example/");
    given.happens(moved);
    EXPECT_FALSE(given.when(readings({{0, 5000}})).reacted());
    EXPECT_EQ(kinds(given.when(readings({{0, 5000}}, {.address = 2}))), "crossed@0");
}

TEST(Crossing, OnlyTheSeriesOfTheRuleIsWeighed) {
    auto given = watching();
    EXPECT_FALSE(given.when(readings({{0, 5000}}, {.series = "05BH004:level"})).reacted());
    EXPECT_FALSE(given.when(readings({{0, 5000}}, {.series = "05BB001:discharge"})).reacted());
}

TEST(Crossing, EveryRuleOfASeriesIsWeighed) {
    auto second = rule_put();
    second.set_rule_id("bow-higher");
    second.mutable_rule_put()->mutable_rule()->set_rule_id("bow-higher");
    second.mutable_rule_put()->mutable_rule()->set_threshold(1500);
    Given<Decider> given({source_put(), rule_put(), second});
    EXPECT_EQ(kinds(given.when(readings({{0, 1200}, {60, 1600}}))), "crossed@0 crossed@60");
}

TEST(Crossing, ARuleThatIsSwitchedOffDoesNotCross) {
    v1::Event removed = event_of("bow-high");
    removed.mutable_rule_removed();
    Given<Decider> given({source_put(), rule_put(), removed});
    EXPECT_FALSE(given.when(readings({{0, 5000}})).reacted());
}

TEST(Crossing, AValueThatIsNoNumberIsIgnored) {
    auto given = watching();
    const double inf = std::numeric_limits<double>::infinity();
    EXPECT_FALSE(given.when(readings({{0, inf}, {1, std::nan("")}})).reacted());
}

TEST(Crossing, OtherStreamsAndServicesAreIgnored) {
    auto given = watching();
    auto other = readings({{0, 5000}});
    other.service = "drafting";
    EXPECT_FALSE(given.when(other).reacted());
    other.service = "trigger";
    other.topic = "tocsin.trigger.ledger.v1";
    EXPECT_FALSE(given.when(other).reacted());
}

TEST(Crossing, ARecordThatDoesNotParseIsAFault) {
    auto broken = readings({});
    broken.events[0] = "\xff";
    EXPECT_THROW(Decider::react({}, broken, at(0)), std::runtime_error);
}

// The same readings, cut into records in any way, one by one or each sent several times, with only
// so much of the time before, lead to the same crossings: what makes it safe to send them again.
TEST(Crossing, HowReadingsAreCutIntoRecordsMakesNoDifference) {
    const Watch watch{.hysteresis = 100, .for_seconds = 120, .cooldown_seconds = 900};
    Brought all;
    unsigned random = 1;
    for (int i = 0; i < 400; ++i) {
        random = random * 1103515245U + 12345U;
        all.emplace_back(i * 60, 800.0 + static_cast<double>((random >> 16) % 400));
    }
    const auto crossed_at = [](const Given<Decider>& given) {
        std::vector<Time> times;
        for (const Fired& fired : given.state().rules.find("bow-high")->fired)
            times.push_back(fired.at);
        return times;
    };
    auto whole = watching(watch);
    whole.when(readings(all));
    EXPECT_GT(crossed_at(whole).size(), 3U);
    constexpr std::size_t before = 40;
    for (const std::size_t size : {1UL, 7UL, 50UL}) {
        auto parts = watching(watch);
        for (std::size_t begin = 0; begin < all.size(); begin += size) {
            const auto from = static_cast<std::ptrdiff_t>(begin - std::min(begin, before));
            const auto end = static_cast<std::ptrdiff_t>(std::min(begin + size, all.size()));
            const Brought record(all.begin() + from, all.begin() + end);
            parts.when(readings(record));
            EXPECT_FALSE(parts.when(readings(record)).reacted());
        }
        EXPECT_EQ(crossed_at(parts), crossed_at(whole)) << size;
    }
}

// The flood of June 2013: at or above 1000 m3/s from 20 June 17:00 to 23 June 16:00.
TEST(Crossing, TheBowRiverCrossesOnceInJune2013AndFallsBackOnce) {
    const auto parsed = find_format("eccc-csv")->read(test_file("bow-calgary-2013.csv"));
    ASSERT_TRUE(parsed.has_value());
    v1::Readings body;
    body.set_source_id("bow");
    body.set_address(1);
    body.set_series("05BH004:discharge");
    for (const Reading& read : find_series(*parsed, "05BH004:discharge")->readings) {
        auto& reading = *body.add_readings();
        *reading.mutable_read_at() = runtime::to_proto(read.read_at);
        reading.set_value(read.value);
    }
    auto record = readings({});
    record.events[0] = body.SerializeAsString();
    auto given = watching();
    given.on(utc("2013-06-20T18:00:00-07:00")).when(record);
    ASSERT_EQ(given.events().size(), 3U);
    const auto& crossing = given.events()[1].rule_crossed().crossing();
    EXPECT_EQ(runtime::from_proto(crossing.evidence(0).read_at()),
              utc("2013-06-20T17:00:00-07:00"));
    EXPECT_EQ(runtime::from_proto(given.events()[2].rule_reset().reading().read_at()),
              utc("2013-06-23T16:00:00-07:00"));
}

}  // namespace
}  // namespace tocsin::trigger
