#include "content/feed_page.hpp"

#include "support/sample_message.hpp"

#include <gtest/gtest.h>
#include <libxml/parser.h>

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::content {
namespace {

FeedInfo make_feed() {
    return {.id = "https://alerts.example.com/feed/fr-CA",
            .title = "Alertes",
            .language = "fr-CA",
            .self = "https://alerts.example.com/feed/fr-CA",
            .author = "Ville de Calgary",
            .updated = samples::now,
            .next = ""};
}

FeedEntry make_entry() {
    return {.id = "urn:oid:2.49.0.1.124.1234567890.2026",
            .title = "Inondation <à> Calgary & environs",
            .summary = "Quittez les berges.",
            .author = "Ville de Calgary",
            .href = "https://alerts.example.com/cap/1.xml?a=1&b=2",
            .category = "Met",
            .status = "Actual",
            .message_type = "Update",
            .references = "alerts@calgary.example,urn:x:1,2026-06-20T12:05:00-06:00",
            .published = samples::now,
            .updated = samples::now + std::chrono::hours{1}};
}

TEST(FeedPage, AnEntryLinksToItsCapFile) {
    const FeedEntry entries[] = {make_entry()};
    const std::string page = atom_feed(make_feed(), entries);
    for (const char* part :
         {R"(<feed xmlns="http://www.w3.org/2005/Atom")",
          R"(xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2" xml:lang="fr-CA">)",
          R"(<link rel="self" type="application/atom+xml" href="https://alerts.example.com/feed/)",
          "<id>urn:oid:2.49.0.1.124.1234567890.2026</id>",
          "<title>Inondation &lt;à&gt; Calgary &amp; environs</title>",
          "<published>2026-06-20T18:00:00Z</published>", "<updated>2026-06-20T19:00:00Z</updated>",
          R"(type="application/cap+xml" href="https://alerts.example.com/cap/1.xml?a=1&amp;b=2")",
          R"(term="Met")", R"(term="Actual")",
          R"(<category scheme="urn:oasis:names:tc:emergency:cap:1.2:msgType" term="Update"/>)",
          "<cap:references>alerts@calgary.example,urn:x:1,2026-06-20T12:05:00-06:00</"
          "cap:references>",
          "<name>Ville de Calgary</name>"})
        EXPECT_TRUE(page.contains(part)) << part << "\n" << page;
    xmlDoc* document = xmlReadMemory(page.data(), static_cast<int>(page.size()), nullptr, nullptr,
                                     XML_PARSE_NONET);
    EXPECT_NE(document, nullptr);
    xmlFreeDoc(document);
}

TEST(FeedPage, EveryEntryIsListedInTheOrderGiven) {
    std::vector<FeedEntry> entries(20, make_entry());
    for (size_t i = 0; i < entries.size(); ++i) entries[i].id = "urn:x:" + std::to_string(100 + i);
    const std::string page = atom_feed(make_feed(), entries);
    size_t at = 0;
    for (const FeedEntry& entry : entries) {
        at = page.find("<id>" + entry.id + "</id>", at);
        ASSERT_NE(at, std::string::npos) << entry.id;
    }
}

// RFC 4287 sections 4.1.1, 4.1.2 and 4.2: what there is once, and what every reader goes by.
TEST(FeedPage, EveryEntryHasWhatAtomAsksFor) {
    std::vector<FeedEntry> entries(2, make_entry());
    entries[1].author = "Gouvernement de l'Alberta";
    entries[1].references.clear();
    const std::string page = atom_feed(make_feed(), entries);
    const auto entry = [&](size_t number) {
        size_t at = 0;
        for (size_t i = 0; i <= number; ++i) at = page.find("<entry>", at + 1);
        return page.substr(at, page.find("</entry>", at) - at);
    };
    EXPECT_TRUE(entry(0).contains("<name>Ville de Calgary</name>"));
    EXPECT_TRUE(entry(1).contains("<name>Gouvernement de l'Alberta</name>"));
    EXPECT_FALSE(entry(1).contains("references"));
    for (const char* once : {"<id>", "<title>", "<updated>", "<published>", "<author>",
                             "rel=\"alternate\"", ":msgType\""})
        for (const size_t number : {0U, 1U}) {
            const std::string all = entry(number);
            EXPECT_NE(all.find(once), all.npos) << once;
            EXPECT_EQ(all.find(once), all.rfind(once)) << once;
        }
}

TEST(FeedPage, AnEmptyFeedIsStillAFeed) {
    EXPECT_TRUE(atom_feed(make_feed(), {}).contains("<updated>2026-06-20T18:00:00Z</updated>"));
}

TEST(FeedPage, OfRenderedEntriesSaysTheSame) {
    FeedInfo feed;
    feed.id = feed.self = "https://feed.example.org/en-CA.atom";
    feed.title = "Alerts";
    feed.language = "en-CA";
    feed.author = "The city";
    FeedEntry entry;
    entry.id = entry.href = "https://feed.example.org/1.xml";
    entry.title = "Flood & more";
    const std::string rendered = atom_entry(entry, feed.language);
    const std::string* const rows[] = {&rendered, &rendered};
    const FeedEntry entries[] = {entry, entry};
    const auto words = [](std::string page) {
        std::erase_if(page, [](char letter) { return letter == ' ' || letter == '\n'; });
        return page;
    };
    EXPECT_EQ(words(atom_feed_of(feed, rows)), words(atom_feed(feed, entries)));
    const std::string item = rss_item(entry, feed.language);
    const std::string* const items[] = {&item, &item};
    EXPECT_EQ(words(rss_feed_of(feed, items)), words(rss_feed(feed, entries)));
}

// How often `part` stands in `text`.
std::size_t count_of(const std::string& text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

TEST(FeedPage, ASupersededAlertIsMarkedForPeopleAndForPrograms) {
    FeedEntry entry = make_entry();
    entry.superseded = Superseded{.cancelled = false, .href = "https://alerts.example.com/2.xml"};
    const FeedEntry entries[] = {entry};
    for (const std::string& page :
         {atom_feed(make_feed(), entries), rss_feed(make_feed(), entries)}) {
        EXPECT_TRUE(page.contains("<title>Remplacée : Inondation")) << page;
        EXPECT_EQ(count_of(page, "tocsin:superseded"), 1U) << page;
        EXPECT_TRUE(page.contains(R"(rel="successor-version" type="application/cap+xml" )"
                                  R"(href="https://alerts.example.com/2.xml")"))
            << page;
    }
    EXPECT_TRUE(atom_feed(make_feed(), entries)
                    .contains(R"(<category scheme="tocsin:superseded" term="Update"/>)"));
    EXPECT_TRUE(rss_feed(make_feed(), entries)
                    .contains(R"(<category domain="tocsin:superseded">Update</category>)"));
    entry.superseded = Superseded{.cancelled = true, .href = {}};
    const std::string cancelled = atom_entry(entry, "en-CA");
    EXPECT_TRUE(cancelled.contains("<title>Cancelled: ")) << cancelled;
    EXPECT_TRUE(cancelled.contains(R"(term="Cancel")")) << cancelled;
    EXPECT_FALSE(cancelled.contains("successor-version")) << "the feed does not have it";
    EXPECT_EQ(marked_title(entry, "fr"), "Annulée : " + entry.title);
    entry.superseded.reset();
    EXPECT_FALSE(atom_entry(entry, "en-CA").contains("superseded"));
    EXPECT_EQ(marked_title(entry, "fr"), entry.title);
}

TEST(FeedPage, TheAlertsOfAJointMessageAreLinked) {
    FeedEntry entry = make_entry();
    entry.joint = {"https://alerts.example.com/a.xml", "https://alerts.example.com/b.xml"};
    for (const std::string& row : {atom_entry(entry, "fr-CA"), rss_item(entry, "fr-CA")}) {
        EXPECT_EQ(count_of(row, R"(rel="related")"), 2U) << row;
        EXPECT_TRUE(row.contains(R"(href="https://alerts.example.com/b.xml")")) << row;
    }
}

TEST(FeedPage, AnRssItemHasWhatReadersOfRssGoBy) {
    FeedEntry entry = make_entry();
    const FeedEntry entries[] = {entry};
    FeedInfo feed = make_feed();
    feed.next = "https://alerts.example.com/feed/fr-CA?page=2";
    const std::string page = rss_feed(feed, entries);
    for (const char* part :
         {R"(<rss version="2.0")", "<language>fr-CA</language>",
          "<lastBuildDate>Sat, 20 Jun 2026 18:00:00 GMT</lastBuildDate>",
          R"(<atom:link rel="self" type="application/rss+xml")", R"(<atom:link rel="next")",
          "<pubDate>Sat, 20 Jun 2026 18:00:00 GMT</pubDate>",
          R"(<guid isPermaLink="false">urn:oid:2.49.0.1.124.1234567890.2026</guid>)",
          "<link>https://alerts.example.com/cap/1.xml?a=1&amp;b=2</link>",
          "<dc:creator>Ville de Calgary</dc:creator>",
          R"(<category domain="urn:oasis:names:tc:emergency:cap:1.2:msgType">Update</category>)",
          "<atom:updated>2026-06-20T19:00:00Z</atom:updated>"})
        EXPECT_TRUE(page.contains(part)) << part << "\n" << page;
    entry.id = entry.href;
    EXPECT_TRUE(rss_item(entry, "fr-CA").contains(R"(isPermaLink="true")"));
}

TEST(FeedPage, AnHttpDateIsWrittenAsRfc9110HasIt) {
    const auto at = [](int64_t seconds) { return Time{std::chrono::seconds{seconds}}; };
    EXPECT_EQ(http_date(at(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(http_date(at(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(http_date(at(1709251199) + std::chrono::milliseconds{999}),
              "Thu, 29 Feb 2024 23:59:59 GMT");
}

}  // namespace
}  // namespace tocsin::content
