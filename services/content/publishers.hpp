// Who publishes a content and where, as people approve it.
#pragma once

#include "content/content.hpp"

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

}  // namespace tocsin::content
