#include "publishing/steps.hpp"
#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::armed;
using samples::at;
using samples::channel;
using samples::Story;

TEST(Arming, FixesEverythingThatGoesOut) {
    const Story story = armed();
    const v1::Delivery feed = story.whole("feed");
    EXPECT_EQ(feed.fixed().identifier(), "tocsin-" + story.id() + "-calgary");
    EXPECT_EQ(feed.fixed().sender(), "calgary@example.org");
    EXPECT_EQ(feed.fixed().sender_names().at("en-CA"), "The calgary");
    EXPECT_EQ(feed.fixed().sender_names().at("fr-CA"), "La calgary");
    EXPECT_EQ(feed.fixed().permalink(),
              "http://127.0.0.1:8080/feeds/bow/alerts/" + feed.fixed().identifier() + ".xml");
    EXPECT_EQ(feed.fixed().sent().size(), 25u);
    EXPECT_FALSE(feed.rendition().body().empty());
    EXPECT_EQ(feed.idempotency_key().size(), 64u);
    EXPECT_NE(feed.idempotency_key(), story.item("hook").delivery.idempotency_key());
    EXPECT_EQ(story.release().head.identifiers().at("calgary"), feed.fixed().identifier());
}

TEST(Arming, WaitsForTheTimeOfRelease) {
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_release_at() = runtime::to_proto(at(600));
    Story story{samples::feed_only(), content};
    story.clear().prepared("feed");
    EXPECT_EQ(story.state(), "armed");
    EXPECT_EQ(runtime::from_proto(story.release().head.fire_at()), at(600));
}

TEST(Claiming, OnlyTheServiceItselfMay) {
    Story story = armed();
    v1::Command command;
    command.mutable_claim_release()->set_release_id(story.id());
    command.mutable_claim_release()->set_executor("x1");
    story.given.by("ana", "calgary", {"admin"}).when(command);
    EXPECT_EQ(story.given.refused(), "not_an_executor");
}

TEST(Claiming, GivesOneExecutorEveryArmedDelivery) {
    Story story = armed();
    story.claim();
    ASSERT_EQ(story.given.events().size(), 1u);
    EXPECT_EQ(story.given.events()[0].deliveries_claimed().delivery_ids_size(), 2);
    EXPECT_EQ(story.item("hook").delivery.executor(), "x1");
    EXPECT_EQ(story.item("hook").delivery.attempts(), 1);
    EXPECT_EQ(runtime::from_proto(story.item("hook").delivery.give_up_at()),
              at(11) + std::chrono::milliseconds{600});
    EXPECT_EQ(story.state(), "firing");
}

// For those who refer to them, or check who does.
TEST(Claiming, NamesTheAlertsThatBecomePublicWithIt) {
    Story story = armed();
    story.claim();
    const auto& claimed = story.given.events()[0].deliveries_claimed();
    ASSERT_EQ(claimed.alerts_size(), 1) << "the feed and the webhook carry the same";
    const content::v1::Fixed fixed = story.whole("feed").fixed();
    EXPECT_EQ(claimed.alerts(0).identifier(), fixed.identifier());
    EXPECT_EQ(claimed.alerts(0).sender(), fixed.sender());
    EXPECT_EQ(claimed.alerts(0).sent(), fixed.sent());
    story.outcome("hook", "retry_later", at(2)).claim("x1", at(60));
    ASSERT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.given.events()[0].deliveries_claimed().alerts_size(), 0);
}

TEST(Claiming, ASecondClaimIsRefusedWhileOneLives) {
    Story story = armed();
    story.claim("x1").claim("x2");
    EXPECT_EQ(story.given.refused(), "already_claimed");
}

TEST(Claiming, NotBeforeItIsArmed) {
    Story story{samples::feed_only()};
    story.clear().claim();
    EXPECT_EQ(story.given.refused(), "nothing_to_claim");
}

TEST(Claiming, NotLongBeforeItsTime) {
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_release_at() = runtime::to_proto(at(600));
    Story story{samples::feed_only(), content};
    story.clear().prepared("feed").claim("x1", at(500));
    EXPECT_EQ(story.given.refused(), "too_early");
}

TEST(Claiming, NotAfterTheMessageExpired) {
    Story story = armed();
    story.claim("x1", at(3600));
    EXPECT_EQ(story.given.refused(), "expired");
    EXPECT_EQ(story.due().state(), "expired");
}

TEST(Cancelling, BeforeTheClaimStopsEveryDelivery) {
    Story story = armed();
    story.cancel();
    EXPECT_EQ(story.state(), "cancelled");
    EXPECT_EQ(story.item("hook").state(), "stood_down");
    story.claim();
    EXPECT_EQ(story.given.refused(), "nothing_to_claim");
}

TEST(Cancelling, AfterTheClaimIsRefusedAndPointsToRetraction) {
    Story story = armed();
    story.claim().cancel();
    EXPECT_EQ(story.given.refused(), "already_claimed");
    EXPECT_TRUE(story.given.rejection()->text.contains("Retract"));
}

// Every attempt is known to have come to nothing: it would go out later.
TEST(Cancelling, AfterTheClaimStopsWhatNeverLeft) {
    for (const char* outcome : {"retry_later", "stood_down"}) {
        Story story = armed({channel("toot", "mastodon"), channel("hook", "webhook")});
        story.claim();
        for (const std::string id : {"toot:fr-CA", "toot:en-CA", "hook"})
            story.outcome(id, outcome, at(2));
        story.retract(at(3));
        EXPECT_EQ(story.given.refused(), "not_released");
        story.cancel(at(3));
        EXPECT_EQ(story.given.refused(), "");
        EXPECT_EQ(story.state(), "cancelled");
        story.claim("x1", at(400));
        EXPECT_EQ(story.given.refused(), "nothing_to_claim");
    }
}

TEST(Cancelling, IsRefusedWhileAnyMayBePublicAndRetractingIsNot) {
    for (const char* outcome : {"", "confirmed", "unknown"}) {
        Story story = armed({channel("toot", "mastodon")});
        story.claim().outcome("toot:fr-CA", "retry_later");
        if (*outcome != 0) story.outcome("toot:en-CA", outcome);
        story.cancel(at(3));
        EXPECT_EQ(story.given.refused(), "already_claimed");
        story.retract(at(3));
        EXPECT_EQ(story.given.refused(), "");
        EXPECT_EQ(story.item("toot:fr-CA").state(), "stood_down");
    }
}

// It was in doubt, and was not found there: what was believed may be wrong.
TEST(Cancelling, IsRefusedOnceAnythingWasInDoubtAndRetractingStopsIt) {
    Story story = armed({channel("toot", "mastodon")});
    story.claim().outcome("toot:fr-CA", "retry_later").outcome("toot:en-CA", "unknown");
    story.outcome("toot:en-CA", "absent", at(3)).cancel(at(4));
    EXPECT_EQ(story.given.refused(), "already_claimed");
    story.retract(at(4));
    EXPECT_EQ(story.given.refused(), "");
    for (const std::string id : {"toot:fr-CA", "toot:en-CA"})
        EXPECT_EQ(story.item(id).state(), "stood_down");
}

TEST(Cancelling, NeedsAnApproverOrDutyOfficerOfAnAgencyOfTheRelease) {
    Story story = armed();
    story.cancel(at(1), "calgary", {"author"});
    EXPECT_EQ(story.given.refused(), "role_missing");
    story.cancel(at(1), "alberta");
    EXPECT_EQ(story.given.refused(), "other_agency");
}

TEST(Cancelling, TwiceAddsNothing) {
    Story story = armed();
    story.cancel().cancel();
    EXPECT_TRUE(story.given.events().empty());
    EXPECT_EQ(story.given.refused(), "");
}

TEST(Outcomes, WhenAllAreConfirmedTheReleaseIsCompleteWithItsSkew) {
    Story story = armed();
    story.claim().outcome("feed", "confirmed", at(2));
    EXPECT_EQ(story.state(), "firing");
    story.outcome("hook", "confirmed", at(3));
    EXPECT_EQ(story.state(), "released");
    EXPECT_DOUBLE_EQ(story.release().head.skew_ms(), 1000);
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}

TEST(Outcomes, OfAnotherExecutorIsRefusedWhileTheClaimLives) {
    Story story = armed();
    story.claim("x1").outcome("hook", "confirmed", at(2), 1, "x2");
    EXPECT_EQ(story.given.refused(), "not_your_claim");
}

TEST(Outcomes, OfAnotherAttemptIsRefused) {
    Story story = armed();
    story.claim("x1").outcome("hook", "confirmed", at(2), 2);
    EXPECT_EQ(story.given.refused(), "stale_attempt");
}

TEST(Outcomes, RefusedForGoodEndsTheDeliveryAndTheOthersGoOn) {
    Story story = armed();
    story.claim().outcome("hook", "refused", at(2), 1, "x1", "410").outcome("feed", "confirmed");
    EXPECT_EQ(story.state(), "released");
    EXPECT_EQ(story.item("hook").delivery.reason(), "410");
    EXPECT_TRUE(story.release().head.reason().contains("hook"));
    EXPECT_EQ(story.release().head.skew_ms(), -1);
}

TEST(Outcomes, WhenNobodyTookItTheReleaseIsNotCalledReleased) {
    Story story = armed({channel("hook", "webhook")});
    story.claim().outcome("hook", "refused", at(2), 1, "x1", "410");
    EXPECT_EQ(story.state(), "aborted");
}

TEST(Outcomes, WhatAnAttemptCameToStaysItsReasonWhateverIsFoundOutLater) {
    const std::string said = "The receiver answered 500: it may have it or not.";
    Story story = armed();
    story.claim();
    for (const std::string id : {"hook", "feed"})
        story.outcome(id, "unknown", at(2), 1, "x1", said)
            .outcome(id, "cannot_tell", at(3), 1, "x1", "It cannot be asked.");
    EXPECT_EQ(story.item("hook").delivery.reason(), "It cannot be asked.");
    story.outcome("hook", "absent", at(4)).outcome("feed", "absent", at(4), 1, "x1", "Not there.");
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.item("hook").state(), "armed");
    EXPECT_EQ(story.item("hook").delivery.reason(), said);
    EXPECT_EQ(story.item("feed").delivery.reason(), said + " Not there.");
    // The next attempt has its own.
    story.claim("x1", at(20)).outcome("hook", "unknown", at(21), 2, "x1", "It answered 502.");
    story.outcome("hook", "absent", at(22), 2);
    EXPECT_EQ(story.item("hook").delivery.reason(), "It answered 502.");
}

// Its executor heard of it too late, and nobody could ask the channel.
TEST(Outcomes, AReleaseThatWasGivenUpIsReleasedWhereAChannelHasItAfterAll) {
    Story story = armed({channel("hook", "webhook")});
    story.claim()
        .outcome("hook", "unknown", at(2))
        .outcome("hook", "refused", at(3), 1, "x1", "410");
    ASSERT_EQ(story.state(), "aborted");
    story.outcome("hook", "confirmed", at(4));
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.item("hook").state(), "confirmed");
    EXPECT_EQ(story.state(), "released");
    EXPECT_TRUE(story.release().head.reason().contains("after the release was given up"));
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}

// Nor is it released because its retraction was tried, and came to nothing too.
TEST(Outcomes, AReleaseThatWasGivenUpStaysSoWhereNothingShowsIt) {
    Story story = armed({channel("hook", "webhook")});
    story.claim()
        .outcome("hook", "unknown", at(2))
        .outcome("hook", "refused", at(3), 1, "x1", "410");
    ASSERT_EQ(story.state(), "aborted");
    story.retract(at(4));
    ASSERT_EQ(story.state(), "retracting");
    story.claim("x1", at(40), v1::PURPOSE_RETRACTION)
        .outcome("hook:cancel", "refused", at(41), 1, "x1", "410");
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.state(), "aborted");
}

// 409 or 422: it has it already, or will never take it. To post it once more tells nothing.
TEST(Outcomes, ARefusalThatMayBeARepeatStandsUnlessTheMessageIsFound) {
    Story story = armed({channel("toot", "mastodon")});
    story.claim();
    v1::RecordOutcome result = story.result_of("toot:en-CA", "unknown");
    result.set_reason("Le texte est trop long.");
    result.set_refused_unless_found(true);
    story.outcome(std::move(result), at(2));
    ASSERT_EQ(story.item("toot:en-CA").state(), "unknown");
    Story found = story;
    story.outcome("toot:en-CA", "absent", at(5));
    EXPECT_EQ(story.item("toot:en-CA").state(), "refused");
    EXPECT_EQ(story.item("toot:en-CA").delivery.reason(), "Le texte est trop long.");
    found.outcome("toot:en-CA", "confirmed", at(5));
    EXPECT_EQ(found.item("toot:en-CA").state(), "confirmed");
}

// Its first attempt may be what the channel refuses the second for.
TEST(Outcomes, ARepeatThatIsRefusedAndNotFoundIsLeftToAPerson) {
    const auto refused_on = [](int attempt, const char* first) {
        Story story = armed({channel("toot", "mastodon")});
        story.claim().outcome("toot:en-CA", first, at(2));
        if (std::string_view{first} == "unknown") story.outcome("toot:en-CA", "absent", at(3));
        if (attempt == 2) story.claim("x1", at(20));
        v1::RecordOutcome result = story.result_of("toot:en-CA", "unknown");
        result.set_reason("Déjà publié.");
        result.set_attempt(attempt);
        result.set_refused_unless_found(true);
        story.outcome(std::move(result), at(21));
        story.outcome("toot:en-CA", "absent", at(25), attempt);
        EXPECT_EQ(story.given.refused(), "");
        return story;
    };
    Story story = refused_on(2, "unknown");
    EXPECT_EQ(story.item("toot:en-CA").state(), "unknown");
    EXPECT_TRUE(story.item("toot:en-CA").delivery.reason().starts_with("The channel refused a "));
    EXPECT_TRUE(story.item("toot:en-CA").delivery.reason().ends_with("It said: Déjà publié."));
    // No attempt follows, and it is found all the same.
    story.claim("x1", at(90));
    EXPECT_EQ(story.item("toot:en-CA").delivery.attempts(), 2);
    story.outcome("toot:en-CA", "confirmed", at(100), 2);
    EXPECT_EQ(story.item("toot:en-CA").state(), "confirmed");
    // Nothing can be there of an attempt that was refused before it was processed.
    EXPECT_EQ(refused_on(2, "retry_later").item("toot:en-CA").state(), "refused");
}

// However the time went by: by waits that the channel asked for, above all.
TEST(Outcomes, WhatWasInDoubtIsNotSentAgainOnceItsKeyIsForgotten) {
    Story story = armed({channel("toot", "mastodon")});
    story.claim().outcome("toot:en-CA", "unknown", at(2)).outcome("toot:en-CA", "absent", at(1900));
    ASSERT_EQ(story.item("toot:en-CA").state(), "armed");
    story.claim("x1", at(1920));
    v1::RecordOutcome busy = story.result_of("toot:en-CA", "retry_later", 2);
    busy.set_retry_after_ms(1'200'000);
    story.outcome(std::move(busy), at(1921));
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.item("toot:en-CA").state(), "unknown");
    EXPECT_TRUE(story.item("toot:en-CA").delivery.reason().contains("post it by hand"));
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
        story->claim().outcome("hook", "unknown", at(2)).outcome("hook", "absent", at(3));
    EXPECT_EQ(known.item("hook").state(), "armed");
    EXPECT_EQ(unknown.item("hook").state(), "unknown");
    EXPECT_TRUE(unknown.item("hook").delivery.reason().contains("as another message"));
    EXPECT_TRUE(unknown.item("hook").may_be_public());
}

TEST(Outcomes, RefusedForNowIsTriedAgainNotEarlierThanTheChannelAsked) {
    Story story = armed();
    v1::RecordOutcome result = story.result_of("hook", "retry_later");
    result.set_retry_after_ms(90'000);
    story.claim().outcome(std::move(result), at(2));
    EXPECT_EQ(story.item("hook").state(), "armed");
    EXPECT_EQ(*story.item("hook").retry_at, at(92));
    story.claim("x2", at(50));
    EXPECT_EQ(story.given.refused(), "already_claimed");
    story.claim("x2", at(92));
    EXPECT_EQ(story.item("hook").delivery.attempts(), 2);
    EXPECT_EQ(story.item("hook").delivery.executor(), "x2");
}

TEST(Outcomes, RetriesEndAtTheCap) {
    Story story = armed({channel("hook", "webhook")});
    Time now = at(1);
    for (int attempt = 1; attempt <= 20; ++attempt) {
        ASSERT_EQ(story.item("hook").state(), "armed") << attempt;
        if (story.item("hook").retry_at) now = *story.item("hook").retry_at;
        if (now >= at(3500)) break;
        story.claim("x1", now).outcome("hook", "stood_down", now, attempt);
    }
    EXPECT_EQ(story.item("hook").state(), "refused");
    EXPECT_EQ(story.state(), "aborted");
}

TEST(Outcomes, RetriesEndWhenTheMessageExpires) {
    Story story = armed({channel("hook", "webhook")});
    story.claim("x1", at(3599)).outcome("hook", "retry_later", at(3599), 1, "x1", "busy");
    EXPECT_EQ(story.item("hook").state(), "refused");
}

TEST(Unknown, AClaimWithoutAnOutcomeBecomesUnknownAfterItsMargin) {
    Story story = armed();
    story.claim().due();
    EXPECT_EQ(story.item("hook").state(), "unknown");
    EXPECT_EQ(story.item("feed").state(), "unknown");
    EXPECT_EQ(story.state(), "firing");
    EXPECT_EQ(Decider::next_due(story.given.state())->at, at(3600));
}

TEST(Unknown, IsNeverClaimedAgain) {
    Story story = armed();
    story.claim().due().claim("x2", at(60));
    EXPECT_EQ(story.given.refused(), "nothing_to_claim");
}

TEST(Unknown, MayBeResolvedByAnyExecutorOnceTheClaimIsOver) {
    Story story = armed();
    story.claim().outcome("hook", "unknown", at(2), 1, "x1", "timeout");
    story.outcome("hook", "confirmed", at(5), 1, "x2");
    EXPECT_EQ(story.given.refused(), "not_your_claim");
    story.outcome("hook", "confirmed", at(14), 1, "x2");
    EXPECT_EQ(story.item("hook").state(), "confirmed");
}

TEST(Unknown, ALateAnswerOfTheExecutorItselfCounts) {
    Story story = armed();
    story.claim().due().outcome("hook", "confirmed", at(15));
    EXPECT_EQ(story.item("hook").state(), "confirmed");
}

TEST(Unknown, AbsentOnAnExactChannelIsSentAgain) {
    Story story = armed();
    story.claim().due().outcome("hook", "absent", at(20), 1, "x2");
    EXPECT_EQ(story.item("hook").state(), "armed");
    const std::string key = story.item("hook").delivery.idempotency_key();
    story.claim("x2", at(30));
    EXPECT_EQ(story.item("hook").delivery.attempts(), 2);
    EXPECT_EQ(story.item("hook").delivery.idempotency_key(), key);
}

TEST(Unknown, AbsentOnMastodonIsSentAgainWhileTheServerKnowsTheKey) {
    Story story = armed({channel("toot", "mastodon")});
    story.claim().due().outcome("toot:fr-CA", "absent", at(20), 1, "x2");
    EXPECT_EQ(story.item("toot:fr-CA").state(), "armed");
}

TEST(Unknown, AbsentOnMastodonAfterThatIsLeftToAPerson) {
    Story story = armed({channel("toot", "mastodon")});
    story.claim().due().outcome("toot:fr-CA", "absent", at(3100), 1, "x2");
    EXPECT_EQ(story.item("toot:fr-CA").state(), "unknown");
    EXPECT_TRUE(story.item("toot:fr-CA").delivery.reason().contains("by hand"));
    story.outcome("toot:fr-CA", "absent", at(3110), 1, "x2");
    EXPECT_TRUE(story.given.events().empty());
}

TEST(Unknown, StaysUnknownWhenTheReleaseCompletesAtExpiry) {
    Story story = armed();
    story.claim().outcome("feed", "confirmed").due().due();
    EXPECT_EQ(story.state(), "released");
    EXPECT_EQ(story.item("hook").state(), "unknown");
    EXPECT_TRUE(story.release().head.reason().contains("hook"));
    EXPECT_FALSE(Decider::next_due(story.given.state()));
}

TEST(Outcomes, ALateSuccessSavesTheNextAttempt) {
    Story story = armed();
    story.claim().due().outcome("hook", "absent", at(20), 1, "x2");
    story.outcome("hook", "confirmed", at(21), 1, "x1");
    EXPECT_EQ(story.item("hook").state(), "confirmed");
}

TEST(Retracting, ReachesEveryChannelThatHasOrMayHaveTheMessage) {
    Story story =
        armed({channel("feed", "feed"), channel("hook", "webhook"), channel("toot", "mastodon")});
    story.claim()
        .outcome("feed", "confirmed")
        .outcome("hook", "refused", at(2), 1, "x1", "410")
        .outcome("toot:fr-CA", "confirmed")
        .outcome("toot:en-CA", "unknown")
        .outcome("toot:en-CA", "cannot_tell", at(3))
        .retract(at(40));
    EXPECT_EQ(story.state(), "retracting");
    EXPECT_EQ(story.release().find("hook:cancel"), nullptr);
    const v1::Delivery feed = story.whole("feed:cancel");
    EXPECT_EQ(feed.fixed().identifier(), "tocsin-" + story.id() + "-calgary-cancel");
    EXPECT_EQ(feed.fixed().retracts().identifier(), "tocsin-" + story.id() + "-calgary");
    EXPECT_EQ(feed.fixed().retracts().sent(), story.whole("feed").fixed().sent());
    EXPECT_TRUE(feed.fixed().permalink().ends_with("-cancel.xml"));
    EXPECT_EQ(story.item("toot:fr-CA:cancel").delivery.in_reply_to(), "receipt-toot:fr-CA");
    EXPECT_EQ(story.item("toot:en-CA:cancel").delivery.in_reply_to(), "");
    // It is part of the armed bytes.
    const auto sent = [&](const char* id) { return story.release().body(story.item(id))->bytes(); };
    EXPECT_TRUE(sent("toot:fr-CA:cancel").contains(R"("in_reply_to_id":"receipt-toot:fr-CA")"));
    EXPECT_FALSE(sent("toot:en-CA:cancel").contains("in_reply_to_id"));
    EXPECT_NE(story.item("toot:fr-CA:cancel").delivery.idempotency_key(),
              story.item("toot:fr-CA").delivery.idempotency_key());

    story.claim("x1", at(41), v1::PURPOSE_RETRACTION);
    for (const std::string id : {"feed:cancel", "toot:fr-CA:cancel", "toot:en-CA:cancel"})
        story.outcome(id, "confirmed", at(42));
    EXPECT_EQ(story.state(), "retracted");
}

// Its executor may still be at it. A feed shows its alert from T0 on, whoever is at it.
TEST(Retracting, IsNotClaimedWhileItsOriginalIs) {
    Story story =
        armed({channel("feed", "feed"), channel("hook", "webhook"), channel("late", "webhook")});
    story.claim().outcome("hook", "confirmed").retract(at(3));
    story.claim("x2", at(4), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.item("hook:cancel").state(), "claimed");
    EXPECT_EQ(story.item("feed:cancel").state(), "claimed");
    EXPECT_EQ(story.item("late:cancel").state(), "armed");
    story.claim("x2", at(5), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.given.refused(), "already_claimed");
    story.outcome("late", "confirmed", at(7));
    story.claim("x2", at(8), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.item("late:cancel").state(), "claimed");
}

// Ordered again for one channel, that of another goes on.
TEST(Retracting, AnotherOrderLeavesThoseAloneThatAreUnderWay) {
    Story story = armed({channel("hook", "webhook"), channel("other", "webhook")});
    story.claim().outcome("hook", "confirmed").outcome("other", "confirmed").retract();
    story.claim("x1", at(10), v1::PURPOSE_RETRACTION);
    story.outcome("hook:cancel", "refused", at(11), 1, "x1", "410");
    story.outcome("other:cancel", "retry_later", at(11), 1, "x1", "429").retract(at(12));
    EXPECT_EQ(story.item("hook:cancel:2").state(), "armed");
    EXPECT_EQ(story.item("other:cancel").state(), "armed");
}

TEST(Retracting, WhatNobodyEverHadEndsAsCancelled) {
    Story story = armed({channel("hook", "webhook")});
    story.claim().retract(at(2)).outcome("hook", "retry_later", at(3));
    EXPECT_EQ(story.item("hook").state(), "stood_down");
    EXPECT_EQ(story.item("hook:cancel").state(), "stood_down");
    EXPECT_EQ(story.state(), "cancelled");
    story.cancel(at(4));
    EXPECT_EQ(story.given.refused(), "");
}

TEST(Retracting, FollowsAnOriginalInDoubtOnceTheChannelWasAskedAndTheClaimIsOver) {
    Story story = armed({channel("hook", "webhook")});
    story.claim().outcome("hook", "unknown").retract(at(3));
    const auto claims = [&](int second) {
        story.claim("x2", at(second), v1::PURPOSE_RETRACTION);
        return story.item("hook:cancel").is("claimed");
    };
    EXPECT_FALSE(claims(4));
    EXPECT_FALSE(claims(30)) << "nobody asked the channel";
    Story other = story;
    story.outcome("hook", "cannot_tell", at(31), 1, "x2");
    EXPECT_TRUE(claims(31));
    other.outcome("hook", "cannot_tell", at(5));
    other.claim("x2", at(6), v1::PURPOSE_RETRACTION);
    EXPECT_TRUE(other.item("hook:cancel").is("armed")) << "its executor may still start";
}

TEST(Retracting, SpeaksOfNothingWhereTheMessageNeverWas) {
    Story story = armed();
    story.claim().outcome("feed", "confirmed").retract(at(3));
    story.outcome("hook", "refused", at(4), 1, "x1", "401");
    EXPECT_EQ(story.item("hook:cancel").state(), "stood_down");
    story.claim("x1", at(5), v1::PURPOSE_RETRACTION).outcome("feed:cancel", "confirmed", at(6));
    EXPECT_EQ(story.state(), "retracted");
}

// It was in doubt and not found: a server may show it later.
TEST(Retracting, ReachesWhatWasInDoubtAndMayBecomePublicAfterwards) {
    Story story = armed({channel("feed", "feed"), channel("toot", "mastodon")});
    story.claim().outcome("feed", "confirmed").outcome("toot:fr-CA", "confirmed");
    story.outcome("toot:en-CA", "unknown").outcome("toot:en-CA", "absent", at(3)).retract(at(4));
    EXPECT_EQ(story.item("toot:en-CA").state(), "stood_down");
    // A request under way may yet be carried out, until its executor had to stop.
    story.claim("x1", at(5), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.item("toot:en-CA:cancel").state(), "armed");
    story.claim("x1", at(40), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.item("toot:en-CA:cancel").state(), "claimed");
    story.outcome("toot:en-CA", "confirmed", at(41));
    EXPECT_EQ(story.item("toot:en-CA").state(), "confirmed");
}

TEST(Retracting, FollowsWhatOnlyAPersonCanTell) {
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_expires() = runtime::to_proto(at(86'400));
    Story story{{channel("toot", "mastodon")}, content};
    story.clear().prepared("toot:fr-CA").prepared("toot:en-CA").claim();
    story.outcome("toot:fr-CA", "confirmed").outcome("toot:en-CA", "unknown");
    story.outcome("toot:en-CA", "absent", at(4000));
    EXPECT_EQ(story.item("toot:en-CA").state(), "unknown");
    story.retract(at(4001)).claim("x1", at(4001), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.item("toot:en-CA:cancel").state(), "claimed");
}

TEST(Retracting, WithoutATextStopsAnUnknownOneFromBeingSentAgain) {
    auto content = samples::make_content();
    content.mutable_draft()->clear_retraction();
    Story story{{channel("hook", "webhook")}, content};
    story.clear().prepared("hook").claim().outcome("hook", "unknown").retract(at(3));
    EXPECT_EQ(story.given.refused(), "");
    story.outcome("hook", "absent", at(30), 1, "x2");
    EXPECT_EQ(story.item("hook").state(), "stood_down");
}

TEST(Retracting, WithoutATextStillStopsWhatIsToGoOut) {
    auto content = samples::make_content();
    content.mutable_draft()->clear_retraction();
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").prepared("hook").claim().outcome("feed", "confirmed");
    story.outcome("hook", "retry_later").retract(at(3));
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.item("hook").state(), "stood_down");
    EXPECT_EQ(story.state(), "released");
    EXPECT_NE(story.release().head.reason().find("publish an update"), std::string::npos);
    story.retract(at(4));
    EXPECT_EQ(story.given.refused(), "no_retraction");
}

// A feed shows an alert from T0 on once it is claimed, whatever became of asking it.
TEST(Retracting, WhatAFeedShowsIsNotSaidToBeStopped) {
    auto content = samples::make_content();
    content.mutable_draft()->clear_retraction();
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").prepared("hook").claim().retract(at(1));
    ASSERT_EQ(story.given.refused(), "");
    story.outcome("feed", "stood_down").outcome("hook", "stood_down");
    EXPECT_EQ(story.state(), "released");
    EXPECT_TRUE(story.release().head.reason().contains("publish an update"));
}

TEST(Retracting, TwiceAddsNothing) {
    Story story = armed();
    story.claim().outcome("feed", "confirmed").outcome("hook", "confirmed").retract().retract();
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_TRUE(story.given.events().empty());
}

TEST(Retracting, WhatWasToBeSentAgainIsNotSentAnyMore) {
    Story story = armed();
    story.claim().outcome("feed", "confirmed").outcome("hook", "retry_later").retract();
    EXPECT_EQ(story.item("hook").state(), "stood_down");
    EXPECT_EQ(story.release().find("hook:cancel"), nullptr);
}

// A receiver says nothing of what it has: what was in doubt once is taken back there as well.
TEST(Retracting, ReachesAReceiverThatMayHaveHadAnEarlierAttempt) {
    Story story = armed();
    story.claim().outcome("feed", "confirmed").outcome("hook", "unknown", at(2), 1, "x1", "cut");
    story.outcome("hook", "absent", at(3));
    EXPECT_EQ(story.item("hook").state(), "armed");
    story.retract(at(4));
    EXPECT_EQ(story.item("hook").state(), "stood_down");
    ASSERT_NE(story.release().find("hook:cancel"), nullptr);
    EXPECT_EQ(story.item("hook:cancel").state(), "armed");
}

TEST(Retracting, AnAbsentOriginalIsNotSentAfterItsRetraction) {
    Story story = armed();
    story.claim().outcome("feed", "confirmed").due().retract(at(20));
    story.outcome("hook", "absent", at(21), 1, "x2");
    EXPECT_EQ(story.item("hook").state(), "stood_down");
}

TEST(Retracting, NothingPublicIsRefused) {
    Story story = armed();
    story.retract(at(1));
    EXPECT_EQ(story.given.refused(), "not_released");
}

TEST(Retracting, WithoutAPreparedTextIsRefused) {
    auto content = samples::make_content();
    content.mutable_draft()->clear_retraction();
    Story story{samples::feed_only(), content};
    story.clear().prepared("feed").claim().outcome("feed", "confirmed").retract();
    EXPECT_EQ(story.given.refused(), "no_retraction");
}

TEST(Retracting, NeedsAnApproverOrDutyOfficerOfAnAgencyOfTheRelease) {
    Story story = armed();
    story.claim().outcome("feed", "confirmed").outcome("hook", "confirmed");
    story.retract(at(10), "alberta");
    EXPECT_EQ(story.given.refused(), "other_agency");
    story.retract(at(10), "calgary", {"author"});
    EXPECT_EQ(story.given.refused(), "role_missing");
}

TEST(Retracting, AfterTheMessageExpiredStillReachesThePublic) {
    Story story = armed();
    story.claim().outcome("feed", "confirmed").outcome("hook", "confirmed").retract(at(4000));
    story.claim("x1", at(4000), v1::PURPOSE_RETRACTION);
    EXPECT_EQ(story.item("feed:cancel").state(), "claimed");
}

TEST(Retracting, OneThatFailedCanBeOrderedAgainForThatChannel) {
    Story story = armed({channel("hook", "webhook")});
    story.claim().outcome("hook", "confirmed").retract();
    story.claim("x1", at(10), v1::PURPOSE_RETRACTION);
    story.outcome("hook:cancel", "refused", at(11), 1, "x1", "410");
    EXPECT_EQ(story.state(), "released");
    story.retract(at(12));
    EXPECT_EQ(story.item("hook:cancel:2").state(), "armed");
}

}  // namespace
}  // namespace tocsin::publishing
