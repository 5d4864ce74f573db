// Retractions: on which channels, and after what.
#include "content/cap.hpp"
#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::armed;
using samples::at;
using samples::channel;
using samples::Story;

TEST(Retracting, ReachesEveryChannelThatHasOrMayHaveTheMessage) {
    Story story =
        armed({channel("feed", "feed"), channel("hook", "webhook"), channel("toot", "mastodon")});
    story.claim()
        .outcome("feed", v1::OUTCOME_CONFIRMED)
        .outcome("hook", v1::OUTCOME_REFUSED, at(2), 1, "x1", "410")
        .outcome("toot:fr-CA", v1::OUTCOME_CONFIRMED)
        .outcome("toot:en-CA", v1::OUTCOME_UNKNOWN)
        .outcome("toot:en-CA", v1::OUTCOME_CANNOT_TELL, at(3))
        .stop(at(40));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RETRACTING);
    EXPECT_EQ(story.release().find("hook:cancel"), nullptr);
    const v1::Delivery feed = story.whole("feed:cancel");
    EXPECT_EQ(feed.fixed().identifier(), "tocsin-" + story.id() + "-calgary-cancel");
    EXPECT_EQ(feed.fixed().retracts().identifier(), "tocsin-" + story.id() + "-calgary");
    EXPECT_EQ(feed.fixed().retracts().sent(), story.whole("feed").fixed().sent());
    EXPECT_TRUE(feed.fixed().permalink().ends_with("-cancel.xml"));
    EXPECT_EQ(story.delivery("toot:fr-CA:cancel").head.in_reply_to(), "receipt-toot:fr-CA");
    EXPECT_EQ(story.delivery("toot:en-CA:cancel").head.in_reply_to(), "");
    // It is part of the armed bytes.
    const auto sent = [&](const char* id) {
        return story.release().body(story.delivery(id))->bytes();
    };
    EXPECT_TRUE(sent("toot:fr-CA:cancel").contains(R"("in_reply_to_id":"receipt-toot:fr-CA")"));
    EXPECT_FALSE(sent("toot:en-CA:cancel").contains("in_reply_to_id"));
    EXPECT_NE(story.delivery("toot:fr-CA:cancel").head.idempotency_key(),
              story.delivery("toot:fr-CA").head.idempotency_key());

    story.claim("x1", at(80), v1::PURPOSE_RETRACTION);
    for (const std::string id : {"feed:cancel", "toot:fr-CA:cancel", "toot:en-CA:cancel"})
        story.outcome(id, v1::OUTCOME_CONFIRMED, at(81));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RETRACTED);
}

// Its executor may still be at it. A feed shows its alert from T0 on, whoever is at it.
TEST(Retracting, IsNotClaimedWhileItsOriginalIs) {
    Story story =
        armed({channel("feed", "feed"), channel("hook", "webhook"), channel("late", "webhook")});
    story.claim().outcome("hook", v1::OUTCOME_CONFIRMED).stop(at(3));
    story.claim("x2", at(4), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.delivery("hook:cancel").state(), v1::DELIVERY_STATE_CLAIMED);
    EXPECT_EQ(story.delivery("feed:cancel").state(), v1::DELIVERY_STATE_CLAIMED);
    EXPECT_EQ(story.delivery("late:cancel").state(), v1::DELIVERY_STATE_ARMED);
    story.claim("x2", at(5), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.given.refused(), "already_claimed");
    story.outcome("late", v1::OUTCOME_CONFIRMED, at(7));
    story.claim("x2", at(8), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.delivery("late:cancel").state(), v1::DELIVERY_STATE_CLAIMED);
}

// Ordered again for one channel, that of another goes on.
TEST(Retracting, AnotherOrderLeavesThoseAloneThatAreUnderWay) {
    Story story = armed({channel("hook", "webhook"), channel("other", "webhook")});
    story.claim()
        .outcome("hook", v1::OUTCOME_CONFIRMED)
        .outcome("other", v1::OUTCOME_CONFIRMED)
        .stop();
    story.claim("x1", at(10), v1::PURPOSE_RETRACTION);
    story.outcome("hook:cancel", v1::OUTCOME_REFUSED, at(11), 1, "x1", "410");
    story.outcome("other:cancel", v1::OUTCOME_RETRY_LATER, at(11), 1, "x1", "429").stop(at(12));
    EXPECT_EQ(story.delivery("hook:cancel:2").state(), v1::DELIVERY_STATE_ARMED);
    EXPECT_EQ(story.delivery("other:cancel").state(), v1::DELIVERY_STATE_ARMED);
}

TEST(Retracting, WhatNobodyEverHadEndsAsCancelled) {
    Story story = armed({channel("hook", "webhook")});
    story.claim().stop(at(2)).outcome("hook", v1::OUTCOME_RETRY_LATER, at(3));
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_STOOD_DOWN);
    EXPECT_EQ(story.delivery("hook:cancel").state(), v1::DELIVERY_STATE_STOOD_DOWN);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_CANCELLED);
    story.stop(at(4));
    EXPECT_EQ(story.given.refused(), "");
}

TEST(Retracting, FollowsAnOriginalInDoubtOnceTheChannelWasAskedAndTheClaimIsOver) {
    Story story = armed({channel("hook", "webhook")});
    story.claim().outcome("hook", v1::OUTCOME_UNKNOWN).stop(at(3));
    const auto claims = [&](int second) {
        story.claim("x2", at(second), v1::PURPOSE_RETRACTION);
        return story.delivery("hook:cancel").is(v1::DELIVERY_STATE_CLAIMED);
    };
    EXPECT_FALSE(claims(4));
    EXPECT_FALSE(claims(30)) << "nobody asked the channel";
    Story other = story;
    story.outcome("hook", v1::OUTCOME_CANNOT_TELL, at(32), 1, "x2");
    EXPECT_TRUE(claims(32));
    other.outcome("hook", v1::OUTCOME_CANNOT_TELL, at(5));
    other.claim("x2", at(6), v1::PURPOSE_RETRACTION);
    EXPECT_TRUE(other.delivery("hook:cancel").is(v1::DELIVERY_STATE_ARMED))
        << "its executor may still start";
}

TEST(Retracting, SpeaksOfNothingWhereTheMessageNeverWas) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).stop(at(3));
    story.outcome("hook", v1::OUTCOME_REFUSED, at(4), 1, "x1", "401");
    EXPECT_EQ(story.delivery("hook:cancel").state(), v1::DELIVERY_STATE_STOOD_DOWN);
    story.claim("x1", at(5), v1::PURPOSE_RETRACTION)
        .outcome("feed:cancel", v1::OUTCOME_CONFIRMED, at(6));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RETRACTED);
}

// It was in doubt and not found: a server may show it later.
TEST(Retracting, ReachesWhatWasInDoubtAndMayBecomePublicAfterwards) {
    Story story = armed({channel("feed", "feed"), channel("toot", "mastodon")});
    story.claim()
        .outcome("feed", v1::OUTCOME_CONFIRMED)
        .outcome("toot:fr-CA", v1::OUTCOME_CONFIRMED);
    story.outcome("toot:en-CA", v1::OUTCOME_UNKNOWN)
        .outcome("toot:en-CA", v1::OUTCOME_ABSENT, at(3))
        .stop(at(4));
    EXPECT_EQ(story.delivery("toot:en-CA").state(), v1::DELIVERY_STATE_STOOD_DOWN);
    // A request under way may yet be carried out, until its executor had to stop.
    story.claim("x1", at(5), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.delivery("toot:en-CA:cancel").state(), v1::DELIVERY_STATE_ARMED);
    story.claim("x1", at(80), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.delivery("toot:en-CA:cancel").state(), v1::DELIVERY_STATE_CLAIMED);
    story.outcome("toot:en-CA", v1::OUTCOME_CONFIRMED, at(81));
    EXPECT_EQ(story.delivery("toot:en-CA").state(), v1::DELIVERY_STATE_CONFIRMED);
}

TEST(Retracting, FollowsWhatOnlyAPersonCanTell) {
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_expires() = runtime::to_proto(at(86'400));
    Story story{{channel("toot", "mastodon")}, content};
    story.clear().prepared("toot:fr-CA").prepared("toot:en-CA").claim();
    story.outcome("toot:fr-CA", v1::OUTCOME_CONFIRMED).outcome("toot:en-CA", v1::OUTCOME_UNKNOWN);
    story.outcome("toot:en-CA", v1::OUTCOME_ABSENT, at(4000));
    EXPECT_EQ(story.delivery("toot:en-CA").state(), v1::DELIVERY_STATE_UNKNOWN);
    story.stop(at(4001)).claim("x1", at(4001), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.delivery("toot:en-CA:cancel").state(), v1::DELIVERY_STATE_CLAIMED);
}

TEST(Retracting, WithoutATextStopsAnUnknownOneFromBeingSentAgain) {
    auto content = samples::make_content();
    content.mutable_draft()->clear_retraction();
    Story story{{channel("hook", "webhook")}, content};
    story.clear().prepared("hook").claim().outcome("hook", v1::OUTCOME_UNKNOWN).stop(at(3));
    EXPECT_EQ(story.given.refused(), "");
    story.outcome("hook", v1::OUTCOME_ABSENT, at(30), 1, "x2");
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_STOOD_DOWN);
}

TEST(Retracting, WithoutATextStillStopsWhatIsToGoOut) {
    auto content = samples::make_content();
    content.mutable_draft()->clear_retraction();
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").prepared("hook").claim().outcome("feed", v1::OUTCOME_CONFIRMED);
    story.outcome("hook", v1::OUTCOME_RETRY_LATER).stop(at(3));
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_STOOD_DOWN);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_NE(story.release().head.reason().find("publish an update"), std::string::npos);
    story.stop(at(4));
    EXPECT_EQ(story.given.refused(), "no_retraction");
}

// A feed shows an alert from T0 on once it is claimed, whatever became of asking it.
TEST(Retracting, WhatAFeedShowsIsNotSaidToBeStopped) {
    auto content = samples::make_content();
    content.mutable_draft()->clear_retraction();
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").prepared("hook").claim().stop(at(1));
    ASSERT_EQ(story.given.refused(), "");
    story.outcome("feed", v1::OUTCOME_STOOD_DOWN).outcome("hook", v1::OUTCOME_STOOD_DOWN);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_TRUE(story.release().head.reason().contains("publish an update"));
}

TEST(Retracting, TwiceAddsNothing) {
    Story story = armed();
    story.claim()
        .outcome("feed", v1::OUTCOME_CONFIRMED)
        .outcome("hook", v1::OUTCOME_CONFIRMED)
        .stop()
        .stop();
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_TRUE(story.given.events().empty());
}

TEST(Retracting, WhatWasToBeSentAgainIsNotSentAnyMore) {
    Story story = armed();
    story.claim()
        .outcome("feed", v1::OUTCOME_CONFIRMED)
        .outcome("hook", v1::OUTCOME_RETRY_LATER)
        .stop();
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_STOOD_DOWN);
    EXPECT_EQ(story.release().find("hook:cancel"), nullptr);
}

// A receiver says nothing of what it has: what was in doubt once is taken back there as well.
TEST(Retracting, ReachesAReceiverThatMayHaveHadAnEarlierAttempt) {
    Story story = armed();
    story.claim()
        .outcome("feed", v1::OUTCOME_CONFIRMED)
        .outcome("hook", v1::OUTCOME_UNKNOWN, at(2), 1, "x1", "cut");
    story.outcome("hook", v1::OUTCOME_ABSENT, at(3));
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_ARMED);
    story.stop(at(4));
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_STOOD_DOWN);
    ASSERT_NE(story.release().find("hook:cancel"), nullptr);
    EXPECT_EQ(story.delivery("hook:cancel").state(), v1::DELIVERY_STATE_ARMED);
}

TEST(Retracting, AnAbsentOriginalIsNotSentAfterItsRetraction) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).due().stop(at(20));
    story.outcome("hook", v1::OUTCOME_ABSENT, at(21), 1, "x2");
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_STOOD_DOWN);
}

TEST(Retracting, WithoutAPreparedTextIsRefused) {
    auto content = samples::make_content();
    content.mutable_draft()->clear_retraction();
    Story story{samples::feed_only(), content};
    story.clear().prepared("feed").claim().outcome("feed", v1::OUTCOME_CONFIRMED).stop();
    EXPECT_EQ(story.given.refused(), "no_retraction");
}

TEST(Retracting, NeedsAnApproverOrDutyOfficerOfAnAgencyOfTheRelease) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_CONFIRMED);
    story.stop(at(10), "alberta");
    EXPECT_EQ(story.given.refused(), "other_agency");
    story.stop(at(10), "calgary", {"author"});
    EXPECT_EQ(story.given.refused(), "role_missing");
}

TEST(Retracting, AfterTheMessageExpiredStillReachesThePublic) {
    Story story = armed();
    story.claim()
        .outcome("feed", v1::OUTCOME_CONFIRMED)
        .outcome("hook", v1::OUTCOME_CONFIRMED)
        .stop(at(4000));
    story.claim("x1", at(4000), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.delivery("feed:cancel").state(), v1::DELIVERY_STATE_CLAIMED);
    const v1::Delivery cancel = story.whole("feed:cancel");
    EXPECT_EQ(runtime::from_proto(cancel.fixed().expires()),
              at(4000) + std::chrono::milliseconds{100} + std::chrono::hours{24});
    EXPECT_TRUE(cancel.rendition().body().contains(
        "<expires>" + content::cap_time(cancel.fixed().expires()) + "</expires>"))
        << cancel.rendition().body();
}

TEST(Retracting, EndsWithTheMessageWhereThatIsLater) {
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_expires() = runtime::to_proto(at(3 * 24 * 3600));
    Story story{samples::feed_only(), content};
    story.clear().prepared("feed").claim().outcome("feed", v1::OUTCOME_CONFIRMED).stop();
    EXPECT_EQ(runtime::from_proto(story.whole("feed:cancel").fixed().expires()), at(3 * 24 * 3600));
}

TEST(Retracting, OneThatFailedCanBeOrderedAgainForThatChannel) {
    Story story = armed({channel("hook", "webhook")});
    story.claim().outcome("hook", v1::OUTCOME_CONFIRMED).stop();
    story.claim("x1", at(10), v1::PURPOSE_RETRACTION);
    story.outcome("hook:cancel", v1::OUTCOME_REFUSED, at(11), 1, "x1", "410");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_PARTLY_RETRACTED) << "an alert says so until it is";
    story.stop(at(12));
    EXPECT_EQ(story.delivery("hook:cancel:2").state(), v1::DELIVERY_STATE_ARMED);
}

// What a server takes is known only once it is asked, after the approval.
TEST(Retracting, WhereItsWordsDoNotFitItIsRefusedAndSaysSo) {
    auto content = samples::make_content();
    for (auto* texts :
         {content.mutable_draft()->mutable_texts(), content.mutable_draft()->mutable_retraction()})
        for (content::Text& text : *texts) {
            auto& words = *text.add_channel_texts();
            words.set_kind("mastodon");
            words.set_text(texts == content.mutable_draft()->mutable_texts()
                               ? text.language() + " flood"
                               : std::string(300, 'x'));
        }
    Story story{{channel("feed", "feed"), channel("toot", "mastodon")}, content};
    story.clear().prepared("feed");
    for (const char* id : {"toot:fr-CA", "toot:en-CA"}) story.prepared(id, true, "", 200);
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED);
    for (const char* id : {"toot:fr-CA", "toot:en-CA"}) story.outcome(id, v1::OUTCOME_CONFIRMED);
    story.stop();
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_TRUE(story.delivery("toot:fr-CA:cancel").is(v1::DELIVERY_STATE_REFUSED));
    EXPECT_NE(story.delivery("toot:fr-CA:cancel").head.reason(), "");
    story.claim("x1", at(11), v1::PURPOSE_RETRACTION);
    story.outcome("feed:cancel", v1::OUTCOME_CONFIRMED, at(12));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_PARTLY_RETRACTED);
    EXPECT_TRUE(story.release().head.reason().contains("toot:fr-CA:cancel"));
    story.stop(at(13));
    EXPECT_EQ(story.given.refused(), "no_retraction") << "the others have it";
    // Somebody posts it by hand, in other words.
    for (const char* id : {"toot:fr-CA:cancel", "toot:en-CA:cancel"})
        story.resolve(id, v1::FINDING_PRESENT, at(60));
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RETRACTED);
}
}  // namespace
}  // namespace tocsin::publishing
