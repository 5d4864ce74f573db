// Numbers and times as feeds write them.
#include "trigger/sources/fields.hpp"

#include <gtest/gtest.h>

namespace tocsin::trigger {
namespace {

TEST(Fields, ValuesArePlainFiniteDecimals) {
    EXPECT_EQ(parse_value("1.5"), 1.5);
    EXPECT_EQ(parse_value(" -5 "), -5);
    EXPECT_EQ(parse_value("0.00"), 0);
    EXPECT_EQ(parse_value("1e3"), 1000);
    for (const char* bad : {"", " ", "nan", "-nan", "inf", "INFINITY", "0x10", "1,5", "1.5 m", "+1",
                            "1e400", "1e13", "-", "Ice", "1.5.2"})
        EXPECT_EQ(parse_value(bad), std::nullopt) << bad;
}

TEST(Fields, TimesNeedTheirOffset) {
    const Time noon{std::chrono::seconds{1'579'435'200}};  // 2020-01-19T12:00:00Z
    EXPECT_EQ(parse_time("2020-01-19T12:00:00Z"), noon);
    EXPECT_EQ(parse_time("2020-01-19T12:00Z"), noon);
    EXPECT_EQ(parse_time("2020-01-19T08:30:00-03:30"), noon);
    EXPECT_EQ(parse_time("2020-01-19T17:45:00.000+05:45"), noon);
    EXPECT_EQ(parse_time("2020-01-19T12:00:00.25Z"), noon + std::chrono::milliseconds{250});
    for (const char* bad :
         {"", "2020-01-19", "2020-01-19T12:00:00", "2020-02-30T12:00:00Z", "2020-13-01T12:00:00Z",
          "2020-01-19T24:00:00Z", "2020-01-19T12:60:00Z", "2020-01-19T12:00:00+0100",
          "2020-01-19T12:00:00.Z", "2020-01-19T12:00:00Zz", "20-01-19T12:00:00Z",
          "2020-01-19 12:00:00Z", "2020-01-19T12:00:00+25:00"})
        EXPECT_EQ(parse_time(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace tocsin::trigger
