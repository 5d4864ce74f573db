// The index of the public feed as GeoJSON (RFC 7946): one feature for each alert.
#pragma once

#include "content/content.hpp"
#include "content/feed_page.hpp"
#include "content/shapes.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::content {

// GeoJSON has no circles: the polygon with 48 sides around it, counterclockwise and closed, whose
// corners are 0.2 % farther away. A radius below a metre counts as one, so that there is something
// to see. Longitudes go beyond 180 degrees rather than jump.
std::vector<Point> corners_of(const Circle& circle);

// The alert that `fixed` makes of the content. Its geometry has every polygon and circle of every
// area, and is null where the areas have codes only; areas, codes and circles stand in its
// properties as well. `entry` says what the index says of it.
std::string geojson_feature(const FeedEntry& entry, const Content& content, const Fixed& fixed,
                            std::string_view language);
std::string geojson_feed_of(const FeedInfo& feed, std::span<const std::string* const> features);

}  // namespace tocsin::content
