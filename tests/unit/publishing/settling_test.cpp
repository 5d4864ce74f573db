// What becomes of claimed deliveries, and of their release.
#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::armed;
using samples::at;
using samples::channel;
using samples::Story;

TEST(Outcomes, WhenAllAreConfirmedTheReleaseIsCompleteWithItsSkew) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED, at(2));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_FIRING);
    story.outcome("hook", v1::OUTCOME_CONFIRMED, at(3));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_DOUBLE_EQ(story.release().head.skew_ms(), 1000);
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}

TEST(Outcomes, OfAnotherExecutorIsRefusedWhileTheClaimLives) {
    Story story = armed();
    story.claim("x1").outcome("hook", v1::OUTCOME_CONFIRMED, at(2), 1, "x2");
    EXPECT_EQ(story.given.refused(), "not_your_claim");
}

TEST(Outcomes, OfAnotherAttemptIsRefused) {
    Story story = armed();
    story.claim("x1").outcome("hook", v1::OUTCOME_CONFIRMED, at(2), 2);
    EXPECT_EQ(story.given.refused(), "stale_attempt");
}

TEST(Outcomes, RefusedForGoodEndsTheDeliveryAndTheOthersGoOn) {
    Story story = armed();
    story.claim()
        .outcome("hook", v1::OUTCOME_REFUSED, at(2), 1, "x1", "410")
        .outcome("feed", v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_EQ(story.delivery("hook").head.reason(), "410");
    EXPECT_TRUE(story.release().head.reason().contains("hook"));
    EXPECT_EQ(story.release().head.skew_ms(), -1);
}

TEST(Outcomes, WhenNobodyTookItTheReleaseIsNotCalledReleased) {
    Story story = armed({channel("hook", "webhook")});
    story.claim().outcome("hook", v1::OUTCOME_REFUSED, at(2), 1, "x1", "410");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
}

TEST(Outcomes, WhatAnAttemptCameToStaysItsReasonWhateverIsFoundOutLater) {
    const std::string said = "The receiver answered 500: it may have it or not.";
    Story story = armed();
    story.claim();
    for (const std::string id : {"hook", "feed"})
        story.outcome(id, v1::OUTCOME_UNKNOWN, at(2), 1, "x1", said)
            .outcome(id, v1::OUTCOME_CANNOT_TELL, at(3), 1, "x1", "It cannot be asked.");
    EXPECT_EQ(story.delivery("hook").head.reason(), "It cannot be asked.");
    story.outcome("hook", v1::OUTCOME_ABSENT, at(4))
        .outcome("feed", v1::OUTCOME_ABSENT, at(4), 1, "x1", "Not there.");
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_ARMED);
    EXPECT_EQ(story.delivery("hook").head.reason(), said);
    EXPECT_EQ(story.delivery("feed").head.reason(), said + " Not there.");
    // The next attempt has its own.
    story.claim("x1", at(20))
        .outcome("hook", v1::OUTCOME_UNKNOWN, at(21), 2, "x1", "It answered 502.");
    story.outcome("hook", v1::OUTCOME_ABSENT, at(22), 2);
    EXPECT_EQ(story.delivery("hook").head.reason(), "It answered 502.");
}

// Its executor heard of it too late, and nobody could ask the channel.
TEST(Outcomes, AReleaseThatWasGivenUpIsReleasedWhereAChannelHasItAfterAll) {
    Story story = armed({channel("hook", "webhook")});
    story.claim()
        .outcome("hook", v1::OUTCOME_UNKNOWN, at(2))
        .outcome("hook", v1::OUTCOME_REFUSED, at(3), 1, "x1", "410");
    ASSERT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    story.outcome("hook", v1::OUTCOME_CONFIRMED, at(4));
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_CONFIRMED);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_TRUE(story.release().head.reason().contains("after the release was given up"));
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}

// Nor is it released because its retraction was tried, and came to nothing too.
TEST(Outcomes, AReleaseThatWasGivenUpStaysSoWhereNothingShowsIt) {
    Story story = armed({channel("hook", "webhook")});
    story.claim()
        .outcome("hook", v1::OUTCOME_UNKNOWN, at(2))
        .outcome("hook", v1::OUTCOME_REFUSED, at(3), 1, "x1", "410");
    ASSERT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    story.stop(at(4));
    ASSERT_EQ(story.state(), v1::RELEASE_STATE_RETRACTING);
    story.claim("x1", at(40), v1::PURPOSE_RETRACTION)
        .outcome("hook:cancel", v1::OUTCOME_REFUSED, at(41), 1, "x1", "410");
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
}

// 409 or 422: it has it already, or will never take it. To post it once more tells nothing.
TEST(Outcomes, ARefusalThatMayBeARepeatStandsUnlessTheMessageIsFound) {
    Story story = armed({channel("toot", "mastodon")});
    story.claim();
    v1::RecordOutcome result = story.result_of("toot:en-CA", v1::OUTCOME_UNKNOWN);
    result.set_reason("Le texte est trop long.");
    result.set_refused_unless_found(true);
    story.outcome(std::move(result), at(2));
    ASSERT_EQ(story.delivery("toot:en-CA").state(), v1::DELIVERY_STATE_UNKNOWN);
    Story found = story;
    story.outcome("toot:en-CA", v1::OUTCOME_ABSENT, at(5));
    EXPECT_EQ(story.delivery("toot:en-CA").state(), v1::DELIVERY_STATE_REFUSED);
    EXPECT_EQ(story.delivery("toot:en-CA").head.reason(), "Le texte est trop long.");
    found.outcome("toot:en-CA", v1::OUTCOME_CONFIRMED, at(5));
    EXPECT_EQ(found.delivery("toot:en-CA").state(), v1::DELIVERY_STATE_CONFIRMED);
}

// Its first attempt may be what the channel refuses the second for.
TEST(Outcomes, ARepeatThatIsRefusedAndNotFoundIsLeftToAPerson) {
    const auto refused_on = [](int attempt, v1::Outcome first) {
        Story story = armed({channel("toot", "mastodon")});
        story.claim().outcome("toot:en-CA", first, at(2));
        if (first == v1::OUTCOME_UNKNOWN) story.outcome("toot:en-CA", v1::OUTCOME_ABSENT, at(3));
        if (attempt == 2) story.claim("x1", at(20));
        v1::RecordOutcome result = story.result_of("toot:en-CA", v1::OUTCOME_UNKNOWN);
        result.set_reason("Déjà publié.");
        result.set_attempt(attempt);
        result.set_refused_unless_found(true);
        story.outcome(std::move(result), at(21));
        story.outcome("toot:en-CA", v1::OUTCOME_ABSENT, at(25), attempt);
        EXPECT_EQ(story.given.refused(), "");
        return story;
    };
    Story story = refused_on(2, v1::OUTCOME_UNKNOWN);
    EXPECT_EQ(story.delivery("toot:en-CA").state(), v1::DELIVERY_STATE_UNKNOWN);
    EXPECT_TRUE(story.delivery("toot:en-CA").head.reason().starts_with("The channel refused a "));
    EXPECT_TRUE(story.delivery("toot:en-CA").head.reason().ends_with("Its answer: Déjà publié."));
    // No attempt follows, and it is found all the same.
    story.claim("x1", at(90));
    EXPECT_EQ(story.delivery("toot:en-CA").head.attempts(), 2);
    story.outcome("toot:en-CA", v1::OUTCOME_CONFIRMED, at(100), 2);
    EXPECT_EQ(story.delivery("toot:en-CA").state(), v1::DELIVERY_STATE_CONFIRMED);
    // Nothing can be there of an attempt that was refused before it was processed.
    EXPECT_EQ(refused_on(2, v1::OUTCOME_RETRY_LATER).delivery("toot:en-CA").state(),
              v1::DELIVERY_STATE_REFUSED);
}

// However the time went by: by waits that the channel asked for, above all.
TEST(Outcomes, WhatWasInDoubtIsNotSentAgainOnceItsKeyIsForgotten) {
    Story story = armed({channel("toot", "mastodon")});
    story.claim()
        .outcome("toot:en-CA", v1::OUTCOME_UNKNOWN, at(2))
        .outcome("toot:en-CA", v1::OUTCOME_ABSENT, at(1900));
    ASSERT_EQ(story.delivery("toot:en-CA").state(), v1::DELIVERY_STATE_ARMED);
    story.claim("x1", at(1920));
    v1::RecordOutcome busy = story.result_of("toot:en-CA", v1::OUTCOME_RETRY_LATER, 2);
    busy.set_retry_after_ms(1'200'000);
    busy.set_reason("1 of 3 posts are public.");
    story.outcome(std::move(busy), at(1921));
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.delivery("toot:en-CA").state(), v1::DELIVERY_STATE_UNKNOWN);
    const std::string& reason = story.delivery("toot:en-CA").head.reason();
    EXPECT_TRUE(reason.ends_with("post it by hand. Last answer: 1 of 3 posts are public."))
        << reason;
}

// Of a kind that states nothing else, as one that only a newer version knows.
TEST(Outcomes, WhatMayBecomeASecondPostIsNeverSentAgainInDoubt) {
    Story known({channel("hook", "webhook")});
    std::vector<v1::Event> happened;
    const auto keep = [&](const Story& story) {
        happened.insert(happened.end(), story.given.events().begin(), story.given.events().end());
    };
    keep(known.clear());
    keep(known.prepared("hook"));
    Story unknown({channel("hook", "webhook")});
    for (v1::Event& event : happened) {
        if (event.has_release_planned())
            event.mutable_release_planned()->mutable_release()->mutable_deliveries(0)->set_kind(
                "pigeon");
        if (event.has_release_armed())
            event.mutable_release_armed()->mutable_deliveries(0)->set_kind("pigeon");
        unknown.given.happens(event);
    }
    for (Story* story : {&known, &unknown})
        story->claim()
            .outcome("hook", v1::OUTCOME_UNKNOWN, at(2))
            .outcome("hook", v1::OUTCOME_ABSENT, at(3));
    EXPECT_EQ(known.delivery("hook").state(), v1::DELIVERY_STATE_ARMED);
    EXPECT_EQ(unknown.delivery("hook").state(), v1::DELIVERY_STATE_UNKNOWN);
    EXPECT_TRUE(unknown.delivery("hook").head.reason().contains("as another message"));
    EXPECT_TRUE(unknown.delivery("hook").may_be_public());
}

TEST(Outcomes, RefusedForNowIsTriedAgainNotEarlierThanTheChannelAsked) {
    Story story = armed();
    v1::RecordOutcome result = story.result_of("hook", v1::OUTCOME_RETRY_LATER);
    result.set_retry_after_ms(90'000);
    story.claim().outcome(std::move(result), at(2));
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_ARMED);
    EXPECT_EQ(*story.delivery("hook").retry_at, at(92));
    story.claim("x2", at(50));
    EXPECT_EQ(story.given.refused(), "already_claimed");
    story.claim("x2", at(92));
    EXPECT_EQ(story.delivery("hook").head.attempts(), 2);
    EXPECT_EQ(story.delivery("hook").head.executor(), "x2");
}

TEST(Outcomes, AChannelThatAsksForMoreTimeThanThereIsGetsALastAttempt) {
    Story story = armed({channel("hook", "webhook")});
    v1::RecordOutcome result = story.result_of("hook", v1::OUTCOME_RETRY_LATER);
    result.set_retry_after_ms(3'600'000);
    story.claim().outcome(result, at(600));
    ASSERT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_ARMED));
    EXPECT_EQ(*story.delivery("hook").retry_at, at(3600 - 15));
    story.claim("x1", at(3585));
    result.set_attempt(2);
    story.outcome(result, at(3586));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_REFUSED));
}

// A server that is down for hours takes it when it is back.
TEST(Outcomes, RetriesGoOnUntilTheMessageExpires) {
    Story story = armed({channel("hook", "webhook")});
    int attempts = 0;
    Time last = at(1);
    while (story.delivery("hook").is(v1::DELIVERY_STATE_ARMED) && attempts < 1000) {
        last = story.delivery("hook").retry_at.value_or(last);
        story.claim("x1", last);
        ASSERT_EQ(story.given.refused(), "");
        story.outcome("hook", v1::OUTCOME_STOOD_DOWN, last, ++attempts);
    }
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_REFUSED);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_GT(last, at(3600 - 600));
    // Not as fast as it can.
    EXPECT_LT(attempts, 40);
}

TEST(Outcomes, RetriesEndWhenTheMessageExpires) {
    Story story = armed({channel("hook", "webhook")});
    story.claim("x1", at(3599)).outcome("hook", v1::OUTCOME_RETRY_LATER, at(3599), 1, "x1", "busy");
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_REFUSED);
}

TEST(Outcomes, ALateSuccessSavesTheNextAttempt) {
    Story story = armed();
    story.claim().due().outcome("hook", v1::OUTCOME_ABSENT, at(20), 1, "x2");
    story.outcome("hook", v1::OUTCOME_CONFIRMED, at(21), 1, "x1");
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_CONFIRMED);
}

TEST(Unknown, AClaimWithoutAnOutcomeBecomesUnknownAfterItsMargin) {
    Story story = armed();
    story.claim().due();
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_UNKNOWN);
    EXPECT_EQ(story.delivery("feed").state(), v1::DELIVERY_STATE_UNKNOWN);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_FIRING);
    EXPECT_EQ(Decider::next_due(story.given.state())->at, at(3600));
}

TEST(Unknown, IsNeverClaimedAgain) {
    Story story = armed();
    story.claim().due().claim("x2", at(60));
    EXPECT_EQ(story.given.refused(), "nothing_to_claim");
}

TEST(Unknown, MayBeResolvedByAnyExecutorOnceTheClaimIsOver) {
    Story story = armed();
    story.claim().outcome("hook", v1::OUTCOME_UNKNOWN, at(2), 1, "x1", "timeout");
    story.outcome("hook", v1::OUTCOME_CONFIRMED, at(5), 1, "x2");
    EXPECT_EQ(story.given.refused(), "not_your_claim");
    story.outcome("hook", v1::OUTCOME_CONFIRMED, at(17), 1, "x2");
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_CONFIRMED);
}

TEST(Unknown, ALateAnswerOfTheExecutorItselfCounts) {
    Story story = armed();
    story.claim().due().outcome("hook", v1::OUTCOME_CONFIRMED, at(15));
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_CONFIRMED);
}

TEST(Unknown, AbsentOnAnExactChannelIsSentAgain) {
    Story story = armed();
    story.claim().due().outcome("hook", v1::OUTCOME_ABSENT, at(20), 1, "x2");
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_ARMED);
    const std::string key = story.delivery("hook").head.idempotency_key();
    story.claim("x2", at(30));
    EXPECT_EQ(story.delivery("hook").head.attempts(), 2);
    EXPECT_EQ(story.delivery("hook").head.idempotency_key(), key);
}

TEST(Unknown, AbsentOnMastodonIsSentAgainWhileTheServerKnowsTheKey) {
    Story story = armed({channel("toot", "mastodon")});
    story.claim().due().outcome("toot:fr-CA", v1::OUTCOME_ABSENT, at(20), 1, "x2");
    EXPECT_EQ(story.delivery("toot:fr-CA").state(), v1::DELIVERY_STATE_ARMED);
}

TEST(Unknown, AbsentOnMastodonAfterThatIsLeftToAPerson) {
    Story story = armed({channel("toot", "mastodon")});
    story.claim().due().outcome("toot:fr-CA", v1::OUTCOME_ABSENT, at(3100), 1, "x2");
    EXPECT_EQ(story.delivery("toot:fr-CA").state(), v1::DELIVERY_STATE_UNKNOWN);
    EXPECT_TRUE(story.delivery("toot:fr-CA").head.reason().contains("by hand"));
    story.outcome("toot:fr-CA", v1::OUTCOME_ABSENT, at(3110), 1, "x2");
    EXPECT_TRUE(story.given.events().empty());
}

TEST(Unknown, StaysUnknownWhenTheReleaseCompletesAtExpiry) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).due().due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_UNKNOWN);
    EXPECT_TRUE(story.release().head.reason().contains("hook"));
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}
}  // namespace
}  // namespace tocsin::publishing
