// Whether a polygon or a circle is one that a map can draw.
#pragma once

#include "content/finding.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::content {

// `lat,lon lat,lon ...`: at least four pairs, closed, in range, not crossing itself.
std::optional<Finding> check_polygon(std::string_view polygon, const std::string& field);

// `lat,lon radius` with the radius in kilometres, at most 500.
std::optional<Finding> check_circle(std::string_view circle, const std::string& field);

}  // namespace tocsin::content
