#include "publishing/steps.hpp"
#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::at;
using samples::channel;
using samples::Story;

TEST(Planning, OneDeliveryPerChannelAndLanguageOfTheAgencies) {
    Story story{{channel("feed", "feed"), channel("hook", "webhook"), channel("toot", "mastodon"),
                 channel("foreign", "webhook", "alberta")}};
    story.clear();
    ASSERT_EQ(story.release().items.size(), 4u);
    EXPECT_NE(story.release().find("feed"), nullptr);
    EXPECT_NE(story.release().find("toot:fr-CA"), nullptr);
    EXPECT_NE(story.release().find("toot:en-CA"), nullptr);
    EXPECT_EQ(story.state(), "preparing");
    EXPECT_EQ(story.release().prepare_until, at(10));
}

TEST(Planning, ASecondClearanceOfTheSameDigestDoesNothing) {
    Story story{samples::feed_only()};
    story.clear().clear(at(5));
    EXPECT_FALSE(story.given.reacted());
}

TEST(Planning, ContentWithAnotherDigestIsNeverReleased) {
    Story story{samples::feed_only()};
    auto cleared = samples::make_cleared(story.content);
    story.content.mutable_draft()->set_title("changed");
    cleared.set_content(content::serialise(story.content));
    story.given.when(samples::clearance(cleared));
    ASSERT_EQ(story.given.state().releases.size(), 1u);
    const Release& release = story.given.state().releases.begin()->second;
    EXPECT_EQ(release.head.state(), "aborted");
    EXPECT_TRUE(release.items.empty());
    EXPECT_EQ(release.content, nullptr);
    EXPECT_TRUE(release.head.reason().contains("digest"));
}

TEST(Planning, ContentThatDoesNotParseIsNeverReleased) {
    Story story{samples::feed_only()};
    auto cleared = samples::make_cleared(story.content);
    cleared.set_content("no content at all");
    cleared.set_digest(content::digest(cleared.content()));
    story.given.when(samples::clearance(cleared));
    EXPECT_EQ(story.given.state().releases.begin()->second.head.state(), "aborted");
}

TEST(Planning, AnotherWorldIsNeverReleased) {
    auto content = samples::make_content();
    content.set_world("exercise");
    Story story{samples::feed_only(), content};
    story.clear();
    EXPECT_EQ(story.state(), "aborted");
    EXPECT_TRUE(story.release().head.reason().contains("exercise"));
}

TEST(Planning, AnExerciseInTheLiveWorldIsNeverReleased) {
    auto content = samples::make_content();
    content.mutable_draft()->set_status(content::v1::STATUS_EXERCISE);
    Story story{samples::feed_only(), content};
    EXPECT_EQ(story.clear().state(), "aborted");
}

TEST(Planning, AnExpiredMessageIsNeverReleased) {
    Story story{samples::feed_only()};
    EXPECT_EQ(story.clear(at(3600)).state(), "aborted");
}

TEST(Planning, WithoutAnyChannelItIsPlannedAndAborted) {
    Story story{{}};
    story.clear();
    ASSERT_EQ(story.given.events().size(), 2u);
    EXPECT_TRUE(story.given.events()[0].has_release_planned());
    EXPECT_EQ(story.state(), "aborted");
}

TEST(Planning, UnknownChannelsAreNamed) {
    auto content = samples::make_content();
    content.mutable_draft()->add_channels("feed");
    content.mutable_draft()->add_channels("nowhere");
    Story story{samples::feed_and_hook(), content};
    story.clear();
    EXPECT_EQ(story.release().items.size(), 1u);
    EXPECT_TRUE(story.release().head.reason().contains("nowhere"));
}

TEST(Planning, AChannelOfOneLanguageGetsThatOne) {
    auto toot = channel("toot", "mastodon");
    toot.mutable_channel_put()->mutable_channel()->add_languages("fr-CA");
    Story story{{toot}};
    story.clear();
    ASSERT_EQ(story.release().items.size(), 1u);
    EXPECT_EQ(story.release().items.begin()->id(), "toot:fr-CA");
}

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
    EXPECT_EQ(story.state(), "preparing");
    story.prepared("hook");
    EXPECT_EQ(story.state(), "armed");
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
    EXPECT_EQ(story.state(), "waiting");
    EXPECT_EQ(story.item("hook").delivery.reason(), "no credential");
    story.due();
    EXPECT_EQ(story.state(), "expired");
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}

TEST(Preparing, AStragglerThatGetsReadyLetsItGo) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed").prepared("hook", false, "no credential").prepared("hook");
    EXPECT_EQ(story.state(), "armed");
}

TEST(Preparing, GoesWithoutAStragglerWhenThePolicySaysSo) {
    auto content = samples::make_content();
    content.mutable_draft()->set_straggler_policy(content::v1::STRAGGLER_POLICY_GO_WITHOUT);
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    EXPECT_EQ(story.state(), "waiting");
    story.due();
    EXPECT_EQ(story.state(), "armed");
    EXPECT_EQ(story.item("feed").state(), "armed");
    EXPECT_EQ(story.item("hook").state(), "skipped");
    EXPECT_EQ(story.item("hook").delivery.reason(), "no credential");
}

TEST(Preparing, GoesWithoutOneThatNeverAnswered) {
    auto content = samples::make_content();
    content.mutable_draft()->set_straggler_policy(content::v1::STRAGGLER_POLICY_GO_WITHOUT);
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").due();
    EXPECT_EQ(story.item("hook").state(), "skipped");
    EXPECT_FALSE(story.item("hook").delivery.reason().empty());
}

TEST(Preparing, AbortsWhenNobodyIsReady) {
    auto content = samples::make_content();
    content.mutable_draft()->set_straggler_policy(content::v1::STRAGGLER_POLICY_GO_WITHOUT);
    Story story{samples::feed_only(), content};
    EXPECT_EQ(story.clear().due().state(), "aborted");
}

TEST(Preparing, AbortsOverAStragglerWhenThePolicySaysSo) {
    auto content = samples::make_content();
    content.mutable_draft()->set_straggler_policy(content::v1::STRAGGLER_POLICY_ABORT);
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").prepared("hook", false, "no credential").due();
    EXPECT_EQ(story.state(), "aborted");
    EXPECT_TRUE(story.release().head.reason().contains("no credential"));
}

TEST(Preparing, ATextTooLongForTheServerIsNotReadyAndSaysByHowMuch) {
    Story story{{channel("toot", "mastodon")}};
    story.clear().prepared("toot:fr-CA", true, "", 5).prepared("toot:en-CA", true, "", 500);
    EXPECT_EQ(story.state(), "waiting");
    EXPECT_TRUE(story.item("toot:fr-CA").is("not_ready"));
    EXPECT_TRUE(story.item("toot:fr-CA").delivery.reason().contains("characters too long"));
}

TEST(Preparing, AnInstanceWhoseClockIsBehindStillReachesTheDueTime) {
    auto content = samples::make_content();
    content.mutable_draft()->set_straggler_policy(content::v1::STRAGGLER_POLICY_GO_WITHOUT);
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed");
    const auto due = Decider::next_due(story.given.state());
    story.tell(due->command, due->at - std::chrono::seconds{2});
    EXPECT_EQ(story.state(), "armed");
}

TEST(Preparing, ADueTimeFarAheadIsRefused) {
    Story story{samples::feed_only()};
    story.clear();
    const auto due = Decider::next_due(story.given.state());
    story.tell(due->command, at(1));
    EXPECT_EQ(story.given.refused(), "not_due");
}

TEST(Concerns, OnlyAClearance) {
    EXPECT_EQ((testing::concerning<Decider, approval::v1::Event>("approval")),
              std::set<std::string>{"cleared"});
}

}  // namespace
}  // namespace tocsin::publishing
