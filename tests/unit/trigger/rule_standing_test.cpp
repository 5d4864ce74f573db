// What people read about a rule.
#include "trigger/rule_standing.hpp"

#include "unit/trigger/bow_rule.hpp"

#include <optional>

namespace tocsin::trigger {
namespace {

using namespace cases;
using testing::at;

struct Shown {
    const char* name;
    Watch watch;
    std::vector<Record> records;
    int now;  // seconds
    v1::RuleState standing;
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
    const Standing found = standing_of(*given.state().rules.find("bow-high"), seen,
                                       std::chrono::seconds{2 * hour}, at(shown.now));
    EXPECT_EQ(found.state, shown.standing) << found.reason;
    EXPECT_NE(found.reason.find(shown.reason), std::string::npos) << found.reason;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Standings,
    ::testing::Values(
        Shown{"nothing_came",
              {},
              {},
              0,
              v1::RULE_STATE_WITHOUT_DATA,
              "no reading of `05BH004:discharge` came yet"},
        Shown{"low", {}, {{{{0, 1}}}}, 60, v1::RULE_STATE_NORMAL, "below 1000"},
        Shown{"silent",
              {},
              {{{{0, 1}}}},
              3 * hour,
              v1::RULE_STATE_WITHOUT_DATA,
              "without data since "},
        Shown{"older_than_it_may_be",
              {.max_age_seconds = hour},
              {{{{0, 1}}}},
              hour + 1,
              v1::RULE_STATE_WITHOUT_DATA,
              "older than 3600 s, the rule's `max_age_seconds`"},
        Shown{"another_unit",
              {.unit = "ft"},
              {{{{0, 1}}}},
              60,
              v1::RULE_STATE_WITHOUT_DATA,
              "it arrives in m3/s, and the threshold is meant in ft"},
        Shown{"pending",
              {.for_seconds = hour},
              {{{{0, 1100}}}},
              60,
              v1::RULE_STATE_PENDING,
              "if it stays so"},
        Shown{"a_gap_in_each_for",
              {.for_seconds = hour, .max_gap_seconds = 600},
              {{{{0, 1100}, {1000, 1100}}, 1000}},
              1060,
              v1::RULE_STATE_PENDING,
              "put the rule with a larger gap"},
        Shown{"crossed", {}, {{{{0, 1100}}}}, 60, v1::RULE_STATE_CROSSED, "crossed at "},
        Shown{"fallen", {}, {{{{0, 1100}, {60, 1}}}}, 60, v1::RULE_STATE_NORMAL, "below 1000"},
        Shown{"cooling_down",
              {.cooldown_seconds = hour},
              {{{{0, 1100}, {60, 1}, {120, 1100}}}},
              180,
              v1::RULE_STATE_COOLING_DOWN,
              "above, cooling down until "},
        Shown{"cooled_down",
              {.cooldown_seconds = hour},
              {{{{0, 1100}, {60, 1}, {120, 1100}}}},
              hour + 60,
              v1::RULE_STATE_COOLING_DOWN,
              "the next reading crosses"},
        Shown{"too_old",
              {.max_age_seconds = hour},
              {{{{0, 1100}, {2 * hour, 950}}, 2 * hour}},
              2 * hour,
              v1::RULE_STATE_NORMAL,
              "below"},
        Shown{"too_old_and_high",
              {.hysteresis = 100, .max_age_seconds = hour},
              {{{{0, 1100}, {2 * hour, 950}}, 2 * hour}},
              2 * hour,
              v1::RULE_STATE_PASSED_OVER,
              "too old to start anything"}),
    [](const auto& shown) { return shown.param.name; });

}  // namespace
}  // namespace tocsin::trigger
