// Readiness of the channels, and the policy for those that are not ready.
#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::at;
using samples::channel;
using samples::Story;

TEST(Preparing, OnlyTheServiceItselfMayTell) {
    Story story{samples::feed_only()};
    story.clear();
    v1::Command command;
    command.mutable_record_prepared()->set_release_id(story.id());
    story.given.by("ana", "calgary", {"admin"}).when(command);
    EXPECT_EQ(story.given.refused(), "not_an_executor");
}

TEST(Preparing, ArmsOnceEveryDeliveryIsReady) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_PREPARING);
    story.prepared("hook");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
    EXPECT_EQ(runtime::from_proto(story.release().head.fire_at()),
              at(1) + std::chrono::milliseconds{600});
}

TEST(Preparing, TellingTheSameTwiceAddsNothing) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed").prepared("feed");
    EXPECT_TRUE(story.given.events().empty());
}

TEST(Preparing, ByDefaultWaitsForAStragglerUntilTheMessageExpires) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_WAITING);
    EXPECT_EQ(story.delivery("hook").head.reason(), "no credential");
    story.due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_EXPIRED);
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}

TEST(Preparing, AStragglerThatGetsReadyLetsItGo) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed").prepared("hook", false, "no credential").prepared("hook");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
}

TEST(Preparing, GoesWithoutAStragglerWhenThePolicySaysSo) {
    auto content = samples::make_content();
    content.mutable_draft()->set_straggler_policy(content::v1::STRAGGLER_POLICY_GO_WITHOUT);
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_WAITING);
    story.due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
    EXPECT_EQ(story.delivery("feed").state(), v1::DELIVERY_STATE_ARMED);
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_SKIPPED);
    EXPECT_EQ(story.delivery("hook").head.reason(), "no credential");
}

TEST(Preparing, GoesWithoutOneThatNeverAnswered) {
    auto content = samples::make_content();
    content.mutable_draft()->set_straggler_policy(content::v1::STRAGGLER_POLICY_GO_WITHOUT);
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").due();
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_SKIPPED);
    EXPECT_FALSE(story.delivery("hook").head.reason().empty());
}

TEST(Preparing, AbortsWhenNobodyIsReady) {
    auto content = samples::make_content();
    content.mutable_draft()->set_straggler_policy(content::v1::STRAGGLER_POLICY_GO_WITHOUT);
    Story story{samples::feed_only(), content};
    EXPECT_EQ(story.clear().due().state(), v1::RELEASE_STATE_ABORTED);
}

TEST(Preparing, AbortsOverAStragglerWhenThePolicySaysSo) {
    auto content = samples::make_content();
    content.mutable_draft()->set_straggler_policy(content::v1::STRAGGLER_POLICY_ABORT);
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").prepared("hook", false, "no credential").due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(story.release().head.reason().contains("no credential"));
}

TEST(Preparing, ATextTooLongForTheServerIsNotReadyAndSaysByHowMuch) {
    Story story{{channel("toot", "mastodon")}};
    story.clear().prepared("toot:fr-CA", true, "", 5).prepared("toot:en-CA", true, "", 500);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_WAITING);
    EXPECT_TRUE(story.delivery("toot:fr-CA").is(v1::DELIVERY_STATE_NOT_READY));
    EXPECT_TRUE(story.delivery("toot:fr-CA").head.reason().contains("characters too long"));
}

TEST(Preparing, AnInstanceWhoseClockIsBehindStillReachesTheDueTime) {
    auto content = samples::make_content();
    content.mutable_draft()->set_straggler_policy(content::v1::STRAGGLER_POLICY_GO_WITHOUT);
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed");
    const auto due = Decider::next_due(story.given.state());
    story.tell(due->command, due->at - std::chrono::seconds{2});
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
}

TEST(Preparing, ADueTimeFarAheadIsRefused) {
    Story story{samples::feed_only()};
    story.clear();
    const auto due = Decider::next_due(story.given.state());
    story.tell(due->command, at(1));
    EXPECT_EQ(story.given.refused(), "not_due");
}

}  // namespace
}  // namespace tocsin::publishing
