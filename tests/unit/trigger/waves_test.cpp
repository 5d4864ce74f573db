// The waves of a series, however it comes in: what a rule makes of it.
#include "trigger/waves.hpp"

#include "trigger/rule_status.hpp"
#include "unit/trigger/bow_rule.hpp"

namespace tocsin::trigger {
namespace {

using namespace cases;

// How a series came in, and what the rule made of it.
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
        // As an outage of days is filled in.
        Told{"each_of_several_old_floods_is_named",
             {.max_age_seconds = hour},
             {{{{0, 10}}},
              {{{0, 10}, {60, 1100}, {120, 1200}, {180, 10}, {600, 1300}, {660, 10}, {day, 10}},
               day},
              {{{0, 10}, {60, 1100}, {120, 1200}, {180, 10}, {600, 1300}, {660, 10}, {day, 10}},
               day}},
             "passed@120 passed@600 over"},
        Told{"an_older_flood_that_comes_in_after_an_old_one_is_named",
             {.max_age_seconds = hour},
             {{{{600, 1300}, {660, 10}}, day},
              {{{0, 1100}, {60, 10}, {600, 1300}, {660, 10}}, day},
              {{{0, 1100}, {60, 10}, {600, 1300}, {660, 10}}, day}},
             "passed@600 over passed@0"},
        Told{"an_old_flood_that_is_corrected_is_named_once",
             {.max_age_seconds = hour},
             {{{{0, 1100}, {60, 1100}, {120, 10}, {180, 1100}, {240, 10}}, day},
              {{{0, 1100}, {60, 900}, {120, 10}, {180, 1100}, {240, 10}}, day}},
             "passed@60 passed@180 over"},
        // Their events said already what became of them.
        Told{"what_the_cooldown_kept_back_is_not_too_old_afterwards",
             {.cooldown_seconds = hour, .max_age_seconds = hour},
             {{{{0, 1100}, {60, 1}, {120, 1100}, {180, 1}}, 180},
              {{{0, 1100}, {60, 1}, {120, 1100}, {180, 1}, {240, 1100}, {300, 1}}, 300},
              {{{0, 1100}, {60, 1}, {120, 1100}, {180, 1}, {240, 1100}, {300, 1}}, day}},
             "crossed@0 suppressed reset over suppressed over"},
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
        // What a record of before shows to go on ended all the same: the rule knows a low one
        // since.
        Told{"goes_on_in_a_record_of_before",
             {.hysteresis = 50, .for_seconds = 120},
             {{{{0, 1001}, {60, 1001}, {120, 1001}, {180, 10}}},
              {{{180, 10}, {300, 1001}, {360, 1001}, {420, 1001}, {480, 10}}},
              {{{0, 1001}, {60, 1001}, {120, 1001}, {180, 1100}}},
              {{{600, 970}, {660, 1001}, {720, 1001}, {780, 1001}}}},
             "crossed@120 reset crossed@420 reset resumed crossed@780"},
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
        // As an instance sends it that began since, of a source that shows but its latest value.
        Told{"high_after_a_long_silence_that_no_record_shows",
             {.max_age_seconds = 3 * hour},
             {{{{0, 1100}}}, {{{20 * day, 1200}}, 20 * day}, {{{20 * day + 60, 1}}, 20 * day + 60}},
             "crossed@0 crossed@1728000 reset reset"},
        Told{"low_after_a_long_silence_that_no_record_shows",
             {},
             {{{{0, 1100}}},
              {{{4 * day, 1}}, 4 * day},
              {{{4 * day + 60, 1}}, 4 * day},
              {{{4 * day + 120, 1100}}, 4 * day + 120}},
             "crossed@0 reset crossed@345720"},
        Told{"a_wave_is_as_long_as_its_readings_say",
             {.hysteresis = 100, .max_age_seconds = 3 * hour},
             {{{{0, 1100}}},
              {{{20 * hour, 950}}, 20 * hour},
              {{{44 * hour, 1100}}, 44 * hour},
              {{{68 * hour, 1100}}, 68 * hour},
              {{{93 * hour, 1100}}, 93 * hour}},
             "crossed@0 crossed@334800 reset"},
        Told{"what_is_withdrawn_breaks_no_silence",
             {.max_age_seconds = 3 * hour},
             {{{{0, 1100}}},
              {{{0, 1100}, {20 * hour, 1100}}, 20 * hour},
              {{{0, 1100}}, 20 * hour, {20 * hour}},
              {{{30 * hour, 1100}}, 30 * hour}},
             "crossed@0 crossed@108000 reset"},
        Told{"a_late_record_makes_no_silence",
             {.max_age_seconds = 3 * hour},
             {{{{0, 1100}}},
              {{{20 * hour, 1100}}, 20 * hour},
              {{{hour, 1100}}, 20 * hour},
              {{{30 * hour, 1100}}, 30 * hour}},
             "crossed@0"},
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
        // Nothing stands beside it by which its absence would show.
        Told{"the_newest_reading_is_withdrawn",
             {},
             {{{{0, 1}, {60, 1001}}}, {{{0, 1}}, 60, {60}}, {{{0, 1}, {120, 2}}, 120}},
             "crossed@60 withdrawn reset"},
        Told{"the_oldest_reading_is_withdrawn",
             {},
             {{{{60, 1001}, {120, 1002}}}, {{{120, 1002}}, 120, {60}}},
             "crossed@60 withdrawn"},
        Told{"the_only_reading_is_withdrawn_once",
             {},
             {{{{60, 1001}}}, {{}, 60, {60}}, {{}, 70, {60}}},
             "crossed@60 withdrawn"},
        Told{"where_for_began_is_corrected",
             {.for_seconds = 120},
             {{{{0, 1001}, {120, 1001}}}, {{{0, 5}, {120, 1001}}}},
             "crossed@120 revised"},
        Told{"a_fall_at_the_windows_edge_is_corrected",
             {},
             {{{{0, 1100}, {60, 10}}}, {{{60, 1100}, {120, 1100}}}},
             "crossed@0 reset resumed"},
        // Its stamp from ahead makes it reach past the fall, of which it has nothing.
        Told{"a_late_record_without_the_fall_and_then_a_window_behind_it",
             {.hysteresis = 100},
             {{{{0, 1100}, {300, 950}}},
              {{{0, 1100}, {60, 10}, {120, 10}, {300, 950}, {360, 10}}},
              {{{0, 1100}, {300, 950}}},
              {{{420, 950}, {480, 1200}}}},
             "crossed@0 reset crossed@480"},
        Told{"within_the_cooldown_and_then_too_old",
             {.cooldown_seconds = 600, .max_age_seconds = hour},
             {{{{0, 1100}, {60, 1}, {120, 1100}, {180, 1}}},
              {{{120, 1100}, {180, 1}, {5 * hour, 1}}, 5 * hour}},
             "crossed@0 suppressed reset over"},
        Told{"out_of_order", {}, {{{{120, 10}, {0, 10}, {60, 1100}}}}, "crossed@60 reset"},
        Told{"doubled", {}, {{{{0, 10}, {60, 5}, {60, 1100}, {60, 1100}}}}, "crossed@60"}),
    [](const auto& told) { return told.param.name; });

// What the provider says is no value was none: nobody is told of the same flood once more.
TEST(Wave, AFallThatIsWithdrawnEndsNothing) {
    auto given = watching({.hysteresis = 100});
    std::string all;
    play(given, {{{{0, 1100}}}, {{{0, 1100}, {60, 10}}}}, all);
    EXPECT_EQ(all, "crossed@0 reset");
    auto record = readings({{0, 1100}, {120, 950}});
    v1::Readings body;
    ASSERT_TRUE(body.ParseFromString(record.events[0]));
    *body.add_withdrawn() = runtime::to_proto(at(60));
    record.events[0] = body.SerializeAsString();
    EXPECT_EQ(kinds(given.when(record)), "resumed");
    EXPECT_EQ(kinds(given.when(readings({{120, 950}, {180, 1100}}))), "");
}

TEST(Wave, ThatIsTooOldIsNamedUpToABoundAndTheRestCounted) {
    auto given = watching({.max_age_seconds = hour});
    Brought brought;
    for (int i = 0; i < 15; ++i)
        brought.insert(brought.end(), {{120 * i, 1100}, {120 * i + 60, 1}});
    given.on(at(day)).when(readings(brought));
    ASSERT_TRUE(given.events()[1].has_reading_passed());
    const v1::ReadingPassed& passed = given.events()[1].reading_passed();
    EXPECT_EQ(read_at(passed.reading()), at(120 * 14));
    ASSERT_EQ(passed.earlier_size(), 9);
    EXPECT_EQ(read_at(passed.earlier(0)), at(120 * 5));
    EXPECT_EQ(read_at(passed.earlier(8)), at(120 * 13));
    EXPECT_EQ(passed.more(), 5);
    given.when(readings(brought));
    EXPECT_FALSE(given.reacted());

    // All that comes is counted, and what the rule remembers is bounded.
    brought.insert(brought.end(), {{1800, 1100}, {1860, 1}});
    given.when(readings(brought));
    EXPECT_EQ(kinds(given), "passed@1800 over");
    const v1::RuleStatus status =
        status_of(*given.state().rules.find("bow-high"), std::nullopt, nullptr, at(day));
    EXPECT_EQ(status.passed_over_times(), 16);
    EXPECT_EQ(read_at(status.passed_over()), at(1800));
    ASSERT_EQ(status.passed_over_earlier_size(), 9);
    EXPECT_EQ(read_at(status.passed_over_earlier(0)), at(120 * 6));
}

// So that a flood of weeks costs the ledger little, however often its gauge reports. The first hour
// is that of the crossing, and not a whole one.
TEST(Wave, ThatLastsIsNotedOnceAnHour) {
    auto given = watching();
    int noted = 0;
    for (int minute = 0; minute < 10 * 60; ++minute) {
        given.on(at(60 * minute)).when(readings({{60 * minute, 1100}}));
        for (const auto& event : given.events()) noted += event.has_wave_lasted() ? 1 : 0;
        if (!given.reacted()) continue;
        given.when(readings({{60 * minute, 1100}}));
        EXPECT_FALSE(given.reacted());
    }
    EXPECT_EQ(noted, 10);
}

}  // namespace
}  // namespace tocsin::trigger
