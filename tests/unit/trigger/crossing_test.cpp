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
    std::int64_t address = 1;
};

runtime::Foreign readings(const Brought& brought, const From& from = {}) {
    v1::Readings body;
    body.set_source_id("bow");
    body.set_address(from.address);
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
        else if (event.has_rule_reset() && event.rule_reset().crossing_id().empty())
            add(event.rule_reset().has_reading() ? "over" : "on");
        else if (event.has_rule_reset())
            add(event.rule_reset().has_reading() ? "reset" : "resumed");
        else if (event.has_crossing_suppressed())
            add("suppressed");
        else if (event.has_reading_passed())
            add(fmt::format("passed@{}", seconds(event.reading_passed().reading())));
        else if (event.has_evidence_revised())
            add(event.evidence_revised().revision().has_after() ? "revised" : "withdrawn");
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
void play(Given<Decider>& given, const std::vector<Record>& records, std::string& all) {
    for (const Record& record : records) {
        const std::string words = kinds(given.on(at(record.on)).when(readings(record.brought)));
        if (!words.empty()) all += (all.empty() ? "" : " ") + words;
    }
}
std::string played(const Watch& watch, const std::vector<Record>& records) {
    auto given = watching(watch);
    std::string all;
    play(given, records, all);
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
             "crossed@0 suppressed reset over"},
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
             "passed@86400 over"},
        Told{"an_old_flood_that_goes_on",
             {.max_age_seconds = 3 * hour, .max_gap_seconds = day},
             {{{{0, 1100}, {hour, 1200}, {2 * hour, 1200}, {4 * hour, 1200}, {5 * hour, 1300}},
               5 * hour + 60}},
             "crossed@14400"},
        Told{"named_once",
             {.max_age_seconds = hour},
             {{{{0, 1100}, {60, 10}}, day}, {{{0, 1100}, {60, 10}, {120, 10}}, day}},
             "passed@0 over"},
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
             "passed@3600 over"},
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
             "crossed@60 revised revised"},
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
        // The window begins between where `for` began and where it came true.
        Told{"a_dip_within_the_hysteresis_after_for_came_true",
             {.hysteresis = 100, .for_seconds = hour, .max_age_seconds = 3 * hour},
             {{{{0, 900}, {30 * 60, 1100}, {hour, 1100}, {90 * 60, 1100}}, 90 * 60},
              {{{hour, 1100}, {90 * 60, 1100}, {2 * hour, 950}, {6 * hour, 1100}}, 6 * hour},
              {{{90 * 60, 1100}, {2 * hour, 950}, {6 * hour, 1100}, {7 * hour, 1100}}, 7 * hour}},
             "crossed@5400"},
        Told{"a_gap_after_for_came_true",
             {.for_seconds = hour},
             {{{{0, 1100}, {30 * 60, 1100}, {hour, 1100}}, hour},
              {{{30 * 60, 1100}, {hour, 1100}, {3 * hour, 1100}, {4 * hour, 1100}}, 4 * hour}},
             "crossed@3600"},
        Told{"a_suppressed_wave_whose_beginning_is_out_of_the_window",
             {.hysteresis = 100, .for_seconds = hour, .cooldown_seconds = 10 * hour},
             {{{{0, 1100}, {hour, 1100}, {2 * hour, 1}}, 2 * hour},
              {{{2 * hour, 1}, {3 * hour, 1100}, {4 * hour, 1100}}, 4 * hour},
              {{{8 * hour, 950}, {9 * hour, 950}, {12 * hour, 1100}}, 12 * hour},
              {{{9 * hour, 950}, {12 * hour, 1100}, {13 * hour, 1}}, 13 * hour}},
             "crossed@3600 reset suppressed crossed@43200 reset over"},
        Told{"an_outage_is_filled_in",
             {.max_age_seconds = 3 * hour},
             {{{{0, 1100}}},
              {{{0, 1100}, {5 * hour, 1100}}, 5 * hour},
              {{{0, 1100}, {2 * hour, 1100}, {5 * hour, 1100}}, 5 * hour}},
             "crossed@0"},
        Told{"a_gauge_that_is_slower_than_max_age",
             {.max_age_seconds = hour},
             {{{{0, 1100}}},
              {{{0, 1100}, {6 * hour, 1100}}, 6 * hour},
              {{{6 * hour, 1100}, {12 * hour, 1100}}, 12 * hour}},
             "crossed@0"},
        Told{"the_reading_is_corrected_and_the_river_rises_on",
             {},
             {{{{60, 1001}}}, {{{60, 999}, {120, 1010}}}, {{{60, 999}, {120, 1010}, {180, 1}}}},
             "crossed@60 revised reset"},
        Told{"the_reading_is_withdrawn_and_the_river_rises_on",
             {},
             {{{{0, 1}, {60, 1001}}}, {{{0, 1}, {120, 1010}}}, {{{0, 1}, {60, 1002}, {120, 1010}}}},
             "crossed@60 withdrawn revised"},
        Told{"where_for_began_is_corrected",
             {.for_seconds = 120},
             {{{{0, 1001}, {120, 1001}}}, {{{0, 5}, {120, 1001}}}},
             "crossed@120 revised"},
        Told{"a_fall_at_the_windows_edge_is_corrected",
             {},
             {{{{0, 1100}, {60, 10}}}, {{{60, 1100}, {120, 1100}}}},
             "crossed@0 reset resumed"},
        Told{"within_the_cooldown_and_then_too_old",
             {.cooldown_seconds = 600, .max_age_seconds = hour},
             {{{{0, 1100}, {60, 1}, {120, 1100}, {180, 1}}},
              {{{120, 1100}, {180, 1}, {5 * hour, 1}}, 5 * hour}},
             "crossed@0 suppressed reset over"},
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

// What a rule makes of a series when it is edited in the middle of it.
struct Edited {
    const char* name;
    Watch watch;
    std::vector<Record> before;
    std::function<void(v1::Rule&)> change;
    std::vector<Record> after;
    const char* expected;  // but for the edit itself
};
class Edits : public ::testing::TestWithParam<Edited> {};

// The edit is at the time of the last record before it.
std::string played(const Edited& edited) {
    auto given = watching(edited.watch);
    std::string all;
    play(given, edited.before, all);
    v1::Event changed = rule_put(edited.watch);
    edited.change(*changed.mutable_rule_put()->mutable_rule());
    EXPECT_EQ(given.request("edit").when(put_as(changed)).refused(), "");
    EXPECT_EQ(kinds(given), "other");
    play(given, edited.after, all);
    return all;
}

TEST_P(Edits, NeverDraftTwiceForOneEvent) { EXPECT_EQ(played(GetParam()), GetParam().expected); }

// High, low within a hysteresis of 100, and high again.
const Brought dip{{0, 1100}, {600, 950}, {1200, 1100}};
const Brought longer{{0, 1100}, {600, 950}, {1200, 1100}, {1800, 1100}};

INSTANTIATE_TEST_SUITE_P(
    Table, Edits,
    ::testing::Values(
        Edited{"zone",
               {},
               {{{{0, 1200}}}},
               [](v1::Rule& rule) { rule.set_time_zone("UTC"); },
               {{{{0, 1200}, {60, 1300}}, 60}},
               "crossed@0"},
        Edited{"less_hysteresis",
               {.hysteresis = 100},
               {{dip, 1200}},
               [](v1::Rule& rule) { rule.set_hysteresis(10); },
               {{longer, 1800}, {{{1200, 1100}, {1800, 1100}, {2400, 1100}}, 2400}},
               "crossed@0"},
        Edited{"less_hysteresis_when_it_is_over",
               {.hysteresis = 100},
               {{{{0, 1100}, {600, 950}, {1200, 1100}, {1800, 950}}, 1800}},
               [](v1::Rule& rule) { rule.set_hysteresis(0); },
               {{{{0, 1100}, {600, 950}, {1200, 1100}, {1800, 950}, {2400, 950}}, 2400},
                {{{1800, 950}, {2400, 950}, {3000, 1100}}, 3000}},
               "crossed@0 reset crossed@3000"},
        Edited{"more_hysteresis",
               {},
               {{dip, 1200}},
               [](v1::Rule& rule) { rule.set_hysteresis(100); },
               {{longer, 1800}},
               "crossed@0 crossed@1200 reset resumed"},
        Edited{"longer_for",
               {.hysteresis = 100},
               {{dip, 1200}},
               [](v1::Rule& rule) { rule.set_for_seconds(600); },
               {{longer, 1800}},
               "crossed@0"},
        Edited{"shorter_for_when_it_is_over",
               {.for_seconds = 2 * hour},
               {{{{0, 1100}, {600, 1100}, {1200, 1}}, 1200}},
               [](v1::Rule& rule) { rule.set_for_seconds(0); },
               {{{{0, 1100}, {600, 1100}, {1200, 1}, {1800, 1}}, 1800}},
               "passed@600 over"},
        Edited{"shorter_for_while_it_is_high",
               {.for_seconds = 2 * hour},
               {{{{0, 1100}, {600, 1100}}, 600}},
               [](v1::Rule& rule) { rule.set_for_seconds(300); },
               {{{{0, 1100}, {600, 1100}}, 660}},
               "crossed@600"},
        Edited{"shorter_cooldown_when_it_is_over",
               {.cooldown_seconds = day},
               {{{{0, 1100}, {60, 1}, {120, 1100}, {180, 1}}, 180}},
               [](v1::Rule& rule) { rule.set_cooldown_seconds(30); },
               {{{{0, 1100}, {60, 1}, {120, 1100}, {180, 1}, {240, 1}}, 240}},
               "crossed@0 suppressed reset over"},
        Edited{"shorter_cooldown_while_it_is_high",
               {.cooldown_seconds = day},
               {{{{0, 1100}, {60, 1}, {120, 1100}}, 120}},
               [](v1::Rule& rule) { rule.set_cooldown_seconds(30); },
               {{{{0, 1100}, {60, 1}, {120, 1100}}, 130}},
               "crossed@0 suppressed reset crossed@120"},
        Edited{"smaller_max_age",
               {},
               {{{{0, 1100}, {2 * hour, 1100}}, 2 * hour}},
               [](v1::Rule& rule) { rule.set_max_age_seconds(hour); },
               {{{{0, 1100}, {2 * hour, 1100}, {4 * hour, 1100}}, 4 * hour}},
               "crossed@0"},
        Edited{"larger_max_age_while_it_is_high",
               {.max_age_seconds = 60},
               {{{{0, 1100}}, 3600}},
               [](v1::Rule& rule) { rule.set_max_age_seconds(day); },
               {{{{0, 1100}}, 3660}},
               "passed@0 crossed@0"},
        Edited{"the_unit_it_had_already",
               {},
               {{{{0, 1200}}}},
               [](v1::Rule& rule) { rule.set_unit("m3/s"); },
               {{{{0, 1200}, {60, 1300}}, 60}},
               "crossed@0"},
        Edited{"a_lower_threshold",
               {},
               {{{{0, 1200}}}},
               [](v1::Rule& rule) { rule.set_threshold(900); },
               {{{{0, 1200}, {60, 1300}}, 60}, {{{60, 1300}, {120, 10}, {180, 950}}, 180}},
               "crossed@0 crossed@180 reset"},
        Edited{"a_lower_threshold_that_is_met_already",
               {},
               {{{{0, 950}}}},
               [](v1::Rule& rule) { rule.set_threshold(900); },
               {{{{0, 950}}, 60}},
               "crossed@0"},
        // A higher stage is another event, where the river is below it.
        Edited{"a_higher_threshold_above_the_river",
               {},
               {{{{0, 1200}}}},
               [](v1::Rule& rule) { rule.set_threshold(1500); },
               {{{{0, 1200}, {60, 1300}}, 60}, {{{0, 1200}, {60, 1300}, {120, 1500}}, 120}},
               "crossed@0 reset crossed@120"},
        Edited{"a_higher_threshold_below_the_river",
               {},
               {{{{0, 1200}}}},
               [](v1::Rule& rule) { rule.set_threshold(1100); },
               {{{{0, 1200}}, 60},
                {{{0, 1200}, {120, 1200}}, 120},
                {{{120, 1200}, {180, 1050}, {240, 1200}}, 240}},
               "crossed@0 crossed@240 reset"},
        Edited{"a_higher_threshold_that_only_what_came_later_reaches",
               {},
               {{{{0, 1050}, {60, 1300}}, 60}},
               [](v1::Rule& rule) { rule.set_threshold(1200); },
               {{{{0, 1050}, {60, 1300}, {120, 1300}}, 120},
                {{{120, 1300}, {180, 1300}, {240, 1100}, {300, 1300}}, 300}},
               "crossed@0 crossed@300 reset"},
        Edited{"another_wave_that_comes_late_after_it",
               {},
               {{{{0, 1200}}, 600}},
               [](v1::Rule& rule) { rule.set_hysteresis(50); },
               {{{{0, 1200}, {300, 1}, {400, 1300}}, 660},
                {{{300, 1}, {400, 1300}, {700, 1300}}, 700}},
               "crossed@0 crossed@400 reset"},
        Edited{"what_comes_late_after_it",
               {},
               {{{{0, 10}, {600, 10}}, 600}},
               [](v1::Rule& rule) { rule.set_cooldown_seconds(60); },
               {{{{0, 10}, {300, 1200}, {600, 10}}, 660}},
               "crossed@300 reset"}),
    [](const auto& edited) { return edited.param.name; });

TEST(Crossing, NoReadingIsCrossedAtTwiceHoweverTheRuleIsEdited) {
    auto given = watching();
    int count = 0;
    for (const double threshold : {1000.0, 1100.0, 1000.0, 1100.0}) {
        ASSERT_EQ(given.request(fmt::format("r{}", ++count))
                      .when(put_as(rule_put({.threshold = threshold})))
                      .refused(),
                  "");
        given.on(at(0)).when(readings({{0, 1200}}));
    }
    EXPECT_EQ(given.state().rules.find("bow-high")->crossings, 1);
}

// All are stamped before both edits.
TEST(Crossing, AWaveThatCameInAfterTwoEditsIsAnother) {
    auto given = watching();
    given.on(at(1000)).when(readings({{0, 1200}}));
    ASSERT_EQ(given.request("1").when(put_as(rule_put({.hysteresis = 200}))).refused(), "");
    given.on(at(1001)).when(readings({{0, 1200}, {60, 1300}}));
    EXPECT_FALSE(given.reacted());
    ASSERT_EQ(given.on(at(1002)).request("2").when(put_as(rule_put())).refused(), "");
    given.on(at(1003)).when(readings({{0, 1200}, {60, 1300}, {120, 1}, {180, 1200}}));
    EXPECT_EQ(kinds(given), "crossed@180 reset");
}

TEST(Crossing, ARuleOnAnotherSeriesStartsAfresh) {
    auto given = watching();
    given.on(at(0)).when(readings({{0, 1200}}));
    v1::Event edited = rule_put();
    edited.mutable_rule_put()->mutable_rule()->set_series("05BB001:discharge");
    ASSERT_EQ(given.request("there").when(put_as(edited)).refused(), "");
    EXPECT_EQ(kinds(given.when(readings({{0, 1200}}, {.series = "05BB001:discharge"}))),
              "crossed@0");
    // And back: what it crossed at there, and in the same wave, it does not cross at again.
    ASSERT_EQ(given.request("back").when(put_as(rule_put())).refused(), "");
    EXPECT_EQ(kinds(given.on(at(60)).when(readings({{0, 1200}, {60, 1200}}))), "resumed");
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

// What people read about a rule.
struct Shown {
    const char* name;
    Watch watch;
    std::vector<Record> records;
    int now;  // seconds
    Standing standing;
    const char* reason;
};
class Standings : public ::testing::TestWithParam<Shown> {};

TEST_P(Standings, SayWhereTheRuleStands) {
    const Shown& shown = GetParam();
    auto given = watching(shown.watch);
    std::vector<Reading> last;
    for (const Record& record : shown.records) {
        given.on(at(record.on)).when(readings(record.brought));
        last.clear();
        for (const auto& [seconds, value] : record.brought) last.push_back({at(seconds), value});
    }
    std::optional<Seen> seen;
    if (!last.empty()) {
        seen.emplace();
        seen->unit = "m3/s";
        seen->readings = last;
    }
    const Stands found = stands(*given.state().rules.find("bow-high"), seen,
                                std::chrono::seconds{2 * hour}, at(shown.now));
    EXPECT_EQ(found.standing, shown.standing) << found.reason;
    EXPECT_NE(found.reason.find(shown.reason), std::string::npos) << found.reason;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Standings,
    ::testing::Values(
        Shown{"nothing_came",
              {},
              {},
              0,
              Standing::without_data,
              "no reading of 05BH004:discharge came yet"},
        Shown{"low", {}, {{{{0, 1}}}}, 60, Standing::normal, "below 1000"},
        Shown{"silent", {}, {{{{0, 1}}}}, 3 * hour, Standing::without_data, "without data since "},
        Shown{"older_than_it_may_be",
              {.max_age_seconds = hour},
              {{{{0, 1}}}},
              hour + 1,
              Standing::without_data,
              "older than 3600 s, the rule's `max_age_seconds`"},
        Shown{"another_unit",
              {.unit = "ft"},
              {{{{0, 1}}}},
              60,
              Standing::without_data,
              "it arrives in m3/s, and the threshold is meant in ft"},
        Shown{"pending",
              {.for_seconds = hour},
              {{{{0, 1100}}}},
              60,
              Standing::pending,
              "if it stays so"},
        Shown{"a_gap_in_each_for",
              {.for_seconds = hour, .max_gap_seconds = 600},
              {{{{0, 1100}, {1000, 1100}}, 1000}},
              1060,
              Standing::pending,
              "put the rule with a larger gap"},
        Shown{"crossed", {}, {{{{0, 1100}}}}, 60, Standing::crossed, "crossed at "},
        Shown{"fallen", {}, {{{{0, 1100}, {60, 1}}}}, 60, Standing::normal, "below 1000"},
        Shown{"cooling_down",
              {.cooldown_seconds = hour},
              {{{{0, 1100}, {60, 1}, {120, 1100}}}},
              180,
              Standing::cooling_down,
              "above, cooling down until "},
        Shown{"cooled_down",
              {.cooldown_seconds = hour},
              {{{{0, 1100}, {60, 1}, {120, 1100}}}},
              hour + 60,
              Standing::cooling_down,
              "the next reading crosses"},
        Shown{"too_old",
              {.max_age_seconds = hour},
              {{{{0, 1100}, {2 * hour, 950}}, 2 * hour}},
              2 * hour,
              Standing::normal,
              "below"},
        Shown{"too_old_and_high",
              {.hysteresis = 100, .max_age_seconds = hour},
              {{{{0, 1100}, {2 * hour, 950}}, 2 * hour}},
              2 * hour,
              Standing::passed_over,
              "too old to start anything"}),
    [](const auto& shown) { return shown.param.name; });

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
