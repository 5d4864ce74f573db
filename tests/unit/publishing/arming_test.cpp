// Arming: what is fixed then goes out.
#include "samples.hpp"

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

TEST(Arming, WaitsForTheTimeOfRelease) {
    auto content = samples::make_content();
    *content.mutable_draft()->mutable_release_at() = runtime::to_proto(at(600));
    Story story{samples::feed_only(), content};
    story.clear().prepared("feed");
    EXPECT_EQ(story.state(), v1::RELEASE_STATE_ARMED);
    EXPECT_EQ(runtime::from_proto(story.release().head.fire_at()), at(600));
}
}  // namespace
}  // namespace tocsin::publishing
