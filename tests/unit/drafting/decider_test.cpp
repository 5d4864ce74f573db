#include "drafting/decider.hpp"

#include "runtime/ledger/rules.hpp"
#include "unit/drafting/cases.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tocsin::drafting {
namespace {

using namespace cases;

TEST(Concerns, WhatHandsAMessageBackOrEndsItAndCrossings) {
    using Names = std::set<std::string>;
    EXPECT_EQ((testing::concerning<Decider, approval::v1::Event>("approval")),
              (Names{"review_rejected", "review_returned", "roster_imported"}));
    EXPECT_EQ(
        (testing::concerning<Decider, publishing::v1::Event>("publishing")),
        (Names{"channel_put", "channel_removed", "deliveries_claimed", "release_cancelled",
               "release_completed", "release_ended", "release_superseded", "retraction_armed"}));
    EXPECT_EQ((testing::concerning<Decider, trigger::v1::Event>("trigger")),
              (Names{"crossing_retried", "rule_crossed", "rule_put", "rule_removed"}));
}

// ---- versions

TEST(Drafting, AnUnknownCommandIsRefused) {
    Case test = given();
    EXPECT_EQ(test.when(v1::Command{}).refused(), "unknown_command");
}

TEST(Drafting, AnUnknownEventIsNotFolded) {
    State state;
    EXPECT_FALSE(Decider::evolve(state, {}, samples::now));
}

// ---- the world

TEST(World, IsTheOneThatTheStateBeganWith) {
    State exercise;
    exercise.world = "exercise";
    runtime::RulesOf<Decider> rules(exercise);
    v1::Command command = put_template();
    const runtime::Asking asking{"bow", "ana", "calgary", {"author"}, "r1"};
    const auto refused = rules.decide(asking, command.SerializeAsString(), samples::now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "template_unusable");
    EXPECT_EQ(refused.error().field, "draft.status");
    command.mutable_put_template()->mutable_draft()->set_status(content::v1::STATUS_EXERCISE);
    EXPECT_TRUE(rules.decide(asking, command.SerializeAsString(), samples::now));
    ASSERT_TRUE(rules.evolve("bow", incident().SerializeAsString(), samples::now));
    EXPECT_TRUE(rules.decide(asking, command.SerializeAsString(), samples::now));
    EXPECT_TRUE(rules.fresh()->decide(asking, command.SerializeAsString(), samples::now));
}

}  // namespace
}  // namespace tocsin::drafting
