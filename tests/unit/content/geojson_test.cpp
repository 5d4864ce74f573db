#include "content/geojson.hpp"

#include "support/sample_message.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <numbers>

namespace tocsin::content {
namespace {

using Json = nlohmann::json;

FeedEntry entry_of_sample() {
    FeedEntry entry;
    entry.id = entry.href = samples::make_fixed().permalink();
    entry.title = "Flooding";
    entry.author = "City of Calgary";
    entry.category = "Met";
    entry.status = "Actual";
    entry.message_type = "Alert";
    entry.published = entry.updated = samples::now;
    return entry;
}

Json feature(const Content& content, const FeedEntry& entry = entry_of_sample()) {
    return Json::parse(geojson_feature(entry, content, samples::make_fixed(), "en-CA"));
}

// Twice the area that a ring encloses; positive counterclockwise.
double twice_area(const Json& ring) {
    double sum = 0;
    for (std::size_t i = 0; i + 1 < ring.size(); ++i)
        sum += ring[i][0].get<double>() * ring[i + 1][1].get<double>() -
               ring[i + 1][0].get<double>() * ring[i][1].get<double>();
    return sum;
}

// By the haversine formula.
double distance_km(const Point& a, const Point& b) {
    const auto radians = [](double degrees) { return degrees * std::numbers::pi / 180; };
    const double north = std::sin(radians(b.latitude - a.latitude) / 2);
    const double east = std::sin(radians(b.longitude - a.longitude) / 2);
    return 2 * 6371.0088 *
           std::asin(std::sqrt(north * north + std::cos(radians(a.latitude)) *
                                                   std::cos(radians(b.latitude)) * east * east));
}

TEST(GeoJson, AFeatureHasTheShapesOfItsAreas) {
    Content content = samples::make_content();
    Area& area = *content.mutable_draft()->mutable_areas(0);
    // Clockwise and counterclockwise.
    area.clear_polygons();
    area.add_polygons("51.0,-114.0 51.1,-114.0 51.1,-113.9 51.0,-113.9 51.0,-114.0");
    area.add_polygons("52.0,-114.0 52.0,-113.9 52.1,-113.9 52.1,-114.0 52.0,-114.0");
    area.add_circles("51.05,-114.07 2.5");
    const Json made = feature(content);
    EXPECT_EQ(made["type"], "Feature");
    EXPECT_EQ(made["id"], samples::make_fixed().permalink());
    ASSERT_EQ(made["geometry"]["type"], "MultiPolygon");
    const Json& polygons = made["geometry"]["coordinates"];
    ASSERT_EQ(polygons.size(), 3U);
    for (const Json& polygon : polygons) {
        ASSERT_EQ(polygon.size(), 1U) << "one ring each, and no hole";
        EXPECT_EQ(polygon[0].front(), polygon[0].back());
        EXPECT_GT(twice_area(polygon[0]), 0) << "counterclockwise, as RFC 7946 has it";
        EXPECT_LT(polygon[0][0][0], -113) << "the longitude comes first";
        EXPECT_GT(polygon[0][0][1], 50);
    }
    EXPECT_EQ(polygons[1][0], Json::parse("[[-114.0,52.0],[-113.9,52.0],[-113.9,52.1],"
                                          "[-114.0,52.1],[-114.0,52.0]]"));
    const Json& words = made["properties"]["areas"][0];
    EXPECT_EQ(words["areaDesc"], "Calgary, along the Bow River");
    EXPECT_EQ(words["geocodes"][0]["valueName"], "profile:CAP-CP:Location:0.3");
    EXPECT_EQ(words["geocodes"][0]["value"], "4806016");
    EXPECT_EQ(words["circles"][0]["radiusKm"], 2.5);
    EXPECT_EQ(words["circles"][0]["centre"], Json::parse("[-114.07,51.05]"));
}

TEST(GeoJson, NobodyInACircleIsLeftOutOfItsPolygon) {
    for (const double radius : {0.5, 25.0, 500.0})
        for (const double latitude : {-51.5, 0.0, 49.3, 69.0}) {
            const Circle circle{{latitude, -114}, radius};
            const auto ring = corners_of(circle);
            ASSERT_EQ(ring.size(), 49U);
            EXPECT_EQ(ring.front(), ring.back());
            for (std::size_t i = 0; i + 1 < ring.size(); ++i) {
                const double corner = distance_km(circle.centre, ring[i]);
                EXPECT_GT(corner, radius);
                EXPECT_LT(corner, radius * 1.004) << radius << ' ' << latitude;
            }
        }
    EXPECT_GT(distance_km({51, -114}, corners_of({{51, -114}, 0})[0]), 0.0009);
}

TEST(GeoJson, WithCodesAloneThereIsNoGeometry) {
    Content content = samples::make_content();
    content.mutable_draft()->mutable_areas(0)->clear_polygons();
    const Json made = feature(content);
    ASSERT_TRUE(made.contains("geometry"));
    EXPECT_TRUE(made["geometry"].is_null());
    EXPECT_EQ(made["properties"]["areas"][0]["geocodes"][0]["value"], "4806016");
}

TEST(GeoJson, AnExerciseIsMarked) {
    Content content = samples::make_content();
    content.set_world("exercise");
    const Json made = feature(content);
    // A map may show either of them alone.
    for (const char* part : {"headline", "description"})
        EXPECT_TRUE(
            made["properties"][part].get<std::string>().starts_with("EXERCICE – EXERCISE: "))
            << made;
}

TEST(GeoJson, AFeatureSaysWhatTheAlertSays) {
    const Content content = samples::make_content();
    FeedEntry entry = entry_of_sample();
    entry.joint = {"https://alerts.example.com/b.xml"};
    const Json words = feature(content, entry)["properties"];
    EXPECT_EQ(words["identifier"], samples::make_fixed().identifier());
    EXPECT_EQ(words["headline"], "Flooding in Calgary: leave the banks of the Bow River");
    EXPECT_EQ(words["language"], "en-CA");
    EXPECT_EQ(words["event"], "flood");
    EXPECT_EQ(words["severity"], "Severe");
    EXPECT_EQ(words["incident"], "inc-bow-river-2026");
    EXPECT_EQ(words["joint"], Json::parse(R"(["https://alerts.example.com/b.xml"])"));
    EXPECT_TRUE(words["superseded"].is_null());
    EXPECT_EQ(words["expires"], "2026-06-21T06:00:00-00:00");
    EXPECT_EQ(words["onset"], "2026-06-20T19:00:00-00:00");
    const std::string french = geojson_feature(entry, content, samples::make_fixed(), "fr-CA");
    EXPECT_EQ(Json::parse(french)["properties"]["event"], "inondation");
}

TEST(GeoJson, ASupersededAlertIsMarked) {
    FeedEntry entry = entry_of_sample();
    entry.superseded = Superseded{.cancelled = true, .href = "https://alerts.example.com/2.xml"};
    const Json words = feature(samples::make_content(), entry)["properties"];
    EXPECT_EQ(words["superseded"]["by"], "Cancel");
    EXPECT_EQ(words["superseded"]["href"], "https://alerts.example.com/2.xml");
    EXPECT_EQ(words["title"], "Cancelled: Flooding");
    entry.superseded = Superseded{};
    const Json updated = feature(samples::make_content(), entry)["properties"]["superseded"];
    EXPECT_EQ(updated["by"], "Update");
    EXPECT_TRUE(updated["href"].is_null());
}

TEST(GeoJson, ACollectionHoldsItsFeaturesInOrder) {
    FeedInfo feed{.id = "https://f.example.org/en-CA.geojson",
                  .title = "Alerts \"here\"",
                  .language = "en-CA",
                  .self = "https://f.example.org/en-CA.geojson",
                  .author = "bow",
                  .updated = samples::now,
                  .next = ""};
    EXPECT_EQ(Json::parse(geojson_feed_of(feed, {}))["features"], Json::array());
    const std::string first =
        geojson_feature(entry_of_sample(), samples::make_content(), samples::make_fixed(), "en-CA");
    FeedEntry other = entry_of_sample();
    other.id = "https://f.example.org/2.xml";
    const std::string second =
        geojson_feature(other, samples::make_content(), samples::make_fixed(), "en-CA");
    const std::string* const rows[] = {&first, &second};
    feed.next = feed.self + "?page=2";
    const Json made = Json::parse(geojson_feed_of(feed, rows));
    EXPECT_EQ(made["type"], "FeatureCollection");
    EXPECT_EQ(made["title"], feed.title);
    EXPECT_EQ(made["updated"], "2026-06-20T18:00:00Z");
    EXPECT_EQ(made["next"], feed.next);
    ASSERT_EQ(made["features"].size(), 2U);
    EXPECT_EQ(made["features"][1]["id"], other.id);
}

TEST(GeoJson, HostileTextsStayTexts) {
    Content content = samples::make_content();
    content.mutable_draft()->mutable_texts(1)->set_headline("\"},{\"type\":\"x\" \\ \x01 <b> \xff");
    const Json made = feature(content);
    EXPECT_TRUE(made["properties"]["headline"].get<std::string>().starts_with("\"},{"));
    EXPECT_EQ(made["type"], "Feature");
}

}  // namespace
}  // namespace tocsin::content
