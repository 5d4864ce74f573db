#include "content/feed_page.hpp"

#include "content/cap.hpp"
#include "content/xml.hpp"

namespace tocsin::content {
namespace {

void write_link(XmlWriter& xml, const char* relation, const char* type, const std::string& href) {
    xml.open("link");
    xml.attribute("rel", relation);
    xml.attribute("type", type);
    xml.attribute("href", href);
    xml.close();
}

void write_author(XmlWriter& xml, const std::string& name) {
    if (name.empty()) return;
    xml.open("author");
    xml.leaf("name", name);
    xml.close();
}

void write_category(XmlWriter& xml, const char* scheme, const std::string& term) {
    if (term.empty()) return;
    xml.open("category");
    xml.attribute("scheme", scheme);
    xml.attribute("term", term);
    xml.close();
}

void write_entry(XmlWriter& xml, const FeedEntry& entry) {
    xml.open("entry");
    xml.leaf("id", entry.id);
    xml.leaf("title", entry.title);
    xml.leaf("updated", atom_time(entry.updated));
    xml.leaf("published", atom_time(entry.published));
    write_author(xml, entry.author);
    xml.leaf_unless_empty("summary", entry.summary);
    write_link(xml, "alternate", "application/cap+xml", entry.href);
    write_category(xml, "urn:oasis:names:tc:emergency:cap:1.2:category", entry.category);
    write_category(xml, "urn:oasis:names:tc:emergency:cap:1.2:status", entry.status);
    write_category(xml, "urn:oasis:names:tc:emergency:cap:1.2:msgType", entry.message_type);
    // An element of CAP within Atom, as other alerting feeds have it: it is a list, not a term.
    xml.leaf_unless_empty("cap:references", entry.references);
    xml.close();
}

}  // namespace

std::string atom_time(Time time) {
    std::string text = cap_time(runtime::to_proto(time));
    return text.replace(text.size() - 6, 6, "Z");
}

std::string atom_feed(const FeedInfo& feed, std::span<const FeedEntry> entries) {
    XmlWriter xml;
    xml.open("feed");
    xml.attribute("xmlns", "http://www.w3.org/2005/Atom");
    xml.attribute("xmlns:cap", "urn:oasis:names:tc:emergency:cap:1.2");
    xml.attribute("xml:lang", feed.language);
    xml.leaf("id", feed.id);
    xml.leaf("title", feed.title);
    xml.leaf("updated", atom_time(feed.updated));
    write_author(xml, feed.author);
    write_link(xml, "self", "application/atom+xml", feed.self);
    if (!feed.next.empty()) write_link(xml, "next", "application/atom+xml", feed.next);
    for (const FeedEntry& entry : entries) write_entry(xml, entry);
    xml.close();
    return xml.finish();
}

std::string atom_entry(const FeedEntry& entry) {
    XmlWriter xml;
    write_entry(xml, entry);
    const std::string document = xml.finish();
    // Without the declaration, which only a whole document has.
    return document.substr(document.find("<entry"));
}

std::string atom_feed_of(const FeedInfo& feed, std::span<const std::string* const> entries) {
    std::string page = atom_feed(feed, {});
    std::string all;
    for (const std::string* entry : entries) all += *entry;
    return page.insert(page.rfind("</feed>"), all);
}

}  // namespace tocsin::content
