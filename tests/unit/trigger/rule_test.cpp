// Who may put and remove a rule, and which.
#include "trigger/rule.hpp"

#include "unit/trigger/commands.hpp"

namespace tocsin::trigger {
namespace {

using namespace cases;

TEST(Rule, ARuleNeedsAThreshold) {
    auto given = officer();
    auto command = put_rule(0);
    EXPECT_EQ(given.when(put_source()).when(command).refused(), "");
    command.mutable_put_rule()->clear_threshold();
    EXPECT_EQ(given.when(command).refused(), "required");
    EXPECT_EQ(given.rejection()->field, "threshold");
}

// Otherwise it would wait for ever for a reading that no source sends.
TEST(Rule, ARuleNamesASeriesThatItsSourceCanHave) {
    const auto told = [](const char* format, const char* series) {
        auto given = officer();
        auto source = put_source();
        source.mutable_put_source()->set_format(format);
        auto rule = put_rule();
        rule.mutable_put_rule()->set_series(series);
        given.when(source).when(rule);
        if (given.refused().empty()) return std::string{};
        EXPECT_EQ(given.refused(), "unknown_series");
        EXPECT_EQ(given.rejection()->field, "series");
        return given.rejection()->text;
    };
    for (const char* good : {"05BH004:discharge", "05BH004:level"})
        EXPECT_EQ(told("eccc-csv", good), "");
    for (const char* good : {"03339000:00060", "03339000:00065:11878"})
        EXPECT_EQ(told("usgs-json", good), "");
    EXPECT_TRUE(told("eccc-csv", "05BH004:dischrge").ends_with("write `05BH004:discharge`"));
    EXPECT_TRUE(told("eccc-csv", "05BH004:Level").contains("no parameter of eccc-csv"));
    EXPECT_TRUE(told("eccc-csv", "05BH004:00060").contains("no parameter of eccc-csv"));
    EXPECT_TRUE(told("eccc-csv", "08Mf005:level").ends_with("write `08MF005:level`"));
    for (const char* bad : {"03339000:discharge", "03339000:0060", "03339000:O0060"})
        EXPECT_TRUE(told("usgs-json", bad).contains("five digits")) << bad;
    for (const char* bad : {"03339000:00060:11878:2", "03339000:00060:radar"})
        EXPECT_TRUE(told("usgs-json", bad).contains("no method id")) << bad;
}

TEST(Rule, ARuleNeedsItsSource) {
    auto given = officer();
    EXPECT_EQ(given.when(put_rule()).refused(), "not_found");
    EXPECT_EQ(given.rejection()->field, "source_id");
    EXPECT_EQ(given.rejection()->because, runtime::Because::not_found);
}

TEST(Rule, ARuleIsPutInUtcUnlessSaidOtherwise) {
    auto given = officer();
    given.when(put_source()).when(put_rule());
    ASSERT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.events()[0].rule_put().rule().time_zone(), "UTC");
    EXPECT_TRUE(given.events()[0].rule_put().rule().active());
}

TEST(Rule, TheSameRuleAgainIsNothingNew) {
    auto given = officer();
    given.when(put_source()).when(put_rule()).when(put_rule());
    EXPECT_TRUE(given.events().empty());
    EXPECT_EQ(given.when(put_rule(900)).etag(), "2");
}

TEST(Rule, OnlyItsOwnAgencyReplacesOrRemovesARule) {
    auto given = officer();
    given.when(put_source()).when(put_rule());
    given.by("pia", "alberta", {"admin"});
    EXPECT_EQ(given.when(put_rule(900)).refused(), "other_agency");
    EXPECT_EQ(given.when(remove_rule()).refused(), "other_agency");
}

TEST(Rule, ARemovedRuleIsOffAndCanBePutAgain) {
    auto given = officer();
    given.when(put_source()).when(put_rule()).when(remove_rule());
    ASSERT_EQ(given.events().size(), 1U);
    EXPECT_FALSE(given.state().rules.find("bow-high")->rule.active());
    EXPECT_TRUE(given.state().watching.empty());
    given.when(remove_rule());
    EXPECT_EQ(given.refused(), "");
    EXPECT_TRUE(given.events().empty()) << "it is off already";
    given.when(put_rule());
    EXPECT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.etag(), "3");
}

TEST(Rule, AnUnknownRuleCannotBeRemoved) {
    auto given = officer();
    EXPECT_EQ(given.when(remove_rule()).refused(), "not_found");
    EXPECT_EQ(given.rejection()->field, "rule_id");
}

TEST(Rule, ASeriesHasABoundOnItsRules) {
    auto given = officer();
    given.when(put_source());
    for (int i = 0; i < 20; ++i) {
        auto command = put_rule();
        command.mutable_put_rule()->set_rule_id("rule-" + std::to_string(i));
        ASSERT_EQ(given.when(command).refused(), "");
    }
    EXPECT_EQ(given.when(put_rule()).refused(), "too_many_rules");
}

}  // namespace
}  // namespace tocsin::trigger
