// What the feed says of an alert beside the alert itself: that a later one took its place, and by
// which alerts the other agencies of a joint message say the same.
#include "publishing/feed.hpp"

#include "content/feed_page.hpp"
#include "samples.hpp"

#include <nlohmann/json.hpp>

namespace tocsin::publishing {
namespace {

using namespace std::chrono_literals;
using content::FeedFormat;
using samples::at;
using samples::Story;

constexpr FeedFormat formats[] = {FeedFormat::atom, FeedFormat::rss, FeedFormat::geojson};

std::vector<v1::Event> two_feeds() {
    return {samples::channel("feed", "feed"), samples::channel("province", "feed", "alberta")};
}

// A realm with two feeds, as a reader sees it.
struct Reader {
    std::vector<v1::Event> channels;
    Story story;
    PublishingView view{1};
    FeedPages pages{view};

    explicit Reader(std::vector<v1::Event> all = samples::feed_only(),
                    const std::vector<std::string>& agencies = {"calgary"})
        : channels(std::move(all)), story(channels, said_by(agencies)) {
        tell(channels, at(0));
        publish(at(0));
    }
    static content::Content said_by(const std::vector<std::string>& agencies) {
        content::Content content = samples::make_content();
        content.mutable_draft()->mutable_agencies()->Assign(agencies.begin(), agencies.end());
        return content;
    }

    void tell(const std::vector<v1::Event>& events, Time when) {
        ledger::v1::Decision decision;
        decision.set_realm("bow");
        for (const v1::Event& event : events)
            decision.mutable_accepted()->add_events(event.SerializeAsString());
        view.apply({"publishing", 0, 0, when, decision, true});
    }
    void keep(Time when) { tell(story.given.events(), when); }
    // Its T0 is 100 ms later.
    void publish(Time when) {
        story.clear(when);
        keep(when);
        for (const v1::Event& event : channels) {
            story.prepared(event.channel_put().channel().channel_id(), true, "", 0, when);
            keep(when);
        }
        story.claim("x1", when);
        keep(when);
    }
    // From now on the story is that of a later message about the first one.
    void follow_up(Time when, content::v1::MessageType type, Time expires = at(5000)) {
        content::Content content = said_by({"calgary"});
        content.mutable_draft()->mutable_agencies()->CopyFrom(story.content.draft().agencies());
        content.set_message_id("msg-2");
        content.set_message_type(type);
        for (const Delivery& delivery : story.release().deliveries) {
            if (!delivery.traits().public_from_claim) continue;
            content::Reference& reference = *content.add_references();
            reference.set_sender(delivery.fixed().sender());
            reference.set_identifier(delivery.fixed().identifier());
            reference.set_sent(delivery.fixed().sent());
        }
        for (auto& text : *content.mutable_draft()->mutable_texts()) text.set_headline("Later");
        *content.mutable_draft()->mutable_expires() = runtime::to_proto(expires);
        story.content = samples::going_to(channels, content);
        publish(when);
    }
    std::string page(Time now, FeedFormat format = FeedFormat::atom,
                     const std::string& language = "en-CA") {
        return pages.page("bow", {language, format}, 1, "https://feed.example.org", now)->body;
    }
    nlohmann::json features(Time now) {
        return nlohmann::json::parse(page(now, FeedFormat::geojson))["features"];
    }
    std::string link(const std::string& delivery = "feed") const {
        return story.delivery(delivery).fixed().permalink();
    }
};

int times(const std::string& text, std::string_view part) {
    int count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

TEST(FeedMarks, AnUpdateMarksWhatItTakesThePlaceOfFromItsT0On) {
    Reader reader;
    const std::string first = reader.link();
    reader.follow_up(at(10), content::v1::MESSAGE_TYPE_UPDATE);
    ASSERT_EQ(reader.story.given.refused(), "");
    for (const FeedFormat format : formats) {
        EXPECT_FALSE(reader.page(at(10) + 99ms, format).contains("Superseded: "));
        const std::string page = reader.page(at(11), format);
        EXPECT_EQ(times(page, "Superseded: Flooding"), 1) << page;
        EXPECT_EQ(times(page, "Superseded: Later"), 0) << "the later one is in force";
        EXPECT_TRUE(reader.page(at(11), format, "fr-CA").contains("Remplacée : Inondation"));
    }
    const std::string entry = reader.page(at(11)).substr(reader.page(at(11)).rfind("<entry>"));
    EXPECT_TRUE(entry.contains("<id>" + first)) << "it stays listed, below";
    EXPECT_TRUE(entry.contains("rel=\"successor-version\" type=\"application/cap+xml\" href=\"" +
                               reader.link() + "\""))
        << entry;
    EXPECT_TRUE(entry.contains("<updated>" + content::atom_time(at(10)))) << entry;
    const auto features = reader.features(at(11));
    ASSERT_EQ(features.size(), 2U);
    EXPECT_TRUE(features[0]["properties"]["superseded"].is_null());
    EXPECT_EQ(features[1]["properties"]["superseded"]["by"], "Update");
    EXPECT_EQ(features[1]["properties"]["superseded"]["href"], reader.link());
}

TEST(FeedMarks, TheMarkStaysWhenTheLaterAlertHasExpired) {
    Reader reader;
    reader.follow_up(at(10), content::v1::MESSAGE_TYPE_UPDATE, at(2000));
    EXPECT_TRUE(reader.page(at(1999)).contains("<title>Later"));
    const std::string page = reader.page(at(2001));
    EXPECT_FALSE(page.contains("<title>Later")) << page;
    EXPECT_TRUE(page.contains("Superseded: ")) << page;
    EXPECT_TRUE(page.contains(reader.link())) << "it can still be read";
    EXPECT_FALSE(reader.page(at(3600)).contains("Superseded: ")) << "it is not listed any more";
}

TEST(FeedMarks, ACancelMarksWhatItCancels) {
    Reader reader;
    reader.follow_up(at(10), content::v1::MESSAGE_TYPE_CANCEL);
    EXPECT_TRUE(reader.page(at(11)).contains("Cancelled: Flooding"));
    EXPECT_EQ(reader.features(at(11))[1]["properties"]["superseded"]["by"], "Cancel");
}

TEST(FeedMarks, ARetractionMarksWhatItTakesBack) {
    Reader reader;
    reader.story.outcome("feed", v1::OUTCOME_CONFIRMED, at(2));
    reader.keep(at(2));
    EXPECT_FALSE(reader.page(at(3)).contains("Cancelled: Flooding"));
    reader.story.stop(at(10));
    reader.keep(at(10));
    reader.story.claim("x1", at(10), v1::PURPOSE_RETRACTION);
    reader.keep(at(10));
    EXPECT_FALSE(reader.page(at(10) + 99ms).contains("Cancelled: Flooding")) << "before its T0";
    const std::string page = reader.page(at(11));
    EXPECT_EQ(times(page, "Cancelled: Flooding"), 1) << page;
    EXPECT_TRUE(page.contains("href=\"" + reader.link("feed:cancel") + "\"")) << page;
    EXPECT_EQ(times(page, "rel=\"related\""), 0) << "it is no other agency's";
}

// What took its place went out elsewhere only.
TEST(FeedMarks, WhatIsNotOnTheFeedIsNotLinked) {
    Reader reader{samples::feed_and_hook()};
    for (const char* delivery : {"feed", "hook"}) {
        reader.story.outcome(delivery, v1::OUTCOME_CONFIRMED, at(2));
        reader.keep(at(2));
    }
    reader.channels = {samples::channel("hook", "webhook")};
    v1::Event removed;
    removed.mutable_channel_removed()->set_channel_id("feed");
    reader.story.given.happens(removed);
    reader.tell({removed}, at(3));
    reader.follow_up(at(10), content::v1::MESSAGE_TYPE_UPDATE);
    ASSERT_EQ(reader.story.given.refused(), "");
    const std::string page = reader.page(at(11));
    EXPECT_TRUE(page.contains("Superseded: ")) << page;
    EXPECT_FALSE(page.contains("successor-version")) << page;
}

TEST(FeedMarks, TheAlertsOfAJointMessageAreLinkedToEachOther) {
    Reader reader{two_feeds(), {"calgary", "alberta"}};
    for (const FeedFormat format : formats) {
        const std::string page = reader.page(at(1), format);
        const bool json = format == FeedFormat::geojson;
        EXPECT_EQ(times(page, json ? "\"joint\":[\"http" : "rel=\"related\""), 2) << page;
    }
    const auto features = reader.features(at(1));
    ASSERT_EQ(features.size(), 2U);
    EXPECT_EQ(features[0]["properties"]["joint"][0], features[1]["id"]);
    EXPECT_EQ(features[1]["properties"]["joint"][0], features[0]["id"]);
    // And by the alerts themselves, whoever passes them on.
    const Release& release = reader.story.release();
    const std::string city = release.body(reader.story.delivery("feed"))->bytes();
    const std::string province = release.body(reader.story.delivery("province"))->bytes();
    for (const auto& [alert, other] : {std::pair{city, "province"}, {province, "feed"}}) {
        const content::v1::Fixed& fixed = reader.story.delivery(other).fixed();
        EXPECT_EQ(times(alert, "<valueName>layer:Tocsin:1.0:Joint_Alert</valueName>"), 2)
            << "once in each language";
        EXPECT_TRUE(alert.contains(fixed.sender() + "," + fixed.identifier() + "," + fixed.sent()))
            << alert;
    }
}

TEST(FeedMarks, AnAlertOfOneAgencyIsLinkedToNone) {
    Reader reader;
    EXPECT_FALSE(reader.page(at(1)).contains("rel=\"related\""));
    EXPECT_FALSE(reader.story.release()
                     .body(reader.story.delivery("feed"))
                     ->bytes()
                     .contains("Joint_Alert"));
}

TEST(FeedMarks, EachAgencysAlertIsSupersededByItsOwnUpdate) {
    Reader reader{two_feeds(), {"calgary", "alberta"}};
    reader.follow_up(at(10), content::v1::MESSAGE_TYPE_UPDATE);
    ASSERT_EQ(reader.story.given.refused(), "");
    const std::string page = reader.page(at(11));
    for (const char* channel : {"feed", "province"})
        EXPECT_EQ(times(page, "rel=\"successor-version\" type=\"application/cap+xml\" href=\"" +
                                  reader.link(channel)),
                  1)
            << page;
}

TEST(FeedMarks, EveryInstanceSaysTheSameAfterARestart) {
    Reader reader;
    reader.follow_up(at(10), content::v1::MESSAGE_TYPE_UPDATE);
    const std::string page = reader.page(at(11));
    // What is rendered anew, by a process that begins now.
    FeedRows none;
    const auto built = build_feed(*reader.view.snapshot("bow"), "bow", {"en-CA"},
                                  "https://feed.example.org", at(11), none);
    EXPECT_EQ(built.pages.at(0).body, page);
}

}  // namespace
}  // namespace tocsin::publishing
