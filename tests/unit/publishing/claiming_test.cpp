// The claim, and the cancel before it.
#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::armed;
using samples::at;
using samples::channel;
using samples::Story;

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
    EXPECT_EQ(story.given.events()[0].delivery_ids_size(), 2);
    EXPECT_EQ(story.delivery("hook").head.executor(), "x1");
    EXPECT_EQ(story.delivery("hook").head.attempts(), 1);
    EXPECT_EQ(runtime::from_proto(story.delivery("hook").head.give_up_at()),
              at(11) + std::chrono::milliseconds{100});
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_FIRING);
}

// For those who refer to them, or check who does.
TEST(Claiming, NamesTheAlertsThatBecomePublicWithIt) {
    Story story = armed();
    story.claim();
    const auto& claimed = story.given.events()[0].deliveries_claimed();
    ASSERT_EQ(claimed.alerts_size(), 1) << "the feed and the webhook carry the same";
    const content::v1::Fixed fixed = story.whole("feed").fixed();
    EXPECT_EQ(claimed.alerts(0).reference().identifier(), fixed.identifier());
    EXPECT_EQ(claimed.alerts(0).reference().sender(), fixed.sender());
    EXPECT_EQ(claimed.alerts(0).reference().sent(), fixed.sent());
    story.outcome("hook", v1::OUTCOME_RETRY_LATER, at(2)).claim("x1", at(60));
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
    story.clear(at(550)).prepared("feed", true, "", 0, at(551)).claim("x1", at(560));
    EXPECT_EQ(story.given.refused(), "too_early");
}

TEST(Claiming, NotAfterTheMessageExpired) {
    Story story = armed();
    story.claim("x1", at(3600));
    EXPECT_EQ(story.given.refused(), "release_expired");
    EXPECT_EQ(story.due().state(), v1::RELEASE_STATE_EXPIRED);
}

TEST(Stopping, BeforeTheClaimCancelsEveryDelivery) {
    Story story = armed();
    story.stop(at(1));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_CANCELLED);
    EXPECT_EQ(story.delivery("hook").state(), v1::DELIVERY_STATE_STOOD_DOWN);
    story.claim();
    EXPECT_EQ(story.given.refused(), "nothing_to_claim");
}

// A claim that is still to come to its T0 counts: it may not be stopped in time.
TEST(Stopping, AfterTheClaimRetracts) {
    Story story = armed();
    story.claim().stop(at(1));
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RETRACTING);
}

// Every attempt is known to have come to nothing: it would go out later.
TEST(Stopping, AfterTheClaimCancelsWhatNeverLeft) {
    for (const auto outcome : {v1::OUTCOME_RETRY_LATER, v1::OUTCOME_STOOD_DOWN}) {
        Story story = armed({channel("toot", "mastodon"), channel("hook", "webhook")});
        story.claim();
        for (const std::string id : {"toot:fr-CA", "toot:en-CA", "hook"})
            story.outcome(id, outcome, at(2));
        story.stop(at(3));
        EXPECT_EQ(story.given.refused(), "");
        EXPECT_EQ(story.state(), v1::RELEASE_STATE_CANCELLED);
        story.claim("x1", at(400));
        EXPECT_EQ(story.given.refused(), "nothing_to_claim");
    }
}

TEST(Stopping, RetractsWhileAnyMayBePublic) {
    for (const auto outcome :
         {v1::OUTCOME_UNSPECIFIED, v1::OUTCOME_CONFIRMED, v1::OUTCOME_UNKNOWN}) {
        Story story = armed({channel("toot", "mastodon")});
        story.claim().outcome("toot:fr-CA", v1::OUTCOME_RETRY_LATER);
        if (outcome != v1::OUTCOME_UNSPECIFIED) story.outcome("toot:en-CA", outcome);
        story.stop(at(3));
        EXPECT_EQ(story.given.refused(), "");
        EXPECT_EQ(story.state(), v1::RELEASE_STATE_RETRACTING);
        EXPECT_EQ(story.delivery("toot:fr-CA").state(), v1::DELIVERY_STATE_STOOD_DOWN);
    }
}

// It was in doubt, and was not found there: what was believed may be wrong.
TEST(Stopping, RetractsOnceAnythingWasInDoubt) {
    Story story = armed({channel("toot", "mastodon")});
    story.claim()
        .outcome("toot:fr-CA", v1::OUTCOME_RETRY_LATER)
        .outcome("toot:en-CA", v1::OUTCOME_UNKNOWN);
    story.outcome("toot:en-CA", v1::OUTCOME_ABSENT, at(3)).stop(at(4));
    EXPECT_EQ(story.given.refused(), "");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_RETRACTING);
    for (const std::string id : {"toot:fr-CA", "toot:en-CA"})
        EXPECT_EQ(story.delivery(id).state(), v1::DELIVERY_STATE_STOOD_DOWN);
}

TEST(Stopping, NeedsAnApproverOrDutyOfficerOfAnAgencyOfTheRelease) {
    Story story = armed();
    story.stop(at(1), "calgary", {"author"});
    EXPECT_EQ(story.given.refused(), "role_missing");
    story.stop(at(1), "alberta");
    EXPECT_EQ(story.given.refused(), "other_agency");
}

TEST(Stopping, TwiceAddsNothing) {
    Story story = armed();
    story.stop(at(1)).stop(at(1));
    EXPECT_TRUE(story.given.events().empty());
    EXPECT_EQ(story.given.refused(), "");
}
}  // namespace
}  // namespace tocsin::publishing
