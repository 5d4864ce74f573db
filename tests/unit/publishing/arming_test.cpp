// Arming: what is fixed then goes out.
#include "samples.hpp"

#include <fmt/format.h>

namespace tocsin::publishing {
namespace {

using samples::armed;
using samples::at;
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
    EXPECT_NE(feed.idempotency_key(), story.delivery("hook").head.idempotency_key());
    EXPECT_EQ(story.release().head.identifiers().at("calgary"), feed.fixed().identifier());
}

TEST(Arming, LeavesMoreTimeForMoreDeliveries) {
    std::vector<v1::Event> channels;
    for (int i = 0; i < 100; ++i)
        channels.push_back(samples::channel(fmt::format("hook-{}", i), "webhook"));
    Story story{channels};
    story.clear();
    for (int i = 0; i < 100; ++i) story.prepared(fmt::format("hook-{}", i));
    EXPECT_EQ(runtime::from_proto(story.release().head.fire_at()),
              at(1) + std::chrono::milliseconds{140});
}

TEST(Arming, WaitsForTheTimeOfRelease) {
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_release_at() = runtime::to_proto(at(600));
    Story story{samples::feed_only(), content};
    story.clear(at(500)).prepared("feed", true, "", 0, at(501));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
    EXPECT_EQ(runtime::from_proto(story.release().head.fire_at()), at(600));
}

// What was ready days before need not be so at T0.
TEST(Arming, PreparesAgainShortlyBeforeALateRelease) {
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_release_at() = runtime::to_proto(at(600));
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").prepared("hook");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_PREPARING);
    EXPECT_EQ(Decider::next_due(story.given.state())->at, at(540));
    story.due();
    EXPECT_TRUE(story.delivery("feed").is(v1::DELIVERY_STATE_PLANNED));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_PLANNED));
    story.prepared("feed", true, "", 0, at(541)).prepared("hook", false, "401", 0, at(542));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
    EXPECT_EQ(runtime::from_proto(story.release().head.fire_at()), at(600));
    EXPECT_EQ(story.delivery("hook").head.reason(), "401");
    // In time for T0 it is no straggler.
    story.prepared("hook", true, "", 0, at(590));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_ARMED));
    EXPECT_FALSE(story.delivery("hook").head.straggler());
    EXPECT_EQ(runtime::from_proto(story.whole("hook").fixed().fire_at()), at(600));
}

// Nobody was there at the time: channels still get time to answer.
TEST(Arming, ALateRenewalCostsNoQuorum) {
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_release_at() = runtime::to_proto(at(600));
    content.mutable_draft()->mutable_stragglers()->set_quorum_percent(100);
    Story story{samples::feed_only(), content};
    story.clear().prepared("feed");
    const auto due = Decider::next_due(story.given.state());
    story.tell(due->command, at(700));
    EXPECT_TRUE(story.delivery("feed").is(v1::DELIVERY_STATE_PLANNED));
    EXPECT_EQ(Decider::next_due(story.given.state())->at, at(710));
    story.prepared("feed", true, "", 0, at(701));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
}

TEST(Arming, OneWhoseChannelsSayNothingAgainStillGoesAtItsTime) {
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_release_at() = runtime::to_proto(at(600));
    Story story{samples::feed_and_hook(), content};
    story.clear().prepared("feed").prepared("hook").due();
    story.prepared("feed", true, "", 0, at(541));
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_PREPARING) << "the hook has time";
    story.due();
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
    EXPECT_EQ(runtime::from_proto(story.release().head.fire_at()), at(600));
    EXPECT_TRUE(story.delivery("hook").is(v1::DELIVERY_STATE_PLANNED));
}

}  // namespace
}  // namespace tocsin::publishing
