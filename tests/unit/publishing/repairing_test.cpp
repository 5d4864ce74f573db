// What a duty officer does about one delivery: try it again, or say what is there.
#include "samples.hpp"

#include <chrono>

namespace tocsin::publishing {
namespace {

using samples::armed;
using samples::at;
using samples::channel;
using samples::Story;

// Of a feed that has the message and a webhook that refused it.
Story refused_by_hook() {
    Story story = armed();
    story.claim()
        .outcome("feed", v1::OUTCOME_CONFIRMED)
        .outcome("hook", v1::OUTCOME_REFUSED, at(3), 1, "x1", "401");
    return story;
}

// Two posts, of which the server forgot the key of one; it cannot be asked either.
Story in_doubt() {
    Story story = armed({channel("toot", "mastodon")});
    story.claim()
        .outcome("toot:en-CA", v1::OUTCOME_CONFIRMED)
        .outcome("toot:fr-CA", v1::OUTCOME_UNKNOWN, at(3), 1, "x1", "It answered 504.");
    return story;
}

// ---- retry

TEST(Retry, ARefusedDeliveryGoesOutWithTheSameBytesAndKey) {
    Story story = refused_by_hook();
    ASSERT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    const v1::Delivery before = story.whole("hook");
    story.retry("hook", at(60));
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_FIRING);
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_ARMED);
    EXPECT_EQ(story.delivery("hook").head.reason(), "the account is back");
    // The bytes were dropped with the end of the release, and follow.
    story.due().claim("x1", at(61));
    ASSERT_EQ(story.given.refused(), "");
    const v1::Delivery again = story.whole("hook");
    EXPECT_EQ(again.attempts(), 2);
    EXPECT_EQ(again.idempotency_key(), before.idempotency_key());
    EXPECT_EQ(again.rendition_digest(), before.rendition_digest());
    EXPECT_EQ(content::digest(again.rendition().body()), before.rendition_digest());
    story.outcome("hook", v1::OUTCOME_CONFIRMED, at(62), 2);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_TRUE(story.release().head.reason().empty()) << story.release().head.reason();
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}

TEST(Retry, AReleaseThatNobodyTookIsOverAndItsTextGoesBack) {
    Story story = armed({channel("hook", "webhook")});
    story.claim().outcome("hook", v1::OUTCOME_REFUSED, at(3), 1, "x1", "401");
    ASSERT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    const auto& text = story.given.events().back().release_ended().returned();
    EXPECT_EQ(text.message_id(), "msg-1");
    EXPECT_EQ(text.round(), 1);
    story.retry("hook", at(60));
    EXPECT_EQ(story.given.refused(), "over");
    // The same words, cleared by the approvals that they have.
    story.clear_again(at(70)).prepared("hook", true, "", 0, at(71)).claim("x1", at(72));
    ASSERT_EQ(story.given.refused(), "");
    story.outcome("hook", v1::OUTCOME_CONFIRMED, at(73));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_EQ(story.release().head.round(), 2);
}

// Refused while an earlier attempt is in doubt, and then somebody looks.
TEST(Resolve, OfTheLastOneThatIsNotThereGivesTheTextBack) {
    Story story = armed({channel("toot", "mastodon")});
    story.claim().outcome("toot:fr-CA", v1::OUTCOME_REFUSED, at(3), 1, "x1", "403");
    story.outcome("toot:en-CA", v1::OUTCOME_UNKNOWN, at(3))
        .outcome("toot:en-CA", v1::OUTCOME_ABSENT, at(20))
        .claim("x1", at(30))
        .outcome("toot:en-CA", v1::OUTCOME_REFUSED, at(31), 2, "x1", "403");
    ASSERT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    ASSERT_FALSE(story.release().never_left());
    EXPECT_FALSE(story.release().text_returned);
    story.resolve("toot:en-CA", v1::FINDING_ABSENT, at(120));
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(story.release().text_returned);
    EXPECT_TRUE(story.given.events().back().release_ended().has_returned());
    story.resolve("toot:en-CA", v1::FINDING_ABSENT, at(91));
    EXPECT_TRUE(story.given.events().empty());
}

TEST(Stop, OfAReleaseWhoseTextCameBackNamesTheOneThatFollowed) {
    Story story = armed({channel("hook", "webhook")});
    story.claim().outcome("hook", v1::OUTCOME_REFUSED, at(3), 1, "x1", "401");
    const std::string first = story.id();
    story.stop(at(5));
    EXPECT_EQ(story.given.refused(), "") << "it is over, which is what was wanted";
    story.clear_again(at(10));
    v1::Command command;
    command.mutable_stop_release()->set_release_id(first);
    command.mutable_stop_release()->set_reason("wrong river");
    story.given.by("olga", "calgary", {"approver"}).on(at(11)).when(command);
    EXPECT_EQ(story.given.refused(), "later_release");
    story.stop(at(12));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_CANCELLED);
    EXPECT_EQ(story.given.events().back().release_cancelled().returned().stopped_by(), "olga");
}

// Should approval clear it by mistake.
TEST(Planning, NoSecondReleaseFollowsOneThatIsPublic) {
    Story story = armed({channel("hook", "webhook")});
    story.claim().outcome("hook", v1::OUTCOME_CONFIRMED);
    ASSERT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    const std::string first = story.id();
    story.clear_again(at(30));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(story.release().head.reason().contains(first)) << story.release().head.reason();
}

TEST(Retry, ARefusedRetractionIsTriedAgainToo) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_CONFIRMED);
    story.stop(at(10))
        .claim("x1", at(40), v1::PURPOSE_RETRACTION)
        .outcome("feed:cancel", v1::OUTCOME_CONFIRMED, at(41))
        .outcome("hook:cancel", v1::OUTCOME_REFUSED, at(41), 1, "x1", "401");
    ASSERT_EQ(story.state(), v1::RELEASE_STATE_PARTLY_RETRACTED);
    story.retry("hook:cancel", at(60));
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RETRACTING);
    story.due()
        .claim("x1", at(61), v1::PURPOSE_RETRACTION)
        .outcome("hook:cancel", v1::OUTCOME_CONFIRMED, at(62), 2);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RETRACTED);
}

TEST(Retry, WhatNobodyTakesAgainIsGivenUpWhenTheMessageExpires) {
    Story story = refused_by_hook();
    story.retry("hook", at(60)).due();
    story.due();
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_REFUSED);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}

TEST(Retry, ASecondClickChangesNothing) {
    Story story = refused_by_hook();
    story.retry("hook", at(60)).retry("hook", at(61));
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_TRUE(story.given.events().empty());
}

TEST(Retry, OnlyOfWhatWasRefused) {
    Story story = refused_by_hook();
    story.retry("feed", at(60));
    EXPECT_EQ(story.given.refused(), "not_refused");
    story.retry("nowhere", at(60));
    EXPECT_EQ(story.given.refused(), "not_found");
}

TEST(Retry, NotOfAMessageThatWasRetractedOrExpired) {
    Story story = refused_by_hook();
    Story late = story;
    late.retry("hook", at(3600));
    EXPECT_EQ(late.given.refused(), "release_expired");
    story.stop(at(10)).retry("hook", at(11));
    EXPECT_EQ(story.given.refused(), "retracted");
}

TEST(Retry, NotOfATextThatTheChannelCannotCarry) {
    Story story{samples::feed_and_hook()};
    story.clear().prepared("feed");
    story.prepared("hook", true, {}, 5);
    if (story.delivery("hook").is(v1::DELIVERY_STATE_REFUSED)) {
        story.retry("hook", at(60));
        EXPECT_EQ(story.given.refused(), "never_armed");
    }
}

TEST(Retry, OfWhatIsInDoubtAndWouldShowTwiceIsLeftUntilSomebodyLooked) {
    Story story = in_doubt();
    // Asked, it does not show it; but the time in which it knows a repeat is over.
    story.outcome("toot:fr-CA", v1::OUTCOME_ABSENT, at(3590));
    ASSERT_NE(story.delivery("toot:fr-CA").state(), v1::DELIVERY_STATE_ARMED);
    Story refused = in_doubt();
    v1::RecordOutcome twice = refused.result_of("toot:fr-CA", v1::OUTCOME_REFUSED);
    twice.set_reason("403");
    refused.outcome(std::move(twice), at(4));
    ASSERT_EQ(refused.delivery("toot:fr-CA").state(), v1::DELIVERY_STATE_REFUSED);
    refused.retry("toot:fr-CA", at(3500));
    EXPECT_EQ(refused.given.refused(), "in_doubt");
    refused.resolve("toot:fr-CA", v1::FINDING_ABSENT, at(3500)).retry("toot:fr-CA", at(3501));
    EXPECT_EQ(refused.given.refused(), "");
    EXPECT_EQ(refused.delivery("toot:fr-CA").state(), v1::DELIVERY_STATE_ARMED);
}

TEST(Retry, NeedsADutyOfficerOfOneOfItsAgencies) {
    Story story = refused_by_hook();
    story.retry("hook", at(60), "calgary", {"approver"});
    EXPECT_EQ(story.given.refused(), "role_missing");
    story.retry("hook", at(60), "elsewhere");
    EXPECT_EQ(story.given.refused(), "other_agency");
}

// ---- resolve

TEST(Resolve, WhatSomebodySawThereIsConfirmed) {
    Story story = in_doubt();
    story.resolve("toot:fr-CA", v1::FINDING_PRESENT, at(5), "https://social.example.org/1");
    ASSERT_EQ(story.given.refused(), "");
    const v1::Delivery delivery = story.delivery("toot:fr-CA").head;
    EXPECT_EQ(delivery.state(), v1::DELIVERY_STATE_CONFIRMED);
    EXPECT_EQ(delivery.url(), "https://social.example.org/1");
    EXPECT_TRUE(delivery.reason().contains("`olga` looked")) << delivery.reason();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
}

TEST(Resolve, WhatIsNotThereIsRefusedAndCanBeTriedAgain) {
    Story story = in_doubt();
    story.resolve("toot:fr-CA", v1::FINDING_ABSENT, at(80));
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.delivery("toot:fr-CA").state(), v1::DELIVERY_STATE_REFUSED);
    EXPECT_TRUE(story.delivery("toot:fr-CA").never_left());
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    story.retry("toot:fr-CA", at(3500));
    EXPECT_EQ(story.given.refused(), "");
}

TEST(Resolve, NobodyCanSeeYetWhatIsStillUnderWay) {
    Story story = in_doubt();
    story.resolve("toot:fr-CA", v1::FINDING_ABSENT, at(5));
    EXPECT_EQ(story.given.refused(), "under_way");
    Story claimed = armed();
    claimed.claim();
    claimed.resolve("hook", v1::FINDING_ABSENT, at(2));
    EXPECT_EQ(claimed.given.refused(), "not_in_doubt");
}

TEST(Resolve, ARetractionWaitsNoLongerForWhatSomebodyLookedFor) {
    Story story = in_doubt();
    story.stop(at(10));
    ASSERT_NE(story.release().find("toot:fr-CA:cancel"), nullptr);
    story.resolve("toot:fr-CA", v1::FINDING_ABSENT, at(80));
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.delivery("toot:fr-CA:cancel").state(), v1::DELIVERY_STATE_STOOD_DOWN);
    story.claim("x1", at(81), v1::PURPOSE_RETRACTION)
        .outcome("toot:en-CA:cancel", v1::OUTCOME_CONFIRMED, at(82));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RETRACTED);
}

// Nobody could ask the webhook, and its retraction was refused as well.
TEST(Resolve, WhatWasGivenUpInDoubtIsResolvedTooAndDoesNotMoveOtherwise) {
    Story story = armed();
    story.claim()
        .outcome("feed", v1::OUTCOME_CONFIRMED)
        .outcome("hook", v1::OUTCOME_UNKNOWN, at(2))
        .outcome("hook", v1::OUTCOME_REFUSED, at(3), 1, "x1", "410");
    ASSERT_FALSE(story.delivery("hook").never_left());
    story.resolve("hook", v1::FINDING_ABSENT, at(60));
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_REFUSED);
    EXPECT_TRUE(story.delivery("hook").never_left());
}

TEST(Resolve, OnlyWhatIsInDoubtAndOnlyInWordsThatAreKnown) {
    Story story = in_doubt();
    story.resolve("toot:en-CA", v1::FINDING_ABSENT, at(60));
    EXPECT_EQ(story.given.refused(), "not_in_doubt");
    story.resolve("toot:fr-CA", v1::FINDING_UNSPECIFIED, at(60));
    EXPECT_EQ(story.given.refused(), "unknown_finding");
    story.resolve("toot:fr-CA", v1::FINDING_ABSENT, at(60), "https://social.example.org/1");
    EXPECT_EQ(story.given.refused(), "url_of_nothing");
    story.resolve("toot:fr-CA", v1::FINDING_ABSENT, at(60), {}, {"approver"});
    EXPECT_EQ(story.given.refused(), "role_missing");
}

// ---- how far a retraction came

TEST(Retracted, OnlyWhereEveryChannelThatHasTheMessageHasItsRetraction) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_CONFIRMED);
    story.stop(at(10))
        .claim("x1", at(40), v1::PURPOSE_RETRACTION)
        .outcome("feed:cancel", v1::OUTCOME_CONFIRMED, at(41))
        .outcome("hook:cancel", v1::OUTCOME_UNKNOWN, at(41))
        .outcome("hook:cancel", v1::OUTCOME_REFUSED, at(42), 1, "x1", "410");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_PARTLY_RETRACTED);
    EXPECT_TRUE(story.release().head.reason().contains("`hook:cancel` is refused"))
        << story.release().head.reason();
    // A channel turns out to have it, as somebody saw.
    Story seen = story;
    seen.resolve("hook:cancel", v1::FINDING_PRESENT, at(60));
    EXPECT_EQ(seen.given.refused(), "");
    EXPECT_EQ(seen.state(), v1::RELEASE_STATE_RETRACTED);
    // Or it is ordered once more, and the last order counts.
    story.stop(at(60))
        .claim("x1", at(90), v1::PURPOSE_RETRACTION)
        .outcome("hook:cancel:2", v1::OUTCOME_CONFIRMED, at(91));
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RETRACTED);
    EXPECT_EQ(story.release().head.reason(), "");
}

}  // namespace
}  // namespace tocsin::publishing
