// What people read about what happens to a delivery next.
#include "samples.hpp"

namespace tocsin::publishing {
namespace {

using samples::armed;
using samples::at;
using samples::channel;
using samples::Story;

v1::NextAction next_of(const Story& story, const std::string& delivery) {
    return story.whole(delivery).next_action();
}

Time when_of(const Story& story, const std::string& delivery) {
    const v1::Delivery shown = story.whole(delivery);
    return shown.has_next_action_at() ? runtime::from_proto(shown.next_action_at()) : Time{};
}

TEST(NextAction, FollowsADeliveryThatGoesWell) {
    Story story{samples::feed_and_hook()};
    story.clear();
    EXPECT_EQ(next_of(story, "hook"), v1::NEXT_ACTION_PREPARE);
    story.prepared("hook");
    EXPECT_EQ(next_of(story, "hook"), v1::NEXT_ACTION_ARM) << "the feed has not answered";
    story.prepared("feed");
    EXPECT_EQ(next_of(story, "hook"), v1::NEXT_ACTION_SEND);
    EXPECT_EQ(when_of(story, "hook"), runtime::from_proto(story.release().head.fire_at()));
    story.claim();
    EXPECT_EQ(next_of(story, "hook"), v1::NEXT_ACTION_ANSWER);
    EXPECT_EQ(when_of(story, "hook"), story.delivery("hook").claim_over());
    story.outcome("hook", v1::OUTCOME_CONFIRMED);
    EXPECT_EQ(next_of(story, "hook"), v1::NEXT_ACTION_UNSPECIFIED);
    EXPECT_EQ(when_of(story, "hook"), Time{});
}

TEST(NextAction, SaysWhenTheNextAttemptIs) {
    Story story = armed();
    story.claim().outcome("hook", v1::OUTCOME_RETRY_LATER, at(2));
    EXPECT_EQ(next_of(story, "hook"), v1::NEXT_ACTION_SEND);
    EXPECT_EQ(when_of(story, "hook"), story.delivery("hook").retry_at);
    EXPECT_GT(when_of(story, "hook"), at(2));
}

TEST(NextAction, OfAChannelThatIsNotAsApprovedIsAnAdmins) {
    Story story{samples::feed_and_hook()};
    v1::Command elsewhere;
    v1::PutChannelRequest& put = *elsewhere.mutable_put_channel();
    put.set_channel_id("hook");
    put.set_kind("webhook");
    put.set_name("hook");
    put.set_url("https://elsewhere.example.org");
    put.set_credential("hook");
    story.given.by("ada", "calgary", {"admin"}).on(at(0)).when(elsewhere);
    ASSERT_EQ(story.given.refused(), "");
    story.clear();
    EXPECT_EQ(next_of(story, "hook"), v1::NEXT_ACTION_PUT_CHANNEL);
}

TEST(NextAction, OfWhatWasRefusedIsADutyOfficers) {
    Story story = armed();
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome("hook", v1::OUTCOME_REFUSED);
    EXPECT_EQ(next_of(story, "hook"), v1::NEXT_ACTION_RETRY);
    story.stop();
    EXPECT_EQ(next_of(story, "hook"), v1::NEXT_ACTION_UNSPECIFIED) << "it was taken back";
}

TEST(NextAction, OfWhatIsInDoubtIsAQueryAndThenAPersons) {
    Story story = armed({channel("feed", "feed"), channel("toot", "mastodon")});
    const std::string toot = "toot:fr-CA";
    story.claim().outcome("feed", v1::OUTCOME_CONFIRMED).outcome(toot, v1::OUTCOME_UNKNOWN);
    EXPECT_EQ(next_of(story, toot), v1::NEXT_ACTION_QUERY);
    story.outcome(toot, v1::OUTCOME_CANNOT_TELL, at(3));
    EXPECT_EQ(next_of(story, toot), v1::NEXT_ACTION_RESOLVE);
}

}  // namespace
}  // namespace tocsin::publishing
