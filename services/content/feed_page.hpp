// The indexes of the alerts on the public feed, one per language and format: Atom (RFC 4287), RSS
// 2.0, and GeoJSON (RFC 7946, in geojson.hpp).
#pragma once

#include "runtime/base/time.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::content {

using runtime::Time;

enum class FeedFormat { atom, rss, geojson };

// `atom`, `rss` or `geojson`, as its address ends.
std::string_view suffix_of(FeedFormat format);

struct FeedInfo {
    std::string id;  // IRI that never changes, such as the feed's first URL.
    std::string title;
    std::string language;  // BCP 47; every entry is in it.
    std::string self;      // URL of this page.
    std::string author;    // Who keeps the feed; each entry names who publishes that.
    Time updated;
    std::string next;  // URL of the page with older entries; empty for none.
};

// A later message took the place of an alert that is still listed.
struct Superseded {
    bool cancelled = false;  // by a Cancel; else by an Update
    std::string href;        // of the later alert; empty where the feed does not have it

    bool operator==(const Superseded&) const = default;
};

struct FeedEntry {
    std::string id;     // IRI made from the CAP identifier: `urn:...` or a URL.
    std::string title;  // In the feed's language, with its marking if it is not real.
    std::string summary;
    std::string author;        // The agency that publishes it, as the public knows it.
    std::string href;          // URL of the CAP file.
    std::string category;      // CAP `category`.
    std::string status;        // CAP `status`.
    std::string message_type;  // CAP `msgType`.
    std::string references;    // CAP `references`; empty for none.
    std::optional<Superseded> superseded{};
    // URLs of the alerts by which the other agencies of a joint message say the same.
    std::vector<std::string> joint{};
    Time published;
    Time updated;
};

// The title with what people must know before they read on.
std::string marked_title(const FeedEntry& entry, std::string_view language);

// What `Superseded` is called for programs: `Cancel` or `Update`, the msgType of the later one.
std::string_view superseding_type(const Superseded& superseded);

// The entries come out in the order given.
std::string atom_feed(const FeedInfo& feed, std::span<const FeedEntry> entries);
std::string rss_feed(const FeedInfo& feed, std::span<const FeedEntry> entries);

// The same in two steps: an entry is rendered once, for every page that it comes to be on.
std::string atom_entry(const FeedEntry& entry, std::string_view language);
std::string atom_feed_of(const FeedInfo& feed, std::span<const std::string* const> entries);
std::string rss_item(const FeedEntry& entry, std::string_view language);
std::string rss_feed_of(const FeedInfo& feed, std::span<const std::string* const> items);

// RFC 3339 with whole seconds in UTC, as Atom has it.
std::string atom_time(Time time);
// RFC 9110's HTTP-date, which is the form of RFC 822 that RSS has as well.
std::string http_date(Time time);

}  // namespace tocsin::content
