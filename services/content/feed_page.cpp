#include "content/feed_page.hpp"

#include "content/cap.hpp"
#include "content/texts.hpp"
#include "content/xml.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

namespace tocsin::content {
namespace {

constexpr const char* atom_namespace = "http://www.w3.org/2005/Atom";
constexpr const char* cap_namespace = "urn:oasis:names:tc:emergency:cap:1.2";
constexpr const char* category_scheme = "urn:oasis:names:tc:emergency:cap:1.2:category";
constexpr const char* status_scheme = "urn:oasis:names:tc:emergency:cap:1.2:status";
constexpr const char* type_scheme = "urn:oasis:names:tc:emergency:cap:1.2:msgType";
// Of the category that only a superseded alert has; its term is the msgType of the later one.
constexpr const char* superseded_scheme = "tocsin:superseded";
constexpr const char* cap_type = "application/cap+xml";

void write_link(XmlWriter& xml, const char* element, const char* relation, const char* type,
                const std::string& href) {
    if (href.empty()) return;
    xml.open(element);
    xml.attribute("rel", relation);
    xml.attribute("type", type);
    xml.attribute("href", href);
    xml.close();
}

// The alert that took its place, and those of the other agencies of a joint message.
void write_relations(XmlWriter& xml, const char* element, const FeedEntry& entry) {
    // RFC 5829.
    if (entry.superseded)
        write_link(xml, element, "successor-version", cap_type, entry.superseded->href);
    for (const std::string& href : entry.joint) write_link(xml, element, "related", cap_type, href);
}

// ---- Atom

void write_author(XmlWriter& xml, const std::string& name) {
    if (name.empty()) return;
    xml.open("author");
    xml.leaf("name", name);
    xml.close();
}

void write_category(XmlWriter& xml, const char* scheme, std::string_view term) {
    if (term.empty()) return;
    xml.open("category");
    xml.attribute("scheme", scheme);
    xml.attribute("term", term);
    xml.close();
}

void write_entry(XmlWriter& xml, const FeedEntry& entry, std::string_view language) {
    xml.open("entry");
    xml.leaf("id", entry.id);
    xml.leaf("title", marked_title(entry, language));
    xml.leaf("updated", atom_time(entry.updated));
    xml.leaf("published", atom_time(entry.published));
    write_author(xml, entry.author);
    xml.leaf_unless_empty("summary", entry.summary);
    write_link(xml, "link", "alternate", cap_type, entry.href);
    write_relations(xml, "link", entry);
    write_category(xml, category_scheme, entry.category);
    write_category(xml, status_scheme, entry.status);
    write_category(xml, type_scheme, entry.message_type);
    if (entry.superseded)
        write_category(xml, superseded_scheme, superseding_type(*entry.superseded));
    // An element of CAP within Atom, as other alerting feeds have it: it is a list, not a term.
    xml.leaf_unless_empty("cap:references", entry.references);
    xml.close();
}

// ---- RSS

void write_domain(XmlWriter& xml, const char* domain, std::string_view term) {
    if (term.empty()) return;
    xml.open("category");
    xml.attribute("domain", domain);
    xml.text(term);
    xml.close();
}

void write_item(XmlWriter& xml, const FeedEntry& entry, std::string_view language) {
    xml.open("item");
    xml.leaf("title", marked_title(entry, language));
    xml.leaf("link", entry.href);
    xml.leaf_unless_empty("description", entry.summary);
    write_domain(xml, category_scheme, entry.category);
    write_domain(xml, status_scheme, entry.status);
    write_domain(xml, type_scheme, entry.message_type);
    if (entry.superseded) write_domain(xml, superseded_scheme, superseding_type(*entry.superseded));
    xml.open("guid");
    xml.attribute("isPermaLink", entry.id == entry.href ? "true" : "false");
    xml.text(entry.id);
    xml.close();
    xml.leaf("pubDate", http_date(entry.published));
    // RSS has an address for an author, and no name.
    xml.leaf_unless_empty("dc:creator", entry.author);
    xml.leaf("atom:updated", atom_time(entry.updated));
    write_relations(xml, "atom:link", entry);
    xml.leaf_unless_empty("cap:references", entry.references);
    xml.close();
}

// Without the declaration, which only a whole document has.
std::string fragment(XmlWriter& xml, std::string_view begin) {
    const std::string document = xml.finish();
    return document.substr(document.find(begin));
}

std::string with_rows(std::string page, std::string_view end,
                      std::span<const std::string* const> rows) {
    std::string all;
    for (const std::string* row : rows) all += *row;
    return page.insert(page.rfind(end), all);
}

}  // namespace

std::string_view suffix_of(FeedFormat format) {
    switch (format) {
        case FeedFormat::atom:
            return "atom";
        case FeedFormat::rss:
            return "rss";
        case FeedFormat::geojson:
            break;
    }
    return "geojson";
}

std::string_view superseding_type(const Superseded& superseded) {
    return superseded.cancelled ? "Cancel" : "Update";
}

std::string marked_title(const FeedEntry& entry, std::string_view language) {
    if (!entry.superseded) return entry.title;
    const bool french = primary_language(language) == "fr";
    const bool cancelled = entry.superseded->cancelled;
    if (french) return fmt::format("{} : {}", cancelled ? "Annulée" : "Remplacée", entry.title);
    return fmt::format("{}: {}", cancelled ? "Cancelled" : "Superseded", entry.title);
}

std::string atom_time(Time time) {
    std::string text = cap_time(runtime::to_proto(time));
    return text.replace(text.size() - 6, 6, "Z");
}

std::string http_date(Time time) {
    using namespace std::chrono;
    static constexpr std::array<std::string_view, 7> days_of_week{"Sun", "Mon", "Tue", "Wed",
                                                                  "Thu", "Fri", "Sat"};
    static constexpr std::array<std::string_view, 12> months{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto second = floor<seconds>(time);
    const auto day = floor<days>(second);
    const year_month_day date{day};
    const hh_mm_ss clock{second - day};
    return fmt::format(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days_of_week.at(weekday{day}.c_encoding()),
        static_cast<unsigned>(date.day()), months.at(static_cast<unsigned>(date.month()) - 1),
        static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
        clock.seconds().count());
}

std::string atom_feed(const FeedInfo& feed, std::span<const FeedEntry> entries) {
    XmlWriter xml;
    xml.open("feed");
    xml.attribute("xmlns", atom_namespace);
    xml.attribute("xmlns:cap", cap_namespace);
    xml.attribute("xml:lang", feed.language);
    xml.leaf("id", feed.id);
    xml.leaf("title", feed.title);
    xml.leaf("updated", atom_time(feed.updated));
    write_author(xml, feed.author);
    write_link(xml, "link", "self", "application/atom+xml", feed.self);
    write_link(xml, "link", "next", "application/atom+xml", feed.next);
    for (const FeedEntry& entry : entries) write_entry(xml, entry, feed.language);
    xml.close();
    return xml.finish();
}

std::string atom_entry(const FeedEntry& entry, std::string_view language) {
    XmlWriter xml;
    write_entry(xml, entry, language);
    return fragment(xml, "<entry");
}

std::string atom_feed_of(const FeedInfo& feed, std::span<const std::string* const> entries) {
    return with_rows(atom_feed(feed, {}), "</feed>", entries);
}

std::string rss_feed(const FeedInfo& feed, std::span<const FeedEntry> entries) {
    XmlWriter xml;
    xml.open("rss");
    xml.attribute("version", "2.0");
    xml.attribute("xmlns:atom", atom_namespace);
    xml.attribute("xmlns:cap", cap_namespace);
    xml.attribute("xmlns:dc", "http://purl.org/dc/elements/1.1/");
    xml.open("channel");
    xml.leaf("title", feed.title);
    xml.leaf("link", feed.id);
    xml.leaf("description", feed.title);
    xml.leaf("language", feed.language);
    xml.leaf("lastBuildDate", http_date(feed.updated));
    xml.leaf_unless_empty("dc:creator", feed.author);
    write_link(xml, "atom:link", "self", "application/rss+xml", feed.self);
    write_link(xml, "atom:link", "next", "application/rss+xml", feed.next);
    for (const FeedEntry& entry : entries) write_item(xml, entry, feed.language);
    xml.close();
    xml.close();
    return xml.finish();
}

std::string rss_item(const FeedEntry& entry, std::string_view language) {
    XmlWriter xml;
    write_item(xml, entry, language);
    return fragment(xml, "<item");
}

std::string rss_feed_of(const FeedInfo& feed, std::span<const std::string* const> items) {
    return with_rows(rss_feed(feed, {}), "</channel>", items);
}

}  // namespace tocsin::content
