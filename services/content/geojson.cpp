#include "content/geojson.hpp"

#include "content/cap.hpp"
#include "content/graphemes.hpp"
#include "content/texts.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tocsin::content {
namespace {

using Json = nlohmann::ordered_json;

// To 11 cm: digits cost bytes.
double rounded(double degrees) { return std::round(degrees * 1e6) / 1e6; }

double twice_area(const std::vector<Point>& ring) {
    double sum = 0;
    for (std::size_t i = 0; i + 1 < ring.size(); ++i)
        sum += ring[i].longitude * ring[i + 1].latitude - ring[i + 1].longitude * ring[i].latitude;
    return sum;
}

// Longitude first, and the outer ring counterclockwise (RFC 7946 section 3.1.6).
Json polygon_of(std::vector<Point> ring) {
    if (twice_area(ring) < 0) std::ranges::reverse(ring);
    Json corners = Json::array();
    for (const Point& point : ring)
        corners.push_back({rounded(point.longitude), rounded(point.latitude)});
    return Json::array({std::move(corners)});
}

// What a map cannot draw was refused before anybody approved it, and is left out here.
Json geometry_of(const Content& content) {
    Json polygons = Json::array();
    for (const Area& area : content.draft().areas()) {
        for (const std::string& polygon : area.polygons())
            if (const auto ring = parse_polygon(polygon); ring && ring->size() >= 4)
                polygons.push_back(polygon_of(*ring));
        for (const std::string& text : area.circles())
            if (const auto circle = parse_circle(text))
                polygons.push_back(polygon_of(corners_of(*circle)));
    }
    if (polygons.empty()) return nullptr;
    return {{"type", "MultiPolygon"}, {"coordinates", std::move(polygons)}};
}

Json areas_of(const Content& content, std::string_view language) {
    Json areas = Json::array();
    for (const Area& area : content.draft().areas()) {
        Json codes = Json::array();
        for (const v1::Geocode& code : area.geocodes())
            codes.push_back({{"valueName", code.value_name()}, {"value", code.value()}});
        Json circles = Json::array();
        for (const std::string& text : area.circles())
            if (const auto circle = parse_circle(text))
                circles.push_back({{"centre", {circle->centre.longitude, circle->centre.latitude}},
                                   {"radiusKm", circle->radius_km}});
        areas.push_back({{"areaDesc", printable(area_description(area, language))},
                         {"geocodes", std::move(codes)},
                         {"circles", std::move(circles)}});
    }
    return areas;
}

Json superseded_of(const FeedEntry& entry) {
    if (!entry.superseded) return nullptr;
    const std::string& href = entry.superseded->href;
    return {{"by", superseding_type(*entry.superseded)},
            {"href", href.empty() ? Json() : Json(href)}};
}

// The words of CAP, as a reader of CAP knows them; first those that a map shows.
Json properties_of(const FeedEntry& entry, const Content& content, const Fixed& fixed,
                   std::string_view language) {
    const Draft& draft = content.draft();
    const int index = std::max(find_text(said(content, fixed), language), 0);
    const Text text = index < said(content, fixed).size() ? said(content, fixed)[index] : Text{};
    return {{"title", printable(marked_title(entry, language))},
            {"superseded", superseded_of(entry)},
            {"identifier", fixed.identifier()},
            {"sender", fixed.sender()},
            {"senderName", printable(entry.author)},
            {"sent", fixed.sent()},
            {"status", entry.status},
            {"msgType", entry.message_type},
            {"references", entry.references},
            {"incident", content.incident_id()},
            {"joint", entry.joint},
            {"language", text.language()},
            {"category", entry.category},
            {"event", printable(text.event())},
            {"urgency", cap_word(draft.urgency())},
            {"severity", cap_word(draft.severity())},
            {"certainty", cap_word(draft.certainty())},
            {"onset", draft.has_onset() ? Json(cap_time(draft.onset())) : Json()},
            {"expires", expiry(content, fixed)},
            {"headline", printable(marked(content, text.headline()))},
            {"description", printable(marked(content, text.description()))},
            {"instruction", printable(text.instruction())},
            {"published", atom_time(entry.published)},
            {"updated", atom_time(entry.updated)},
            {"href", entry.href},
            {"areas", areas_of(content, language)}};
}

std::string written(const Json& json) {
    // What is no UTF-8 was refused before; a page must not break by it all the same.
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::vector<Point> corners_of(const Circle& circle) {
    constexpr int sides = 48;
    constexpr double earth_radius_km = 6371.0088;
    constexpr double radians = std::numbers::pi / 180;
    const double radius = std::max(circle.radius_km, 0.001) / earth_radius_km;
    // The middle of each side lies on the circle: nobody in it is left out.
    const double angle = std::atan(std::tan(radius) / std::cos(std::numbers::pi / sides));
    const double latitude = circle.centre.latitude * radians;
    std::vector<Point> ring;
    for (int i = 0; i < sides; ++i) {
        const double bearing = -2 * std::numbers::pi * i / sides;
        const double sine = std::sin(latitude) * std::cos(angle) +
                            std::cos(latitude) * std::sin(angle) * std::cos(bearing);
        const double east = std::atan2(std::sin(bearing) * std::sin(angle) * std::cos(latitude),
                                       std::cos(angle) - std::sin(latitude) * sine);
        ring.push_back({std::asin(std::clamp(sine, -1.0, 1.0)) / radians,
                        circle.centre.longitude + east / radians});
    }
    ring.push_back(ring.front());
    return ring;
}

std::string geojson_feature(const FeedEntry& entry, const Content& content, const Fixed& fixed,
                            std::string_view language) {
    return written(Json{{"type", "Feature"},
                        {"id", entry.id},
                        {"geometry", geometry_of(content)},
                        {"properties", properties_of(entry, content, fixed, language)}});
}

std::string geojson_feed_of(const FeedInfo& feed, std::span<const std::string* const> features) {
    // RFC 7946 section 6.1 allows members of one's own.
    Json head{{"type", "FeatureCollection"},
              {"id", feed.id},
              {"title", feed.title},
              {"language", feed.language},
              {"author", feed.author},
              {"updated", atom_time(feed.updated)},
              {"self", feed.self}};
    if (!feed.next.empty()) head["next"] = feed.next;
    std::string page = written(head);
    page.pop_back();
    page += R"(,"features":[)";
    for (std::size_t i = 0; i < features.size(); ++i)
        page.append(i > 0 ? "," : "").append(*features[i]);
    return page + "]}";
}

}  // namespace tocsin::content
