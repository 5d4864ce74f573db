// The polygons and circles of CAP: what they say, and whether a map can draw them.
#pragma once

#include "content/finding.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::content {

// In degrees, WGS 84.
struct Point {
    double latitude = 0;
    double longitude = 0;

    bool operator==(const Point&) const = default;
};

struct Circle {
    Point centre;
    double radius_km = 0;
};

// The corners of `lat,lon lat,lon ...`, and the circle of `lat,lon radius`; nothing: it says none.
std::optional<std::vector<Point>> parse_polygon(std::string_view polygon);
std::optional<Circle> parse_circle(std::string_view circle);

// `lat,lon lat,lon ...`: at least four pairs, closed, in range, not crossing itself.
std::optional<Finding> check_polygon(std::string_view polygon, const std::string& field);

// `lat,lon radius` with the radius in kilometres, at most 500.
std::optional<Finding> check_circle(std::string_view circle, const std::string& field);

}  // namespace tocsin::content
