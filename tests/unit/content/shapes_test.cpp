#include "content/shapes.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tocsin::content {
namespace {

struct ShapeCase {
    std::string shape;
    std::string code;  // Empty for a good one.
};

TEST(Shapes, PolygonsAreClosedInRangeAndSimple) {
    const ShapeCase cases[] = {
        {"51,-114 52,-114 52,-113 51,-114", ""},
        {" 51,-114\n52,-114 52,-113  51,-114 ", ""},
        {"51,-114 52,-114 52,-114 52,-113 51,-114", ""},
        {"", "polygon_short"},
        {"51,-114 52,-114 51,-114", "polygon_short"},
        {"51,-114 52,-114 52,-113 51,-113", "polygon_open"},
        {"91,-114 52,-114 52,-113 91,-114", "polygon_range"},
        {"51,-181 52,-114 52,-113 51,-181", "polygon_range"},
        {"nan,-114 52,-114 52,-113 nan,-114", "polygon_malformed"},
        {"inf,-114 52,-114 52,-113 inf,-114", "polygon_malformed"},
        {"51 -114 52,-114 52,-113 51,-114", "polygon_malformed"},
        {"51,-114;52,-114 52,-113 51,-114", "polygon_malformed"},
        {"51,-114 53,-112 53,-114 51,-112 51,-114", "polygon_crossing"},
        {"51,-114 53,-114 53,-112 51,-114 50,-113 51,-114", "polygon_crossing"},
        {"51,-114 52,-114 53,-114 51,-114", "polygon_flat"},
        {"51,-114 51,-114 51,-114 51,-114", "polygon_flat"},
    };
    for (const ShapeCase& each : cases) {
        const auto found = check_polygon(each.shape, "areas[0].polygons[0]");
        EXPECT_EQ(found ? found->code : "", each.code) << each.shape;
    }
}

TEST(Shapes, AVeryDetailedPolygonIsAWarning) {
    std::string polygon;
    for (int i = 0; i < 600; ++i)
        polygon +=
            fmt::format("{:.6f},{:.6f} ", 51 + std::cos(i * 0.01), -114 + std::sin(i * 0.01));
    const auto found = check_polygon(polygon + "52.000000,-114.000000", "p");
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->code, "polygon_unchecked");
    EXPECT_EQ(found->level, Finding::Level::warning);
}

TEST(Shapes, CirclesHaveACentreAndARadiusUpTo500Kilometres) {
    const ShapeCase cases[] = {
        {"51,-114 0", ""},
        {"51.05,-114.07 500", ""},
        {"51,-114 500.1", "circle_range"},
        {"51,-114 -1", "circle_range"},
        {"91,-114 5", "circle_range"},
        {"51,-114", "circle_malformed"},
        {"51,-114 nan", "circle_malformed"},
        {"51,-114 5 5", "circle_malformed"},
        {"", "circle_malformed"},
    };
    for (const ShapeCase& each : cases) {
        const auto found = check_circle(each.shape, "c");
        EXPECT_EQ(found ? found->code : "", each.code) << each.shape;
    }
}

}  // namespace
}  // namespace tocsin::content
