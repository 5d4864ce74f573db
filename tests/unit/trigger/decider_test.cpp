// What holds for sources and rules alike.
#include "trigger/decider.hpp"

#include "unit/trigger/commands.hpp"

#include <string>
#include <vector>

namespace tocsin::trigger {
namespace {

using namespace cases;
using testing::Given;

template <class Thing>
std::vector<std::string> editors_of(const Thing& thing) {
    return {thing.editors().begin(), thing.editors().end()};
}

TEST(Decider, WhatWasRemovedMakesRoom) {
    auto given = officer();
    v1::Command source = put_source(), gone = remove_source();
    v1::Command rule = put_rule(), off = remove_rule();
    given.when(source);
    for (int i = 0; i < 2100; ++i) {
        rule.mutable_put_rule()->set_rule_id("rule-" + std::to_string(i));
        off.mutable_remove_rule()->set_rule_id("rule-" + std::to_string(i));
        ASSERT_EQ(given.when(rule).refused(), "") << i;
        ASSERT_EQ(given.when(off).refused(), "") << i;
    }
    for (int i = 0; i < 1100; ++i) {
        source.mutable_put_source()->set_source_id("gauge-" + std::to_string(i));
        gone.mutable_remove_source()->set_source_id("gauge-" + std::to_string(i));
        ASSERT_EQ(given.when(source).refused(), "") << i;
        ASSERT_EQ(given.when(gone).refused(), "") << i;
    }
    EXPECT_EQ(given.state().sources.size(), 1001U) << "the first that were removed are forgotten";
    EXPECT_EQ(given.state().rules.size(), 1000U);
    EXPECT_EQ(given.when(gone).refused(), "") << "the last is still known";
    gone.mutable_remove_source()->set_source_id("gauge-0");
    EXPECT_EQ(given.when(gone).refused(), "not_found");
}

TEST(Decider, AnAuthorMayPutNothing) {
    Given<Decider> given;
    given.by("ana", "calgary", {"author"});
    EXPECT_EQ(given.when(put_source()).refused(), "role_missing");
    EXPECT_EQ(given.when(put_rule()).refused(), "role_missing");
    EXPECT_EQ(given.when(remove_rule()).refused(), "role_missing");
}

TEST(Decider, WhoeverPutsASourceOrARuleIsAnEditorOfWhatItLeadsTo) {
    auto given = officer();
    given.when(put_source()).when(put_rule());
    given.by("eli", "calgary", {"admin"}).when(put_source(30)).when(put_rule(900));
    // Who changes nothing has written nothing.
    given.by("fay", "calgary", {"admin"}).when(put_source(30)).when(put_rule(900));
    const std::vector<std::string> both{"dora", "eli"};
    EXPECT_EQ(editors_of(given.state().sources.find("bow")->source), both);
    EXPECT_EQ(editors_of(given.state().rules.find("bow-high")->rule), both);
}

TEST(Decider, AnEventNamesTheRuleThatItIsAbout) {
    auto given = officer();
    EXPECT_EQ(given.when(put_source()).events().at(0).rule_id(), "");
    EXPECT_EQ(given.when(put_rule()).events().at(0).rule_id(), "bow-high");
    EXPECT_EQ(given.when(remove_rule()).events().at(0).rule_id(), "bow-high");
}

TEST(Decider, ACommandOfANewerVersionIsRefused) {
    auto given = officer();
    EXPECT_EQ(given.when(v1::Command{}).refused(), "unknown_command");
}

TEST(Decider, AnEventOfANewerVersionStopsTheService) {
    State state;
    EXPECT_FALSE(Decider::evolve(state, v1::Event{}, testing::at(0)));
}

}  // namespace
}  // namespace tocsin::trigger
