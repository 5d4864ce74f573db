// What a rule makes of the readings that come in.
#include "support/given.hpp"
#include "trigger/decider.hpp"
#include "unit/trigger/gauge_files.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace tocsin::trigger {
namespace {

using testing::at;
using testing::Given;

v1::Event source_put() {
    v1::Event event;
    auto& source = *event.mutable_source_put()->mutable_source();
    source.set_source_id("bow");
    source.set_agency_id("calgary");
    source.set_format("eccc-csv");
    source.set_active(true);
    return event;
}

struct Watch {
    double hysteresis = 0;
    double for_seconds = 0;
    double cooldown_seconds = 0;
    double max_age_seconds = 86400;
    double max_gap_seconds = 3600;
    std::string unit = "";
    double threshold = 1000;
};

v1::Event rule_put(const Watch& watch = {}) {
    v1::Event event;
    auto& rule = *event.mutable_rule_put()->mutable_rule();
    rule.set_rule_id("bow-high");
    rule.set_agency_id("calgary");
    rule.set_source_id("bow");
    rule.set_series("05BH004:discharge");
    rule.set_threshold(watch.threshold);
    rule.set_hysteresis(watch.hysteresis);
    rule.set_for_seconds(watch.for_seconds);
    rule.set_cooldown_seconds(watch.cooldown_seconds);
    rule.set_max_age_seconds(watch.max_age_seconds);
    rule.set_max_gap_seconds(watch.max_gap_seconds);
    rule.set_unit(watch.unit);
    rule.set_template_id("river-high");
    rule.set_incident_id("flood");
    rule.set_active(true);
    rule.set_time_zone("America/Edmonton");
    return event;
}

v1::Command put_as(const v1::Event& event) {
    const v1::Rule& rule = event.rule_put().rule();
    v1::Command command;
    auto& put = *command.mutable_put_rule();
    put.set_rule_id(rule.rule_id());
    put.set_source_id(rule.source_id());
    put.set_series(rule.series());
    put.set_threshold(rule.threshold());
    put.set_hysteresis(rule.hysteresis());
    put.set_for_seconds(rule.for_seconds());
    put.set_cooldown_seconds(rule.cooldown_seconds());
    put.set_max_age_seconds(rule.max_age_seconds());
    put.set_max_gap_seconds(rule.max_gap_seconds());
    put.set_unit(rule.unit());
    put.set_template_id(rule.template_id());
    put.set_incident_id(rule.incident_id());
    put.set_time_zone(rule.time_zone());
    return command;
}

Given<Decider> watching(const Watch& watch = {}) {
    Given<Decider> given({source_put(), rule_put(watch)});
    given.by("dora", "calgary", {"duty-officer"});
    return given;
}

// A reading: seconds after the start, and a value.
using Brought = std::vector<std::pair<int, double>>;

struct From {
    std::string series = "05BH004:discharge";
    std::string unit = "m3/s";
    std::string sensor = "";
};

runtime::Foreign readings(const Brought& brought, const From& from = {}) {
    v1::Readings body;
    body.set_source_id("bow");
    body.set_series(from.series);
    body.set_unit(from.unit);
    body.set_sensor(from.sensor);
    for (const auto& [seconds, value] : brought) {
        auto& reading = *body.add_readings();
        *reading.mutable_read_at() = runtime::to_proto(at(seconds));
        reading.set_value(value);
    }
    auto result = testing::foreign<v1::Readings>("trigger", "bow", {body}, at(10'000'000));
    result.topic = "tocsin.trigger.readings.v1";
    return result;
}

// Short words for the events, but for the one that binds the series; of crossings with their time.
std::string kinds(const Given<Decider>& given) {
    std::string all;
    const auto add = [&](const std::string& word) { all += (all.empty() ? "" : " ") + word; };
    const auto seconds = [](const content::v1::Evidence& evidence) {
        return std::chrono::round<std::chrono::seconds>(runtime::from_proto(evidence.read_at()) -
                                                        at(0))
            .count();
    };
    for (const auto& event : given.events()) {
        if (event.has_rule_crossed())
            add(fmt::format("crossed@{}", seconds(event.rule_crossed().crossing().evidence(0))));
        else if (event.has_rule_reset())
            add(event.rule_reset().has_reading() ? "reset" : "resumed");
        else if (event.has_crossing_suppressed())
            add("suppressed");
        else if (event.has_reading_passed())
            add(fmt::format("passed@{}", seconds(event.reading_passed().reading())));
        else if (event.has_evidence_revised())
            add("revised");
        else if (event.has_crossing_retried())
            add("retried");
        else if (!event.has_series_bound())
            add("other");
    }
    return all;
}

// One record after another, each at its time; what follows from all of them.
struct Record {
    Brought brought;
    int on = 0;  // seconds
};
std::string played(const Watch& watch, const std::vector<Record>& records) {
    auto given = watching(watch);
    std::string all;
    for (const Record& record : records) {
        const std::string words = kinds(given.on(at(record.on)).when(readings(record.brought)));
        if (!words.empty()) all += (all.empty() ? "" : " ") + words;
    }
    return all;
}

TEST(Crossing, BearsTheHandsOfItsRuleAndItsSource) {
    v1::Event source = source_put(), rule = rule_put();
    for (const char* hand : {"ana", "ben"}) {
        source.mutable_source_put()->mutable_source()->add_hands(hand);
        rule.mutable_rule_put()->mutable_rule()->add_hands(std::string(hand) + "-too");
    }
    rule.mutable_rule_put()->mutable_rule()->add_hands("ana");
    Given<Decider> given({source, rule});
    given.when(readings({{0, 1200}}));
    ASSERT_EQ(given.events().size(), 2U);
    const auto& hands = given.events()[1].rule_crossed().hands();
    EXPECT_EQ((std::vector<std::string>(hands.begin(), hands.end())),
              (std::vector<std::string>{"ana-too", "ben-too", "ana", "ben"}));
}

constexpr int hour = 3600;
constexpr int day = 24 * hour;

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

// The table: how a series came in, and what the rule made of it.
struct Told {
    const char* name;
    Watch watch;
    std::vector<Record> records;
    const char* expected;
};
class Waves : public ::testing::TestWithParam<Told> {};

TEST_P(Waves, CrossAsTheyWouldInTheirPlace) {
    EXPECT_EQ(played(GetParam().watch, GetParam().records), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Waves,
    ::testing::Values(
        Told{"again",
             {.hysteresis = 50, .for_seconds = 60},
             {{{{0, 10}, {60, 1001}, {120, 1003}}},
              {{{0, 10}, {60, 1001}, {120, 1003}}},
              {{{60, 1001}, {120, 1003}, {240, 900}}},
              {{{60, 1001}, {120, 1003}, {240, 900}}}},
             "crossed@120 reset"},
        Told{"each_wave",
             {},
             {{{{0, 1100}, {60, 10}, {120, 1200}, {180, 1300}}}},
             "crossed@0 crossed@120 reset"},
        Told{"for",
             {.for_seconds = 120},
             {{{{0, 1001}, {60, 1002}}},
              {{{0, 1001}, {119, 1003}}},
              {{{0, 1001}, {60, 1002}, {120, 1004}}}},
             "crossed@120"},
        Told{"for_after_a_restart",
             {.for_seconds = 120},
             {{{{120, 1004}}},
              {{{0, 1001}, {120, 1}}},
              {{{120, 1}, {180, 1001}, {240, 1001}, {300, 1002}}}},
             "crossed@300"},
        Told{"for_needs_no_gap",
             {.for_seconds = hour},
             {{{{0, 1001}}}, {{{0, 1001}, {day, 1001}}, day}},
             ""},
        Told{"for_over_a_gap_that_is_filled",
             {.for_seconds = 2 * hour},
             {{{{0, 1001}, {3 * hour, 1001}}, 3 * hour},
              {{{0, 1001}, {hour, 1001}, {2 * hour, 1001}, {3 * hour, 1001}}, 3 * hour + 60}},
             "crossed@7200"},
        Told{"for_ended_by_a_late_low_value",
             {.for_seconds = 120},
             {{{{0, 1001}, {60, 1001}}}, {{{0, 1001}, {30, 900}, {60, 1001}, {120, 1001}}}},
             ""},
        Told{"within_the_hysteresis",
             {.hysteresis = 50},
             {{{{0, 1001}, {60, 999}, {120, 1002}, {180, 950}, {240, 1003}}},
              {{{240, 1003}, {300, 949.9}}}},
             "crossed@0 reset"},
        Told{"a_wave_within_the_cooldown",
             {.cooldown_seconds = 600},
             {{{{0, 1001}, {60, 10}, {120, 1002}, {180, 1003}, {240, 10}}},
              {{{240, 10}, {700, 10}}}},
             "crossed@0 suppressed reset"},
        // Case 09: it rises again at 3 h, and is high when the cooldown ends at 7 h.
        Told{"a_cooldown_that_ends_above",
             {.cooldown_seconds = 6 * hour},
             {{{{0, 1}, {hour, 1100}, {2 * hour, 1}}, 2 * hour},
              {{{hour, 1100}, {2 * hour, 1}, {3 * hour, 1500}}, 3 * hour},
              {{{2 * hour, 1}, {3 * hour, 1500}, {6 * hour, 1500}}, 6 * hour},
              {{{2 * hour, 1}, {3 * hour, 1500}, {6 * hour, 1500}, {7 * hour, 1500}}, 7 * hour},
              {{{2 * hour, 1}, {3 * hour, 1500}, {7 * hour, 1500}, {20 * hour, 1500}}, 20 * hour}},
             "crossed@3600 reset suppressed crossed@25200"},
        Told{"one_wave_crosses_once_however_long",
             {.cooldown_seconds = hour, .max_gap_seconds = day},
             {{{{0, 1100}}},
              {{{0, 1100}, {hour, 1200}}, hour},
              {{{0, 1100}, {hour, 1200}, {5 * hour, 1200}}, 5 * hour}},
             "crossed@0"},
        // Case 02: the flood of three weeks ago, and low since.
        Told{"an_old_flood",
             {.max_age_seconds = 3 * hour},
             {{{{0, 10}, {day, 2000}, {2 * day, 10}, {21 * day, 400}}, 21 * day}},
             "passed@86400"},
        Told{"an_old_flood_that_goes_on",
             {.max_age_seconds = 3 * hour, .max_gap_seconds = day},
             {{{{0, 1100}, {hour, 1200}, {2 * hour, 1200}, {4 * hour, 1200}, {5 * hour, 1300}},
               5 * hour + 60}},
             "crossed@14400"},
        Told{"named_once",
             {.max_age_seconds = hour},
             {{{{0, 1100}, {60, 10}}, day}, {{{0, 1100}, {60, 10}, {120, 10}}, day}},
             "passed@0"},
        // Case 25: the peak is published hours later, and is young enough.
        Told{"a_peak_that_comes_late",
             {.max_age_seconds = 6 * hour},
             {{{{0, 900}, {4 * hour, 950}}, 4 * hour},
              {{{0, 900}, {hour, 1800}, {2 * hour, 1500}, {4 * hour, 950}}, 4 * hour + 60}},
             "crossed@3600 reset"},
        Told{"a_peak_that_comes_too_late",
             {.max_age_seconds = hour},
             {{{{0, 900}, {4 * hour, 950}}, 4 * hour},
              {{{0, 900}, {hour, 1800}, {4 * hour, 950}}, 4 * hour}},
             "passed@3600"},
        // Case 14: the newest reading is published again under the same time.
        Told{
            "revised_upwards", {}, {{{{0, 10}, {60, 900}}}, {{{0, 10}, {60, 1900}}}}, "crossed@60"},
        Told{"revised_away",
             {},
             {{{{0, 10}, {60, 1900}}}, {{{0, 10}, {60, 900}}}, {{{0, 10}, {60, 900}, {120, 10}}}},
             "crossed@60 revised reset"},
        Told{"revised_back",
             {},
             {{{{60, 1900}}}, {{{60, 900}}}, {{{60, 1900}}}},
             "crossed@60 revised reset revised resumed"},
        Told{"a_dip_that_comes_late_parts_no_wave_within_the_cooldown",
             {.cooldown_seconds = hour},
             {{{{0, 1100}, {120, 1100}}}, {{{0, 1100}, {60, 10}, {120, 1100}}}},
             "crossed@0 suppressed reset"},
        Told{"a_dip_that_comes_late_parts_two_waves",
             {},
             {{{{0, 1100}, {120, 1100}}}, {{{0, 1100}, {60, 10}, {120, 1100}}}},
             "crossed@0 crossed@120 reset"},
        Told{"a_fall_that_is_corrected",
             {},
             {{{{0, 1100}, {60, 10}}}, {{{0, 1100}, {60, 1100}, {120, 1100}}}},
             "crossed@0 reset resumed"},
        Told{"a_wave_goes_on_beyond_its_window",
             {},
             {{{{0, 1100}}},
              {{{hour, 1200}, {2 * hour, 1200}}, 2 * hour},
              {{{3 * hour, 1}}, 3 * hour},
              {{{4 * hour, 1100}}, 4 * hour}},
             "crossed@0 reset crossed@14400"},
        Told{"an_earlier_wave_stays_ended_while_the_next_goes_on",
             {},
             {{{{0, 1100}, {60, 10}, {120, 1200}}}, {{{180, 1200}, {240, 1200}}}, {{{300, 1}}}},
             "crossed@0 crossed@120 reset reset"},
        Told{"high_after_a_long_silence_is_news",
             {.max_age_seconds = 3 * hour},
             {{{{0, 1100}}}, {{{0, 1100}, {20 * day, 1200}}, 20 * day}},
             "crossed@0 crossed@1728000 reset"},
        Told{"out_of_order", {}, {{{{120, 10}, {0, 10}, {60, 1100}}}}, "crossed@60 reset"},
        Told{"doubled", {}, {{{{0, 10}, {60, 5}, {60, 1100}, {60, 1100}}}}, "crossed@60"}),
    [](const auto& told) { return told.param.name; });

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

// Nobody drafts a second message for one event because a zone was mistyped.
TEST(Crossing, ARuleThatIsEditedKeepsWhatItKnows) {
    Watch watch;
    auto given = watching(watch);
    given.on(at(0)).when(readings({{0, 1200}}));
    for (const auto& change : std::vector<std::function<void(v1::Rule&)>>{
             [](v1::Rule& rule) { rule.set_time_zone("UTC"); },
             [](v1::Rule& rule) { rule.set_hysteresis(5); },
             [](v1::Rule& rule) { rule.set_cooldown_seconds(7); },
             [](v1::Rule& rule) { rule.set_for_seconds(0.5); },
             [](v1::Rule& rule) { rule.set_max_age_seconds(hour); }}) {
        v1::Event edited = rule_put(watch);
        change(*edited.mutable_rule_put()->mutable_rule());
        ASSERT_EQ(given.request("r" + edited.ShortDebugString()).when(put_as(edited)).refused(),
                  "");
        EXPECT_EQ(kinds(given), "other");
        EXPECT_EQ(kinds(given.when(readings({{0, 1200}, {60, 1300}}))), "");
    }
}

TEST(Crossing, ARuleThatAsksAnotherQuestionStartsAfresh) {
    for (const auto& change : std::vector<std::function<void(v1::Rule&)>>{
             [](v1::Rule& rule) { rule.set_threshold(1100); },
             [](v1::Rule& rule) { rule.set_unit("m3/s"); }}) {
        auto given = watching();
        given.on(at(0)).when(readings({{0, 1200}}));
        const auto before = given.events().back().rule_crossed().crossing().crossing_id();
        v1::Event edited = rule_put();
        change(*edited.mutable_rule_put()->mutable_rule());
        ASSERT_EQ(given.when(put_as(edited)).refused(), "");
        ASSERT_EQ(kinds(given.when(readings({{0, 1200}}))), "crossed@0");
        EXPECT_NE(given.events().back().rule_crossed().crossing().crossing_id(), before);
        EXPECT_EQ(given.state().rules.find("bow-high")->crossings, 2);
    }
}

TEST(Crossing, ARuleThatIsRemovedAndPutAgainMayReadAnotherSensor) {
    auto given = watching();
    given.on(at(0)).when(readings({{0, 1200}}, {.sensor = "1"}));
    v1::Command remove;
    remove.mutable_remove_rule()->set_rule_id("bow-high");
    ASSERT_EQ(given.when(remove).refused(), "");
    ASSERT_EQ(given.request("again").when(put_as(rule_put())).refused(), "");
    EXPECT_EQ(kinds(given.when(readings({{0, 1200}, {60, 1300}}, {.sensor = "2"}))), "");
    EXPECT_EQ(given.state().rules.find("bow-high")->sensor, "2");
}

// Drafting refused it: the template was mistyped.
TEST(Crossing, IsTriedAgainAsTheRuleIsAfterItWasMended) {
    auto given = watching({.max_age_seconds = hour});
    given.on(at(0)).when(readings({{0, 1200}}));
    const auto crossing = given.events().back().rule_crossed().crossing().crossing_id();
    v1::Event mended = rule_put({.max_age_seconds = hour});
    mended.mutable_rule_put()->mutable_rule()->set_template_id("river-high-2");
    Given<Decider> late = given;
    given.on(at(hour - 1)).when(put_as(mended));
    ASSERT_EQ(kinds(given), "other retried");
    const auto& retried = given.events()[1].crossing_retried();
    EXPECT_EQ(retried.crossing().crossing_id(), crossing);
    EXPECT_EQ(retried.template_id(), "river-high-2");
    EXPECT_EQ(kinds(late.on(at(hour)).when(put_as(mended))), "other") << "too old by then";
}

TEST(Crossing, WhatItCrossedAtIsBounded) {
    auto given = watching();
    for (int i = 0; i < 200; ++i)
        given.on(at(i * 60)).when(readings({{i * 60, i % 2 ? 1.0 : 1100.0}}));
    EXPECT_EQ(given.state().rules.find("bow-high")->fired.size(), 64U);
    EXPECT_EQ(given.state().rules.find("bow-high")->crossings, 100);
    EXPECT_EQ(kinds(given.when(readings({{0, 1100}, {60, 1}}))), "") << "settled long ago";
}

TEST(Crossing, OnlyTheSeriesOfTheRuleIsWeighed) {
    auto given = watching();
    EXPECT_FALSE(given.when(readings({{0, 5000}}, {.series = "05BH004:level"})).reacted());
    EXPECT_FALSE(given.when(readings({{0, 5000}}, {.series = "05BB001:discharge"})).reacted());
}

TEST(Crossing, EveryRuleOfASeriesIsWeighed) {
    auto second = rule_put();
    second.mutable_rule_put()->mutable_rule()->set_rule_id("bow-higher");
    second.mutable_rule_put()->mutable_rule()->set_threshold(1500);
    Given<Decider> given({source_put(), rule_put(), second});
    EXPECT_EQ(kinds(given.when(readings({{0, 1200}, {60, 1600}}))), "crossed@0 crossed@60");
}

TEST(Crossing, ARuleThatIsSwitchedOffDoesNotCross) {
    v1::Event removed;
    removed.mutable_rule_removed()->set_rule_id("bow-high");
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
