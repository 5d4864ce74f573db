// Readiness of the channels, and the policy for those that are not ready.
#include "samples.hpp"

#include <google/protobuf/util/message_differencer.h>

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
              at(1) + std::chrono::milliseconds{100});
}

TEST(Preparing, TellingTheSameTwiceAddsNothing) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed").prepared("feed");
    EXPECT_TRUE(story.given.events().empty());
}

content::Content with_stragglers(int wait_seconds, int quorum_percent = 0) {
    auto content = samples::make_content();
    content.mutable_draft()->mutable_stragglers()->set_wait_seconds(wait_seconds);
    content.mutable_draft()->mutable_stragglers()->set_quorum_percent(quorum_percent);
    return content;
}

TEST(Preparing, ByDefaultNothingWaitsForAStraggler) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
    EXPECT_EQ(story.delivery("feed").state(), v1::DELIVERY_STATE_ARMED);
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_NOT_READY);
    EXPECT_EQ(story.delivery("hook").head.reason(), "no credential");
}

TEST(Preparing, OneThatDoesNotAnswerIsWaitedForALittle) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_PREPARING);
    EXPECT_EQ(Decider::next_due(story.given.state())->at, at(2));
    story.due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_PLANNED);
}

TEST(Preparing, WithNothingReadyTheFirstThatIsGoes) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed", false, "off").prepared("hook", false, "no credential");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_WAITING);
    EXPECT_EQ(Decider::next_due(story.given.state())->at, at(3600));
    story.prepared("hook", true, "", 0, at(100));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
    EXPECT_EQ(runtime::from_proto(story.release().head.fire_at()),
              at(100) + std::chrono::milliseconds{100});
}

TEST(Preparing, WithNothingReadyItExpires) {
    Story story{samples::feed_only()};
    story.clear().prepared("feed", false, "off").due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_EXPIRED);
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}

TEST(Preparing, AStragglerFollowsWithTheSameAlert) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_FIRING) << "the hook is still to follow";
    story.prepared("hook", true, "", 0, at(60));
    const v1::Delivery hook = story.whole("hook"), feed = story.whole("feed");
    EXPECT_EQ(hook.state(), v1::DELIVERY_STATE_ARMED);
    EXPECT_TRUE(hook.straggler());
    EXPECT_FALSE(feed.straggler());
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(hook.fixed(), feed.fixed()));
    story.claim("x1", at(61)).outcome("hook", v1::OUTCOME_CONFIRMED, at(62));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_EQ(story.release().head.skew_ms(), -1) << "one was on time";
}

TEST(Preparing, AStragglerThatIsNeverReadyIsNamedAtTheEnd) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_SKIPPED));
    EXPECT_TRUE(story.release().head.reason().contains("no credential"));
    story.prepared("hook", true, "", 0, at(3601));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_SKIPPED));
}

TEST(Preparing, AStragglerDoesNotFollowWhatWasStopped) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).stop();
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_STOOD_DOWN));
    EXPECT_EQ(story.release().find("hook:cancel"), nullptr) << "it never had the message";
    story.prepared("hook", true, "", 0, at(20));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_STOOD_DOWN));
}

TEST(Preparing, AStragglerCanBeStoppedWhereNothingWasApprovedToBeSaid) {
    auto content = samples::make_content();
    content.mutable_draft()->clear_retraction();
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).stop();
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_STOOD_DOWN));
}

TEST(Preparing, AMessageMayWaitForAllAWhile) {
    Story story{samples::feed_and_hook(), with_stragglers(20)};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_WAITING);
    EXPECT_EQ(Decider::next_due(story.given.state())->at, at(22));
    story.due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_NOT_READY);
}

TEST(Preparing, AWaitEndsBeforeTheMessageExpires) {
    Story story{samples::feed_and_hook(), with_stragglers(3600)};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    EXPECT_EQ(Decider::next_due(story.given.state())->at, at(3540));
    EXPECT_EQ(story.due().state(), v1::RELEASE_STATE_ARMED);
}

TEST(Preparing, AllThatAreReadyGoAtOnceWhateverTheWait) {
    Story story{samples::feed_and_hook(), with_stragglers(20)};
    story.clear().prepared("feed").prepared("hook", false, "no credential").prepared("hook");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
}

TEST(Preparing, AbortsBelowItsQuorum) {
    Story story{samples::feed_and_hook(), with_stragglers(0, 51)};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_WAITING);
    story.due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(story.release().head.reason().contains("51 %"));
    EXPECT_TRUE(story.release().head.reason().contains("no credential"));
}

TEST(Preparing, GoesWithItsQuorum) {
    Story story{samples::feed_and_hook(), with_stragglers(0, 50)};
    story.clear().prepared("feed").prepared("hook", false, "no credential");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
}

TEST(Preparing, AbortsWhenNobodyIsReadyAndItNeedsAQuorum) {
    Story story{samples::feed_only(), with_stragglers(0, 1)};
    EXPECT_EQ(story.clear().due().state(), v1::RELEASE_STATE_ABORTED);
}

TEST(Preparing, ATextTooLongForTheServerIsNotReadyAndSaysByHowMuch) {
    Story story{{channel("toot", "mastodon")}};
    story.clear().prepared("toot:fr-CA", true, "", 5).prepared("toot:en-CA", true, "", 500);
    EXPECT_TRUE(story.delivery("toot:en-CA").is(v1::DELIVERY_STATE_ARMED));
    EXPECT_TRUE(story.delivery("toot:fr-CA").is(v1::DELIVERY_STATE_NOT_READY));
    EXPECT_TRUE(story.delivery("toot:fr-CA").head.reason().contains("characters too long"));
}

TEST(Preparing, AnInstanceWhoseClockIsBehindStillReachesTheDueTime) {
    Story story{samples::feed_and_hook()};
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
