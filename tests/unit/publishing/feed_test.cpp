#include "publishing/feed.hpp"

#include "content/feed_page.hpp"
#include "samples.hpp"
#include "support/allocations.hpp"

#include <fmt/format.h>

namespace tocsin::publishing {
namespace {

using namespace std::chrono_literals;
using samples::at;
using samples::Story;

// A realm in which messages come to be public on the feed, one after the other.
struct Publisher {
    PublishingView view{1};
    FeedPages pages{view};

    void tell(const std::vector<v1::Event>& events, Time when, bool live = true) {
        ledger::v1::Decision decision;
        decision.set_realm("bow");
        for (const v1::Event& event : events)
            decision.mutable_accepted()->add_events(event.SerializeAsString());
        view.apply({"publishing", 0, 0, when, decision, live});
    }
    // Its T0 is `second` and 100 ms; its claim counts then, or `claimed_late` seconds later.
    Story publish(int number, int second, bool live = true, int claimed_late = 0,
                  const std::string& third = {}) {
        auto content = samples::make_content();
        if (!third.empty())
            *content.mutable_draft()->add_texts() = content::samples::make_text(
                third, "flood", "Third", "The river rises.", "Leave the banks now.");
        content.set_message_id(fmt::format("msg-{}", number));
        for (auto& text : *content.mutable_draft()->mutable_texts())
            text.set_headline(fmt::format("Alert {} in {}", number, text.language()));
        *content.mutable_draft()->mutable_expires() = runtime::to_proto(at(second + 3600));
        Story story{samples::feed_only(), content};
        tell(samples::feed_only(), at(second), live);
        const auto keep = [&] { tell(story.given.events(), at(second), live); };
        story.clear(at(second));
        keep();
        story.prepared("feed", true, {}, 0, at(second));
        keep();
        story.claim("x1", at(second + claimed_late));
        tell(story.given.events(), at(second + claimed_late), live);
        return story;
    }
    std::shared_ptr<const FeedPage> page(Time now, const std::string& language = "en-CA",
                                         int number = 1) {
        return page(now, FeedChoice{language}, number);
    }
    std::shared_ptr<const FeedPage> page(Time now, const FeedChoice& choice, int number = 1) {
        return pages.page("bow", choice, number, "https://feed.example.org", now);
    }
};

TEST(FeedPages, AreBuiltOncePerChangeAndServedAsTheyAre) {
    Publisher there;
    there.publish(1, 0);
    const auto first = there.page(at(1));
    EXPECT_TRUE(first->body.contains("Alert 1 in en-CA"));
    EXPECT_EQ(first->etag, content::digest(first->body));
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(there.page(at(1)).get(), first.get());
    // A decision that changes nothing on the feed builds nothing.
    there.tell({samples::channel("hook", "webhook")}, at(2));
    EXPECT_EQ(there.page(at(2)).get(), first.get());
    there.publish(2, 10);
    const auto second = there.page(at(11));
    EXPECT_NE(second->etag, first->etag);
    EXPECT_LT(second->body.find("Alert 2"), second->body.find("Alert 1"));
    EXPECT_EQ(there.page(at(11)).get(), second.get());
    EXPECT_TRUE(first->body.contains("Alert 1 in en-CA")) << "what is being sent was changed";
}

TEST(FeedPages, ATimeThatPassesNeedsNoDecision) {
    Publisher there;
    there.publish(1, 0);
    there.publish(2, 100);
    EXPECT_FALSE(there.page(at(100) + 99ms)->body.contains("Alert 2")) << "before its T0";
    EXPECT_TRUE(there.page(at(100) + 100ms)->body.contains("Alert 2"));
    EXPECT_TRUE(there.page(at(3600) - 1ms)->body.contains("Alert 1"));
    EXPECT_FALSE(there.page(at(3600))->body.contains("Alert 1")) << "it has expired";
    EXPECT_TRUE(there.page(at(3600))->body.contains("Alert 2"));
    EXPECT_FALSE(there.page(at(3700))->body.contains("<entry>"));
    // A clock that was put back.
    EXPECT_TRUE(there.page(at(3600) - 1ms)->body.contains("Alert 1"));
    // What was decided has been, whatever the clock says now.
    EXPECT_TRUE(there.page(at(0))->body.contains("Alert 1"));
}

// Of the feed; its entries have their own.
std::string updated(const FeedPage& page) {
    const std::string_view tag = "<updated>";
    const auto begin = page.body.find(tag) + tag.size();
    return page.body.substr(begin, page.body.find('<', begin) - begin);
}

TEST(FeedPages, AnEmptyFeedIsAsOldAsTheFeedItself) {
    Publisher there;
    there.tell(samples::feed_only(), at(5));
    const std::string begun = content::atom_time(at(5));
    EXPECT_EQ(updated(*there.page(at(6))), begun);
    EXPECT_EQ(updated(*there.page(at(600'000), "fr-CA")), begun);
    // Put anew it is the same feed.
    there.tell(samples::feed_only(), at(7));
    EXPECT_EQ(updated(*there.page(at(8))), begun);
    EXPECT_TRUE(there.page(at(8))->body.contains("<name>bow</name>"));
}

TEST(FeedPages, AreUpdatedWhenAnAlertBecomesPublicAndWhenItExpires) {
    Publisher there;
    there.publish(1, 0);
    there.publish(2, 100);
    std::vector<std::string> told;
    for (const Time now :
         {at(1), at(99), at(101), at(3599), at(3600), at(3699), at(3700), at(9999)})
        told.push_back(updated(*there.page(now)));
    const auto time = [](int second) { return content::atom_time(at(second)); };
    EXPECT_EQ(told, (std::vector{time(0), time(0), time(100), time(100), time(3600), time(3600),
                                 time(3700), time(3700)}));
    // A decision takes what expired off the list; the feed is no older for it.
    there.tell({samples::channel("hook", "webhook")}, at(9999));
    EXPECT_EQ(updated(*there.page(at(10'000))), time(3700));
    // The instance that starts now says the same, by what it reads.
    Publisher other;
    other.publish(1, 0);
    other.publish(2, 100);
    other.tell({samples::channel("hook", "webhook")}, at(9999));
    EXPECT_EQ(updated(*other.page(at(5))), time(3700)) << "its clock is behind";
}

TEST(FeedPages, AClockThatIsPutBackDoesNotTakeAnUpdateBack) {
    Publisher there;
    there.publish(1, 0);
    const std::string expired = updated(*there.page(at(3600)));
    const auto again = there.page(at(3600) - 1ms);
    EXPECT_TRUE(again->body.contains("Alert 1"));
    EXPECT_EQ(updated(*again), expired);
}

TEST(FeedPages, EveryPageIsUpdatedWithItsFeed) {
    Publisher there;
    for (int i = 0; i < 150; ++i) there.publish(i, i);
    EXPECT_EQ(updated(*there.page(at(200))), updated(*there.page(at(200), "en-CA", 2)));
}

TEST(FeedPages, AnEntryNamesItsAgencyAndWhatItDoes) {
    Publisher there;
    there.publish(1, 0);
    const std::string& body = there.page(at(1))->body;
    const std::string entry = body.substr(body.find("<entry>"));
    EXPECT_TRUE(entry.contains("<name>The calgary</name>")) << entry;
    EXPECT_TRUE(entry.contains(":msgType\" term=\"Alert\"")) << entry;
}

TEST(FeedPages, EndByRowsAndAreLinked) {
    Publisher there;
    for (int i = 0; i < 250; ++i) there.publish(i, i);
    const auto first = there.page(at(300));
    EXPECT_TRUE(first->body.contains("Alert 249"));
    EXPECT_TRUE(first->body.contains("en-CA.atom?page=2"));
    const auto third = there.page(at(300), "en-CA", 3);
    EXPECT_TRUE(third->body.contains("Alert 0 in"));
    EXPECT_FALSE(third->body.contains("page=4"));
    EXPECT_EQ(there.page(at(300), "en-CA", 4), nullptr);
    EXPECT_FALSE(first.owner_before(third) || third.owner_before(first))
        << "all pages of a language are one index";
}

TEST(FeedPages, ManyNamesOfLanguagesAndRealmsKeepNothing) {
    Publisher there;
    there.publish(1, 0);
    const auto ask = [&](char letter) {
        EXPECT_EQ(there.page(at(1), fmt::format("x{}-YY", letter)), nullptr);
        EXPECT_EQ(
            there.pages.page(fmt::format("realm-{}", letter), {"en-CA"}, 1, "https://f", at(1)),
            nullptr);
    };
    ask('a');  // The first call sets up what all of them share.
    const auto before = testing::allocations().held;
    for (char letter = 'b'; letter <= 'z'; ++letter) ask(letter);
    EXPECT_EQ(testing::allocations().held, before);
    const auto french = there.page(at(1), "fr");
    EXPECT_TRUE(french->body.contains("Alert 1 in fr-CA"));
    EXPECT_EQ(there.page(at(1), "fr-CA").get(), french.get());
}

// Whoever was asked before, and however long ago an alert spoke it.
TEST(FeedPages, ALanguageIsKnownByWhatWasDecided) {
    Publisher there;
    there.publish(1, 0, true, 0, "cr-CA");
    there.publish(2, 10'000);
    // It is not listed any more, and this instance never built a page of it.
    const auto page = there.page(at(10'001), "cr-CA");
    ASSERT_NE(page, nullptr);
    EXPECT_FALSE(page->body.contains("Alert 1"));
    EXPECT_EQ(there.page(at(10'001), "cr")->etag, page->etag);
    EXPECT_EQ(there.page(at(10'001), "de-CA"), nullptr);
    Publisher restarted;
    restarted.publish(1, 0, false, 0, "cr-CA");
    restarted.publish(2, 10'000, false);
    restarted.view.folded(0);
    EXPECT_EQ(restarted.page(at(10'001), "cr-CA")->etag, page->etag);
}

TEST(FeedPages, ARealmKnowsOnlySoManyLanguages) {
    Publisher there;
    for (int i = 0; i < static_cast<int>(feed_languages_max) + 20; ++i)
        there.publish(i, i, true, 0, fmt::format("en-x-{}", i));
    EXPECT_EQ(there.view.snapshot("bow")->languages().size(), feed_languages_max);
}

// Another alert expired between its T0 and its claim.
TEST(FeedPages, AnAlertThatIsClaimedLateIsUpdatedByItsClaim) {
    Publisher there;
    there.publish(1, 0);
    there.publish(2, 3540, true, 5);
    EXPECT_EQ(updated(*there.page(at(3546))), content::atom_time(at(3545)));
    const std::string& body = there.page(at(3546))->body;
    const std::string entry = body.substr(body.find("<entry>"));
    EXPECT_TRUE(entry.contains("<updated>" + content::atom_time(at(3545)))) << entry;
    EXPECT_TRUE(entry.contains("<published>" + content::atom_time(at(3540) + 100ms))) << entry;
}

TEST(FeedPages, HistoryIsShownOnceItIsRead) {
    Publisher there;
    there.publish(1, 0, false);
    EXPECT_EQ(there.page(at(1)), nullptr);
    there.view.folded(0);
    EXPECT_TRUE(there.page(at(1))->body.contains("Alert 1"));
    // Read again after a lost tail, without what was lost.
    there.view.reset(0);
    there.publish(2, 0, false);
    there.view.folded(0);
    EXPECT_FALSE(there.page(at(1))->body.contains("Alert 1"));
    EXPECT_TRUE(there.page(at(1))->body.contains("Alert 2"));
}

TEST(Alerts, AreReadUntilAWeekAfterTheyExpired) {
    Publisher there;
    const Story story = there.publish(1, 0);
    const std::string identifier = story.delivery("feed").fixed().identifier();
    const auto alert = [&](Time now) { return there.view.snapshot("bow")->alert(identifier, now); };
    EXPECT_EQ(alert(at(0) + 99ms), nullptr);
    ASSERT_NE(alert(at(1)), nullptr);
    EXPECT_EQ(alert(at(1))->body->digest(), content::digest(alert(at(1))->body->bytes()));
    there.publish(2, 3600 + 7 * 24 * 3600);
    // Still on its way, since nobody told what became of it.
    EXPECT_NE(alert(at(1)), nullptr);
    Publisher other;
    Story settled = other.publish(1, 0);
    settled.outcome("feed", v1::OUTCOME_CONFIRMED);
    other.tell(settled.given.events(), at(2));
    other.publish(2, 3600 + 7 * 24 * 3600 - 1);
    EXPECT_NE(other.view.snapshot("bow")->alert(identifier, at(1)), nullptr);
    const auto before = other.view.snapshot("bow");
    other.publish(3, 3600 + 7 * 24 * 3600);
    EXPECT_EQ(other.view.snapshot("bow")->alert(identifier, at(1)), nullptr);
    EXPECT_NE(before->alert(identifier, at(1)), nullptr) << "a snapshot stays as it is";
}

}  // namespace
}  // namespace tocsin::publishing
