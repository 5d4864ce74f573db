#include "samples.hpp"

#include <functional>

namespace tocsin::publishing {
namespace {

using samples::at;
using samples::channel;
using samples::Story;

TEST(Planning, OneDeliveryPerChannelAndLanguageOfTheAgencies) {
    Story story{{channel("feed", "feed"), channel("hook", "webhook"), channel("toot", "mastodon"),
                 channel("foreign", "webhook", "alberta")}};
    story.clear();
    ASSERT_EQ(story.release().deliveries.size(), 4u);
    EXPECT_NE(story.release().find("feed"), nullptr);
    EXPECT_NE(story.release().find("toot:fr-CA"), nullptr);
    EXPECT_NE(story.release().find("toot:en-CA"), nullptr);
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_PREPARING);
    EXPECT_EQ(story.release().go_at, at(2));
}

TEST(Planning, ASecondClearanceOfTheSameDigestDoesNothing) {
    Story story{samples::feed_only()};
    story.clear().clear(at(5));
    EXPECT_FALSE(story.given.reacted());
}

TEST(Planning, ContentWithAnotherDigestIsNeverReleased) {
    Story story{samples::feed_only()};
    auto event = samples::make_cleared(story.content);
    story.content.mutable_draft()->set_title("changed");
    event.mutable_cleared()->set_content(content::serialise(story.content));
    story.given.when(samples::clearance(event));
    ASSERT_EQ(story.given.state().releases.by_id.size(), 1u);
    const Release& release = story.given.state().releases.by_id.begin()->second;
    EXPECT_EQ(release.head.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(release.deliveries.empty());
    EXPECT_EQ(release.content, nullptr);
    EXPECT_TRUE(release.head.reason().contains("digest"));
}

TEST(Planning, ContentThatDoesNotParseIsNeverReleased) {
    Story story{samples::feed_only()};
    auto event = samples::make_cleared(story.content);
    event.mutable_cleared()->set_content("no content at all");
    event.mutable_cleared()->set_digest(content::digest(event.cleared().content()));
    story.given.when(samples::clearance(event));
    EXPECT_EQ(story.given.state().releases.by_id.begin()->second.head.state(),
              v1::RELEASE_STATE_ABORTED);
}

TEST(Planning, AnotherWorldIsNeverReleased) {
    auto content = samples::make_content();
    content.set_world("exercise");
    Story story{samples::feed_only(), content};
    story.clear();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
    EXPECT_TRUE(story.release().head.reason().contains("exercise"));
}

// Two worlds may share a process.
TEST(Planning, TheWorldIsThatOfTheState) {
    auto content = samples::make_content();
    content.set_world("exercise");
    content.mutable_draft()->set_status(content::v1::STATUS_EXERCISE);
    content = samples::going_to({channel("feed", "feed")}, content);
    const auto clearance = samples::clearance(samples::make_cleared(content));
    State live, exercise;
    exercise.constants.world = "exercise";
    exercise.constants.feed_base_url = "https://exercise.example.org";
    for (State* state : {&live, &exercise})
        ASSERT_TRUE(Decider::evolve(*state, channel("feed", "feed"), at(0)));
    EXPECT_EQ(Decider::react(live, clearance, at(0))->events.size(), 2u) << "it is aborted";
    const auto planned = Decider::react(exercise, clearance, at(0));
    ASSERT_EQ(planned->events.size(), 1u);
    EXPECT_EQ(planned->events[0].release_planned().feed_base_url(),
              exercise.constants.feed_base_url);
}

TEST(Planning, AnExerciseInTheLiveWorldIsNeverReleased) {
    auto content = samples::make_content();
    content.mutable_draft()->set_status(content::v1::STATUS_EXERCISE);
    Story story{samples::feed_only(), content};
    EXPECT_EQ(story.clear().state(), v1::RELEASE_STATE_ABORTED);
}

TEST(Planning, AnExpiredMessageIsNeverReleased) {
    Story story{samples::feed_only()};
    EXPECT_EQ(story.clear(at(3600)).state(), v1::RELEASE_STATE_ABORTED);
}

TEST(Planning, WithoutAnyChannelItIsPlannedAndAborted) {
    Story story{{}};
    story.clear();
    ASSERT_EQ(story.given.events().size(), 2u);
    EXPECT_TRUE(story.given.events()[0].has_release_planned());
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ABORTED);
}

TEST(Planning, UnknownChannelsAreNamed) {
    auto toot = channel("toot", "mastodon");
    toot.mutable_channel_put()->mutable_channel()->add_languages("es-MX");
    Story story{{channel("feed", "feed"), toot}};
    story.clear();
    EXPECT_EQ(story.release().deliveries.size(), 1u);
    EXPECT_EQ(story.release().head.reason(),
              "Left out: channel `toot` carries none of its languages.");
}

// ---- channels that are not as they were approved

Story& with(Story& story, const v1::Event& channel) {
    story.given.happens(channel);
    return story;
}

TEST(Planning, AChannelThatWasAddedSinceIsLeftOutAndNamed) {
    Story story{samples::feed_only()};
    with(story, channel("hook", "webhook")).clear();
    EXPECT_TRUE(story.delivery("feed").is(v1::DELIVERY_STATE_PLANNED));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_SKIPPED));
    EXPECT_TRUE(story.delivery("hook").head.reason().contains("submitted without this channel"));
    story.prepared("feed");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED) << "nothing waits for it";
}

TEST(Planning, AChannelThatNobodyAskedForIsNotNamed) {
    auto content = samples::make_content();
    content.mutable_draft()->add_channels("feed");
    Story story{samples::feed_only(), content};
    with(story, channel("hook", "webhook"));
    EXPECT_EQ(story.clear().release().deliveries.size(), 1u);
}

TEST(Planning, AChannelThatWasRemovedSinceIsLeftOutAndNamed) {
    Story story{samples::feed_and_hook()};
    v1::Event removed;
    removed.mutable_channel_removed()->set_channel_id("hook");
    with(story, removed).clear();
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_SKIPPED));
    EXPECT_TRUE(story.delivery("hook").head.reason().contains("removed after"));
}

TEST(Planning, AChannelThatLeadsElsewhereSinceIsAStragglerUntilItIsPutBack) {
    const auto as_approved = channel("hook", "webhook");
    for (const auto& change : std::vector<std::function<void(v1::Channel&)>>{
             [](auto& hook) { hook.set_url("https://elsewhere.example.org"); },
             [](auto& hook) { hook.set_credential("another"); },
             [](auto& hook) { hook.set_agency_id("alberta"); },
             [](auto& hook) { hook.set_kind("mastodon"); }}) {
        Story story{samples::feed_and_hook()};
        auto changed = as_approved;
        change(*changed.mutable_channel_put()->mutable_channel());
        with(story, changed).clear().prepared("feed");
        ASSERT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_NOT_READY));
        EXPECT_TRUE(story.delivery("hook").head.reason().contains("than the approved message"));
        EXPECT_FALSE(story.release().to_prepare(story.delivery("hook")));
        EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED) << "nothing waits for it";
        story.prepared("hook", true, "", 0, at(3));
        EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_NOT_READY))
            << "whatever an executor says of the other place";
    }
}

TEST(Planning, NamesAndSenderAreThoseThatWereApproved) {
    Story story{samples::feed_only()};
    story.clear().prepared("feed");
    EXPECT_EQ(story.delivery("feed").fixed().sender(), "calgary@example.org");
    EXPECT_EQ(story.delivery("feed").fixed().sender_names().at("fr-CA"), "La calgary");
}

TEST(Planning, AChannelOfOneLanguageGetsThatOne) {
    auto toot = channel("toot", "mastodon");
    toot.mutable_channel_put()->mutable_channel()->add_languages("fr-CA");
    Story story{{toot}};
    story.clear();
    ASSERT_EQ(story.release().deliveries.size(), 1u);
    EXPECT_EQ(story.release().deliveries.begin()->id(), "toot:fr-CA");
}

TEST(Concerns, OnlyAClearance) {
    EXPECT_EQ((testing::concerning<Decider, approval::v1::Event>("approval")),
              std::set<std::string>{"cleared"});
}

}  // namespace
}  // namespace tocsin::publishing
