// Who publishes a content and where, as people approve it.
#pragma once

#include "content/content.hpp"
#include "texts/contains.hpp"

#include <string>
#include <string_view>

namespace tocsin::content {

using v1::Destination;
using v1::Publisher;

// Null: the content names no such agency.
const Publisher* find_publisher(const Content& content, std::string_view agency_id);

// A channel that the content goes to, and the agency that owns it. Null: it does not go there.
struct Target {
    const Publisher* publisher = nullptr;
    const Destination* destination = nullptr;
};
Target find_target(const Content& content, std::string_view channel_id);

// Whether the draft is to go to the channel, if one of its agencies owns it. A draft that names no
// channels goes to all of them.
bool is_wanted(const Draft& draft, const std::string& channel_id);

// Whether a destination or a channel carries texts in `language`; empty: in all languages at once.
// One that lists no languages carries all.
template <typename Place>
bool carries(const Place& place, const std::string& language) {
    return language.empty() || place.languages().empty() ||
           texts::contains(place.languages(), language);
}

}  // namespace tocsin::content
