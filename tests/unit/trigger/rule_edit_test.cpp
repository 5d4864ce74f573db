// What a rule makes of a series when it is edited in the middle of it.
#include "trigger/rule_state.hpp"

#include "unit/trigger/bow_rule.hpp"

#include <functional>

namespace tocsin::trigger {
namespace {

using namespace cases;
using testing::at;
using testing::Given;

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
std::string played_with_edit(const Edited& edited) {
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

TEST_P(Edits, NeverDraftTwiceForOneEvent) {
    EXPECT_EQ(played_with_edit(GetParam()), GetParam().expected);
}

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

// The first edit makes one wave of both, the second two again: neither makes news of the one that
// was too short for the rule as it was.
TEST(Crossing, TwoEditsMakeNoNewsOfAWaveThatWasOverBeforeBoth) {
    auto given = watching({.for_seconds = 120});
    for (const double hysteresis : {200.0, 0.0}) {
        const auto put = put_as(rule_put({.hysteresis = hysteresis}));
        ASSERT_EQ(given.on(at(1000)).request(fmt::format("{}", hysteresis)).when(put).refused(),
                  "");
    }
    given.on(at(1001)).when(
        readings({{0, 1100}, {60, 900}, {120, 1100}, {240, 1100}, {300, 1}, {360, 1}}));
    EXPECT_EQ(kinds(given), "crossed@120 passed@0 reset over");
}

// The rule remembers the last four edits one by one, and of those before that there were some.
TEST(Crossing, AWaveThatWasOneEventStaysItHoweverOftenTheRuleIsEdited) {
    auto given = watching({.hysteresis = 100});
    given.on(at(1200)).when(readings(dip));
    for (int i = 1; i <= 8; ++i) {
        const Watch edited{.hysteresis = 10, .max_gap_seconds = 3600.0 + i};
        ASSERT_EQ(given.on(at(1200 + i))
                      .request(fmt::format("r{}", i))
                      .when(put_as(rule_put(edited)))
                      .refused(),
                  "");
        given.on(at(1800)).when(readings(longer));
        EXPECT_EQ(kinds(given), "") << i;
    }
}

// Between the two edits, and by them alone, the gap would have made another wave of what came after
// both.
TEST(Crossing, WhatBeginsAfterAnEditIsNotHeldAgainstTheRuleBeforeIt) {
    auto given = watching({.hysteresis = 100});
    given.on(at(1200)).when(readings(dip));
    ASSERT_EQ(
        given.on(at(1210))
            .request("1")
            .when(put_as(rule_put({.hysteresis = 10, .for_seconds = 60, .max_gap_seconds = 300})))
            .refused(),
        "");
    ASSERT_EQ(given.on(at(1220))
                  .request("2")
                  .when(put_as(rule_put({.hysteresis = 10, .max_gap_seconds = 300})))
                  .refused(),
              "");
    given.on(at(2000)).when(
        readings({{0, 1100}, {600, 950}, {1200, 1100}, {1900, 1100}, {2000, 1100}}));
    EXPECT_EQ(kinds(given), "");
}

// A low reading that the edit did not know of: what began after it is another event.
TEST(Crossing, AnEditJoinsNothingThatWasPartedByEveryVersion) {
    auto given = watching({.for_seconds = 60, .max_gap_seconds = 300});
    given.on(at(60)).when(readings({{0, 1100}, {60, 1100}}));
    ASSERT_EQ(
        given.on(at(400)).request("1").when(put_as(rule_put({.max_gap_seconds = 300}))).refused(),
        "");
    given.on(at(1000)).when(
        readings({{0, 1100}, {60, 1100}, {200, 1}, {300, 1100}, {900, 1100}, {1000, 1100}}));
    EXPECT_EQ(kinds(given), "crossed@300 reset");
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

}  // namespace
}  // namespace tocsin::trigger
