#include "content/feed_page.hpp"

#include "support/sample_message.hpp"

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
