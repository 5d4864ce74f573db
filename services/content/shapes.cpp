#include "content/shapes.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

namespace tocsin::content {
namespace {

// More corners than this are not searched for crossings: every pair of sides is looked at.
constexpr size_t corners_max = 500;
constexpr double radius_km_max = 500;

Finding error(std::string code, const std::string& field, std::string text) {
    return {Finding::Level::error, std::move(code), field, std::move(text)};
}

// from_chars knows no locale, and takes neither blanks nor a plus sign.
std::optional<double> parse_number(std::string_view text) {
    double number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = problem == std::errc{} && end == text.data() + text.size();
    return whole && std::isfinite(number) ? std::optional{number} : std::nullopt;
}

std::optional<Point> parse_point(std::string_view text) {
    const size_t comma = text.find(',');
    if (comma == text.npos) return std::nullopt;
    const auto latitude = parse_number(text.substr(0, comma));
    const auto longitude = parse_number(text.substr(comma + 1));
    if (!latitude || !longitude) return std::nullopt;
    return Point{*latitude, *longitude};
}

bool in_range(const Point& point) {
    return std::abs(point.latitude) <= 90 && std::abs(point.longitude) <= 180;
}

std::vector<std::string_view> split(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    std::vector<std::string_view> words;
    while (true) {
        const size_t begin = text.find_first_not_of(blanks);
        if (begin == text.npos) return words;
        const size_t end = std::min(text.find_first_of(blanks, begin), text.size());
        words.push_back(text.substr(begin, end - begin));
        text.remove_prefix(end);
    }
}

// Positive where `c` lies to the left of the line from `a` to `b`, 0 on it.
double side(const Point& a, const Point& b, const Point& c) {
    return (b.longitude - a.longitude) * (c.latitude - a.latitude) -
           (b.latitude - a.latitude) * (c.longitude - a.longitude);
}

bool within(const Point& a, const Point& b, const Point& c) {
    return std::min(a.latitude, b.latitude) <= c.latitude &&
           c.latitude <= std::max(a.latitude, b.latitude) &&
           std::min(a.longitude, b.longitude) <= c.longitude &&
           c.longitude <= std::max(a.longitude, b.longitude);
}

// Whether the sides a-b and c-d have a point in common.
bool meet(const Point& a, const Point& b, const Point& c, const Point& d) {
    const double c_side = side(a, b, c);
    const double d_side = side(a, b, d);
    const double a_side = side(c, d, a);
    const double b_side = side(c, d, b);
    if (c_side * d_side < 0 && a_side * b_side < 0) return true;
    return (c_side == 0 && within(a, b, c)) || (d_side == 0 && within(a, b, d)) ||
           (a_side == 0 && within(c, d, a)) || (b_side == 0 && within(c, d, b));
}

// The least upright box around a side.
struct Box {
    Box(const Point& a, const Point& b)
        : south(std::min(a.latitude, b.latitude)),
          north(std::max(a.latitude, b.latitude)),
          west(std::min(a.longitude, b.longitude)),
          east(std::max(a.longitude, b.longitude)) {}
    bool reaches(const Box& other) const {
        return south <= other.north && other.south <= north && west <= other.east &&
               other.west <= east;
    }
    double south, north, west, east;
};

// `ring` is closed and without repeated corners. Neighbouring sides share a corner by nature. Few
// pairs of sides have boxes that reach each other, and a text may have a hundred polygons.
bool crosses_itself(const std::vector<Point>& ring) {
    const size_t sides = ring.size() - 1;
    std::vector<Box> boxes;
    boxes.reserve(sides);
    for (size_t i = 0; i < sides; ++i) boxes.emplace_back(ring[i], ring[i + 1]);
    for (size_t i = 0; i < sides; ++i)
        for (size_t j = i + 2; j < sides; ++j)
            if (boxes[i].reaches(boxes[j]) && !(i == 0 && j == sides - 1) &&
                meet(ring[i], ring[i + 1], ring[j], ring[j + 1]))
                return true;
    return false;
}

bool is_flat(const std::vector<Point>& ring) {
    double twice_area = 0;
    for (size_t i = 1; i + 1 < ring.size(); ++i) twice_area += side(ring[0], ring[i], ring[i + 1]);
    return twice_area == 0;
}

}  // namespace

std::optional<std::vector<Point>> parse_polygon(std::string_view polygon) {
    std::vector<Point> ring;
    for (const std::string_view pair : split(polygon)) {
        const auto point = parse_point(pair);
        if (!point) return std::nullopt;
        ring.push_back(*point);
    }
    return ring;
}

std::optional<Circle> parse_circle(std::string_view circle) {
    const auto words = split(circle);
    if (words.size() != 2) return std::nullopt;
    const auto centre = parse_point(words[0]);
    const auto radius_km = parse_number(words[1]);
    if (!centre || !radius_km) return std::nullopt;
    return Circle{*centre, *radius_km};
}

std::optional<Finding> check_polygon(std::string_view polygon, const std::string& field) {
    auto parsed = parse_polygon(polygon);
    if (!parsed)
        return error("polygon_malformed", field,
                     "Write the polygon as lat,lon pairs in degrees, separated by blanks.");
    std::vector<Point>& ring = *parsed;
    if (!std::ranges::all_of(ring, in_range))
        return error("polygon_range", field,
                     "Latitudes go from -90 to 90 and longitudes from -180 to 180.");
    if (ring.size() < 4)
        return error("polygon_short", field,
                     "A polygon needs at least four pairs, the last like the first.");
    if (ring.front() != ring.back())
        return error("polygon_open", field, "Close the polygon: end it with its first pair.");
    const auto repeated = std::ranges::unique(ring);
    ring.erase(repeated.begin(), repeated.end());
    if (ring.size() > corners_max)
        return Finding{Finding::Level::warning, "polygon_unchecked", field,
                       "The polygon has too many corners to be checked: make it simpler."};
    if (crosses_itself(ring))
        return error("polygon_crossing", field,
                     "The outline crosses or touches itself: draw it again, or as two polygons.");
    // After the crossings: the halves of a figure of eight can cancel each other out.
    if (ring.size() < 4 || is_flat(ring))
        return error("polygon_flat", field, "The polygon encloses nothing: draw it again.");
    return std::nullopt;
}

std::optional<Finding> check_circle(std::string_view circle, const std::string& field) {
    const auto parsed = parse_circle(circle);
    if (!parsed)
        return error("circle_malformed", field,
                     "Write the circle as lat,lon in degrees, a blank and a radius in kilometres.");
    if (!in_range(parsed->centre))
        return error("circle_range", field,
                     "Latitudes go from -90 to 90 and longitudes from -180 to 180.");
    if (parsed->radius_km < 0 || parsed->radius_km > radius_km_max)
        return error("circle_range", field, "The radius must be from 0 to 500 kilometres.");
    return std::nullopt;
}

}  // namespace tocsin::content
