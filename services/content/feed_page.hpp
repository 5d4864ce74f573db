// The Atom index (RFC 4287) of the alerts on the public feed, one per language.
#pragma once

#include "runtime/base/time.hpp"

#include <span>
#include <string>

namespace tocsin::content {

using runtime::Time;

struct FeedInfo {
    std::string id;  // IRI that never changes, such as the feed's first URL.
    std::string title;
    std::string language;  // BCP 47; every entry is in it.
    std::string self;      // URL of this page.
    std::string author;    // Who keeps the feed; each entry names who publishes that.
    Time updated;
    std::string next;  // URL of the page with older entries; empty for none.
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
    Time published;
    Time updated;
};

// The entries come out in the order given.
std::string atom_feed(const FeedInfo& feed, std::span<const FeedEntry> entries);

// The same in two steps: an entry is rendered once, for every page that it comes to be on.
std::string atom_entry(const FeedEntry& entry);
std::string atom_feed_of(const FeedInfo& feed, std::span<const std::string* const> entries);

// RFC 3339 with whole seconds in UTC, as Atom has it.
std::string atom_time(Time time);

}  // namespace tocsin::content
