// Updates and cancels: what they take the place of, and what they wait for.
#include "publishing/superseding.hpp"

#include "samples.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::publishing {
namespace {

using samples::armed;
using samples::at;
using samples::Story;

void refer(content::Content& content, const content::v1::Fixed& fixed) {
    content::Reference& reference = *content.add_references();
    reference.set_sender(fixed.sender());
    reference.set_identifier(fixed.identifier());
    reference.set_sent(fixed.sent());
}

// A first message on feed and hook, and what comes after it.
struct Both {
    Story story;
    content::Content first;

    explicit Both(Story begun) : story(std::move(begun)), first(story.content) {}

    std::string first_id() const { return samples::release_id(first); }
    const Release& earlier() const { return story.given.state().releases.by_id.at(first_id()); }
    const Delivery& of_earlier(const std::string& id) const { return *earlier().find(id); }

    // From now on the story is that of an update of the first message.
    Both& update(const std::string& message_id, Time when,
                 const std::vector<v1::Event>& channels = samples::feed_and_hook()) {
        content::Content content = samples::make_content();
        content.set_message_id(message_id);
        content.set_message_type(content::v1::MESSAGE_TYPE_UPDATE);
        refer(content, of_earlier("feed").fixed());
        story.content = samples::going_to(channels, content);
        story.clear(when);
        return *this;
    }
    Both& ready(Time when) {
        for (const char* id : {"feed", "hook"}) story.prepared(id, true, "", 0, when);
        return *this;
    }
    Both& of_first() {
        story.content = first;
        return *this;
    }
};

// The feed has it, and of the hook `outcome` is known.
Both published(v1::Outcome outcome) {
    Both both{armed()};
    both.story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", outcome);
    return both;
}

TEST(Update, IsPlannedWithWhatItTakesThePlaceOf) {
    Both both = published(v1::OUTCOME_CONFIRMED);
    both.update("msg-2", at(5));
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_PREPARING);
    ASSERT_EQ(both.story.release().head.supersedes_size(), 1);
    EXPECT_EQ(both.story.release().head.supersedes(0), both.first_id());
    EXPECT_EQ(both.earlier().head.superseded_by(), "") << "nothing of the update is out";
}

// So that readers of either see both.
TEST(Update, AnswersThePostThatItUpdates) {
    const std::vector<v1::Event> channels{samples::channel("feed", "feed"),
                                          samples::channel("toot", "mastodon")};
    Both both{armed(channels)};
    both.story.claim().outcome("feed", v1::OUTCOME_CONFIRMED);
    both.story.outcome("toot:fr-CA", v1::OUTCOME_CONFIRMED);
    both.story.outcome("toot:en-CA", v1::OUTCOME_REFUSED);
    both.update("msg-2", at(5), channels);
    const auto answered = [&](const char* id) {
        return both.story.delivery(id).head.in_reply_to();
    };
    EXPECT_EQ(answered("toot:fr-CA"), "receipt-toot:fr-CA");
    EXPECT_EQ(answered("toot:en-CA"), "");
    EXPECT_EQ(answered("feed"), "");
    for (const char* id : {"feed", "toot:fr-CA", "toot:en-CA"})
        both.story.prepared(id, true, "", 0, at(5));
    EXPECT_TRUE(both.story.release()
                    .body(both.story.delivery("toot:fr-CA"))
                    ->bytes()
                    .contains(R"("in_reply_to_id":"receipt-toot:fr-CA")"));
}

// The post is on the server that the channel led to.
TEST(Update, AnswersNoPostOfAnotherPlace) {
    const std::vector<v1::Event> channels{samples::channel("feed", "feed"),
                                          samples::channel("toot", "mastodon")};
    Both both{armed(channels)};
    both.story.claim().outcome("feed", v1::OUTCOME_CONFIRMED);
    both.story.outcome("toot:fr-CA", v1::OUTCOME_CONFIRMED);
    both.story.outcome("toot:en-CA", v1::OUTCOME_CONFIRMED);
    v1::Event moved = samples::channel("toot", "mastodon");
    moved.mutable_channel_put()->mutable_channel()->set_url("https://other.example.org");
    both.story.given.happens(moved);
    both.update("msg-2", at(5), {channels[0], moved});
    EXPECT_EQ(both.story.delivery("toot:fr-CA").head.in_reply_to(), "");
}

TEST(Update, OfWhatIsNotInForceGoesBackToItsAuthors) {
    Both unknown = published(v1::OUTCOME_CONFIRMED);
    auto content = samples::make_content();
    content.set_message_id("msg-2");
    content.add_references()->set_identifier("tocsin-somebody-elses");
    unknown.story.content = samples::going_to(samples::feed_and_hook(), content);
    unknown.story.clear(at(5));
    EXPECT_EQ(unknown.story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(unknown.story.release().head.reason().contains("published none such"));
    EXPECT_TRUE(unknown.story.given.events().back().release_ended().has_returned());
    EXPECT_FALSE(unknown.story.given.events().back().release_ended().returned().as_it_is());

    Both retracted = published(v1::OUTCOME_CONFIRMED);
    retracted.story.stop(at(5));
    retracted.update("msg-2", at(6));
    EXPECT_EQ(retracted.story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(retracted.story.release().head.reason().contains("it was retracted"));

    Both updated = published(v1::OUTCOME_CONFIRMED);
    updated.update("msg-2", at(5)).ready(at(5)).story.claim("x1", at(6));
    updated.update("msg-3", at(7));
    EXPECT_EQ(updated.story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(updated.story.release().head.reason().contains("took its place"));
}

TEST(Update, EndsWhatWasStillToGoOutOnceItIsClaimed) {
    Both both = published(v1::OUTCOME_RETRY_LATER);
    ASSERT_TRUE(both.of_earlier("hook").is(v1::DELIVERY_STATE_ARMED));
    both.update("msg-2", at(5)).ready(at(5));
    EXPECT_TRUE(both.of_earlier("hook").is(v1::DELIVERY_STATE_ARMED)) << "not before";
    both.story.claim("x1", at(6));
    ASSERT_EQ(both.story.given.refused(), "");
    EXPECT_EQ(both.earlier().head.superseded_by(), both.story.id());
    EXPECT_TRUE(both.of_earlier("hook").is(v1::DELIVERY_STATE_STOOD_DOWN));
    EXPECT_EQ(both.earlier().head.state(), v1::RELEASE_STATE_RELEASED);
    EXPECT_TRUE(both.story.delivery("hook").is(v1::DELIVERY_STATE_CLAIMED));
    both.of_first().story.claim("x1", at(60));
    EXPECT_EQ(both.story.given.refused(), "nothing_to_claim");
}

TEST(Update, EndsTheRetriesOfWhatWasRefused) {
    Both both = published(v1::OUTCOME_REFUSED);
    both.update("msg-2", at(5)).ready(at(5)).story.claim("x1", at(6));
    both.of_first().story.retry("hook", at(7));
    EXPECT_EQ(both.story.given.refused(), "superseded");
}

TEST(Update, LeavesAStragglerOfTheEarlierOneBehind) {
    Both both{Story{samples::feed_and_hook()}};
    both.story.clear().prepared("feed").prepared("hook", false, "down");
    both.story.claim().outcome("feed", v1::OUTCOME_CONFIRMED);
    both.update("msg-2", at(5)).ready(at(5)).story.claim("x1", at(6));
    EXPECT_TRUE(both.of_earlier("hook").is(v1::DELIVERY_STATE_STOOD_DOWN));
    both.of_first().story.prepared("hook", true, "", 0, at(7));
    EXPECT_TRUE(both.of_earlier("hook").is(v1::DELIVERY_STATE_STOOD_DOWN));
}

TEST(Update, WaitsOnAChannelForWhatMayStillComeThere) {
    Both both{armed()};
    both.story.claim().outcome("feed", v1::OUTCOME_CONFIRMED);
    both.update("msg-2", at(5)).ready(at(5)).story.claim("x1", at(6));
    EXPECT_TRUE(both.story.delivery("feed").is(v1::DELIVERY_STATE_CLAIMED));
    EXPECT_TRUE(both.story.delivery("hook").is(v1::DELIVERY_STATE_ARMED))
        << "the first one is under way there";
    const auto content = both.story.content;
    both.of_first().story.outcome("hook", v1::OUTCOME_CONFIRMED, at(7));
    both.story.content = content;
    both.story.claim("x1", at(8));
    EXPECT_TRUE(both.story.delivery("hook").is(v1::DELIVERY_STATE_CLAIMED));
}

TEST(Update, WaitsForWhatIsInDoubtUntilItsTimeIsOver) {
    Both both = published(v1::OUTCOME_UNKNOWN);
    both.update("msg-2", at(5)).ready(at(5)).story.claim("x1", at(6));
    EXPECT_TRUE(both.story.delivery("hook").is(v1::DELIVERY_STATE_ARMED));
    const auto content = both.story.content;
    // The channel was queried, and does not say.
    both.of_first().story.outcome("hook", v1::OUTCOME_CANNOT_TELL, at(20));
    both.story.content = content;
    both.story.claim("x1", at(21));
    EXPECT_TRUE(both.story.delivery("hook").is(v1::DELIVERY_STATE_ARMED));
    both.story.claim("x1", at(40));
    EXPECT_TRUE(both.story.delivery("hook").is(v1::DELIVERY_STATE_CLAIMED));
}

TEST(Update, OfTwoTheFirstThatGoesOutIsTheOnlyOne) {
    Both both = published(v1::OUTCOME_CONFIRMED);
    both.update("msg-2", at(5)).ready(at(5));
    const auto second = both.story.content;
    both.update("msg-3", at(5)).ready(at(5)).story.claim("x1", at(6));
    ASSERT_TRUE(both.story.delivery("hook").is(v1::DELIVERY_STATE_CLAIMED));
    EXPECT_EQ(both.earlier().head.superseded_by(), both.story.id());
    both.story.content = second;
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(both.story.release().text_returned);
    both.story.claim("x1", at(7));
    EXPECT_EQ(both.story.given.refused(), "nothing_to_claim");
}

// Each of them takes the place of two messages.
TEST(Update, OfTwoMessagesEndsAnotherOneOnce) {
    Both both = published(v1::OUTCOME_CONFIRMED);
    const auto first_alert = both.of_earlier("feed").fixed();
    // A message beside it.
    auto beside = samples::make_content();
    beside.set_message_id("msg-beside");
    both.story.content = samples::going_to(samples::feed_and_hook(), beside);
    both.story.clear(at(4));
    both.ready(at(4)).story.claim("x1", at(5));
    for (const char* id : {"feed", "hook"}) both.story.outcome(id, v1::OUTCOME_CONFIRMED, at(6));
    const auto second_alert = both.story.delivery("feed").fixed();
    std::vector<content::Content> updates;
    for (const char* id : {"msg-2", "msg-3"}) {
        auto content = samples::make_content();
        content.set_message_id(id);
        for (const auto& fixed : {first_alert, second_alert}) refer(content, fixed);
        both.story.content = samples::going_to(samples::feed_and_hook(), content);
        both.story.clear(at(7));
        both.ready(at(7));
        updates.push_back(both.story.content);
    }
    both.story.claim("x1", at(8));
    const auto ended = std::ranges::count_if(both.story.given.events(), [](const v1::Event& event) {
        return event.has_release_ended();
    });
    EXPECT_EQ(ended, 1);
    both.story.content = updates[0];
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_ABORTED);
}

TEST(Update, OfWhatEndsByItselfGoesBackToItsAuthors) {
    Both both{Story{samples::feed_and_hook()}};
    both.story.clear().prepared("feed", false, "off").prepared("hook").claim();
    auto update = samples::make_content();
    update.set_message_id("msg-2");
    refer(update, both.of_earlier("hook").fixed());
    both.story.content = samples::going_to(samples::feed_and_hook(), update);
    both.story.clear(at(3));
    ASSERT_EQ(both.story.state(), v1::RELEASE_STATE_PREPARING);
    both.of_first().story.outcome("hook", v1::OUTCOME_REFUSED, at(4)).stop(at(5));
    ASSERT_EQ(both.story.state(), v1::RELEASE_STATE_CANCELLED);
    both.story.content = samples::going_to(samples::feed_and_hook(), update);
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(both.story.release().text_returned);
}

TEST(Update, OfAnUpdateThatEndsHandsOnWhatThatTookThePlaceOf) {
    Both both = published(v1::OUTCOME_CONFIRMED);
    both.update("msg-2", at(5)).story.prepared("hook", true, "", 0, at(5));
    both.story.prepared("feed", false, "off", 0, at(5)).claim("x1", at(6));
    both.story.outcome("hook", v1::OUTCOME_UNKNOWN, at(7));
    const auto second = both.story.content;
    const auto second_id = both.story.id();
    auto third = samples::make_content();
    third.set_message_id("msg-3");
    refer(third, both.story.delivery("hook").fixed());
    both.story.content = samples::going_to(samples::feed_and_hook(), third);
    both.story.clear(at(8));
    both.ready(at(8)).story.claim("x1", at(9));
    EXPECT_TRUE(both.story.delivery("feed").is(v1::DELIVERY_STATE_CLAIMED));
    const auto third_id = both.story.id();
    EXPECT_EQ(both.earlier().head.superseded_by(), second_id);
    both.story.content = second;
    both.story.outcome("hook", v1::OUTCOME_ABSENT, at(30));
    // Somebody looks, and nothing of the second one ever was public.
    both.story.resolve("hook", v1::FINDING_ABSENT, at(60));
    ASSERT_EQ(both.story.given.refused(), "");
    ASSERT_TRUE(both.story.release().text_returned);
    EXPECT_EQ(both.earlier().head.superseded_by(), third_id) << "it is not in force again";
}

// The second one ends because the third one takes its place, and the third one reaches nobody.
TEST(Update, OfAnUpdateThatReachesNobodyEitherLeavesTheFirstInForce) {
    Both both = published(v1::OUTCOME_CONFIRMED);
    const auto follow = [&](const char* message, const content::v1::Fixed& fixed, Time when) {
        auto content = samples::make_content();
        content.set_message_id(message);
        content.mutable_draft()->add_channels("hook");
        refer(content, fixed);
        both.story.content = samples::going_to(samples::feed_and_hook(), content);
        both.story.clear(when).prepared("hook", true, "", 0, when);
    };
    follow("msg-2", both.of_earlier("feed").fixed(), at(5));
    both.story.claim("x1", at(6)).outcome("hook", v1::OUTCOME_RETRY_LATER, at(7));
    const auto fixed = both.story.delivery("hook").fixed();
    follow("msg-3", fixed, at(7));
    both.story.claim("x1", at(8));
    ASSERT_EQ(both.story.given.refused(), "");
    EXPECT_EQ(both.earlier().head.superseded_by(), both.story.id());
    both.story.outcome("hook", v1::OUTCOME_REFUSED, at(9));
    ASSERT_TRUE(both.story.release().text_returned);
    EXPECT_EQ(both.earlier().head.superseded_by(), "");
}

TEST(Update, LeavesNoAlertStandingThatWasPublishedSince) {
    const std::vector<v1::Event> channels{samples::channel("feed", "feed"),
                                          samples::channel("far-feed", "feed", "alberta")};
    auto joint = samples::make_content();
    joint.mutable_draft()->add_agencies("alberta");
    Both both{Story{channels, joint}};
    both.story.clear().prepared("feed").prepared("far-feed", false, "off").claim();
    both.story.outcome("feed", v1::OUTCOME_CONFIRMED);
    auto update = samples::make_content();
    update.set_message_id("msg-2");
    refer(update, both.of_earlier("feed").fixed());
    update = samples::going_to(channels, update);
    both.story.content = update;
    both.story.clear(at(5)).prepared("feed", true, "", 0, at(5));
    ASSERT_EQ(both.story.state(), v1::RELEASE_STATE_ARMED);
    both.of_first().story.prepared("far-feed", true, "", 0, at(5)).claim("x1", at(5));
    ASSERT_TRUE(both.of_earlier("far-feed").is(v1::DELIVERY_STATE_CLAIMED));
    both.story.content = update;
    both.story.claim("x1", at(6));
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(both.story.release().head.reason().contains("`alberta` published it as well"));
}

TEST(Update, GoesOutWhereStoppingTheEarlierOneTakesNothingBack) {
    auto content = samples::make_content();
    content.mutable_draft()->clear_retraction();
    Both both{Story{samples::feed_and_hook(), content}};
    both.story.clear().prepared("feed").prepared("hook").claim();
    both.story.outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_RETRY_LATER);
    both.update("msg-2", at(5)).ready(at(5));
    const auto update = both.story.content;
    both.of_first().story.stop(at(6));
    ASSERT_EQ(both.story.given.refused(), "");
    both.story.content = update;
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_ARMED);
}

TEST(Update, OfWhatIsRetractedMeanwhileGoesBackToItsAuthors) {
    Both both = published(v1::OUTCOME_CONFIRMED);
    both.update("msg-2", at(5)).ready(at(5));
    const auto second = both.story.content;
    both.of_first().story.stop(at(6));
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_RETRACTING);
    both.story.content = second;
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(both.story.release().head.reason().contains("it was retracted"));
    EXPECT_TRUE(both.story.release().text_returned);
}

TEST(Update, ThatIsStoppedBeforeItIsOutLeavesTheEarlierOneAsItWas) {
    Both both = published(v1::OUTCOME_RETRY_LATER);
    both.update("msg-2", at(5)).ready(at(5)).story.stop(at(6));
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_CANCELLED);
    EXPECT_TRUE(both.of_earlier("hook").is(v1::DELIVERY_STATE_ARMED));
    EXPECT_EQ(both.earlier().head.superseded_by(), "");
}

TEST(Update, ThatNobodyTookLeavesTheEarlierOneInForce) {
    Both both = published(v1::OUTCOME_CONFIRMED);
    // The hook alone: a feed shows what was claimed.
    both.update("msg-2", at(5)).story.prepared("hook", true, "", 0, at(5));
    both.story.prepared("feed", false, "off", 0, at(5)).claim("x1", at(6));
    EXPECT_EQ(both.earlier().head.superseded_by(), both.story.id());
    both.story.outcome("hook", v1::OUTCOME_REFUSED, at(7));
    EXPECT_EQ(both.earlier().head.superseded_by(), both.story.id()) << "the feed may follow";
    both.story.stop(at(8));
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_CANCELLED);
    EXPECT_EQ(both.earlier().head.superseded_by(), "");
    both.update("msg-3", at(9));
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_PREPARING);
}

// What was updated may turn out to be a mistake as well.
TEST(Update, TheEarlierOneCanStillBeTakenBack) {
    Both both = published(v1::OUTCOME_CONFIRMED);
    both.update("msg-2", at(5)).ready(at(5)).story.claim("x1", at(6));
    both.of_first().story.stop(at(7));
    EXPECT_EQ(both.story.given.refused(), "");
    EXPECT_EQ(both.story.state(), v1::RELEASE_STATE_RETRACTING);
}

TEST(Claim, NamesTheAlertsOfTheMessageAndNotThoseOfItsRetraction) {
    Both both{armed()};
    both.story.claim();
    const auto& claimed = both.story.given.events().front().deliveries_claimed();
    ASSERT_EQ(claimed.alerts_size(), 1);
    EXPECT_EQ(claimed.alerts(0).agency_id(), "calgary");
    EXPECT_EQ(claimed.message_id(), "msg-1");
    EXPECT_EQ(runtime::from_proto(claimed.expires()), at(3600));
    both.story.outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_CONFIRMED);
    both.story.stop(at(10)).claim("x1", at(11), v1::PURPOSE_RETRACTION);
    ASSERT_TRUE(both.story.given.events().front().has_deliveries_claimed());
    EXPECT_TRUE(both.story.given.events().front().deliveries_claimed().alerts().empty());
}

}  // namespace
}  // namespace tocsin::publishing
