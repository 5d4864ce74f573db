#include "content/feed_page.hpp"

#include "unit/content/samples.hpp"

#include <gtest/gtest.h>
#include <libxml/parser.h>

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
            .href = "https://alerts.example.com/cap/1.xml?a=1&b=2",
            .category = "Met",
            .status = "Actual",
            .published = samples::now,
            .updated = samples::now + std::chrono::hours{1}};
}

TEST(FeedPage, AnEntryLinksToItsCapFile) {
    const FeedEntry entries[] = {make_entry()};
    const std::string page = atom_feed(make_feed(), entries);
    for (const char* part :
         {R"(<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="fr-CA">)",
          R"(<link rel="self" type="application/atom+xml" href="https://alerts.example.com/feed/)",
          "<id>urn:oid:2.49.0.1.124.1234567890.2026</id>",
          "<title>Inondation &lt;à&gt; Calgary &amp; environs</title>",
          "<published>2026-06-20T18:00:00Z</published>", "<updated>2026-06-20T19:00:00Z</updated>",
          R"(type="application/cap+xml" href="https://alerts.example.com/cap/1.xml?a=1&amp;b=2")",
          R"(term="Met")", R"(term="Actual")", "<name>Ville de Calgary</name>"})
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
    const std::string rendered = atom_entry(entry);
    const std::string* const rows[] = {&rendered, &rendered};
    const FeedEntry entries[] = {entry, entry};
    const auto words = [](std::string page) {
        std::erase_if(page, [](char letter) { return letter == ' ' || letter == '\n'; });
        return page;
    };
    EXPECT_EQ(words(atom_feed_of(feed, rows)), words(atom_feed(feed, entries)));
}

}  // namespace
}  // namespace tocsin::content
