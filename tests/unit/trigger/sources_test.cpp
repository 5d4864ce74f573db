// Readers of gauge feeds: made-up bodies with every shape of value, and malformed ones.
#include "trigger/source.hpp"

#include "unit/trigger/gauge_files.hpp"

#include <gmock/gmock.h>

namespace tocsin::trigger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Parsed must_read(std::string_view format, const std::string& body) {
    auto parsed = find_format(format)->read(body);
    EXPECT_TRUE(parsed.has_value()) << parsed.error();
    return parsed.value_or(Parsed{});
}

std::string error_of(std::string_view format, const std::string& body) {
    const auto parsed = find_format(format)->read(body);
    return parsed ? "none" : parsed.error();
}

// As above.
TEST(EcccCsv, ALongHostileBodyIsReadInOneGo) {
    const std::string header = "ID,Date,Water Level (m)\n";
    constexpr std::size_t bytes = std::size_t{4} << 20;
    for (const std::string& filler :
         {std::string(bytes, ' '), std::string(bytes, '\n'), std::string(bytes, '\r'),
          std::string(bytes, ','), std::string(bytes, '"'), '"' + std::string(bytes, '\n'),
          std::string(bytes, 'a')})
        EXPECT_NO_THROW(error_of("eccc-csv", header + filler));
    std::string blanks = header;
    while (blanks.size() < bytes) blanks += " \t \n";
    EXPECT_EQ(error_of("eccc-csv", blanks), "none");
}

TEST(Sources, AnUnknownFormatIsNotFound) { EXPECT_EQ(find_format("carrier-pigeon"), nullptr); }

TEST(UsgsJson, ValuesThatAreNoReadingAreSkippedAndCountedAndNegativeOnesKept) {
    const auto parsed = must_read("usgs-json", test_file("usgs-shapes.json"));
    EXPECT_EQ(parsed.skipped, 5);
    const auto* flow = find_series(parsed, "01000001:00060");
    ASSERT_NE(flow, nullptr);
    EXPECT_EQ(flow->unit, "ft3/s");
    EXPECT_THAT(flow->readings, ElementsAre(Reading{utc("2018-03-11T06:45:00Z"), 101},
                                            Reading{utc("2018-03-11T07:00:00Z"), 102},
                                            Reading{utc("2018-03-11T08:15:00Z"), -5}));
}

TEST(UsgsJson, FurtherSensorsOfOneParameterAreSeriesOfTheirOwnInOrderOfTime) {
    const auto parsed = must_read("usgs-json", test_file("usgs-shapes.json"));
    const auto* first = find_series(parsed, "01000001:00010");
    ASSERT_NE(first, nullptr);
    EXPECT_THAT(first->readings, ElementsAre(Reading{utc("2018-03-11T07:00:00Z"), 4.5}));
    const auto* second = find_series(parsed, "01000001:00010:22");
    ASSERT_NE(second, nullptr);
    EXPECT_THAT(second->readings, ElementsAre(Reading{utc("2018-03-11T06:00:00Z"), 4.8},
                                              Reading{utc("2018-03-11T07:00:00Z"), 4.7}));
    EXPECT_NE(find_series(parsed, "01000001:00010:23"), nullptr);
}

std::string usgs(const std::string& sensors) {
    return R"({"value":{"timeSeries":[{"sourceInfo":{"siteCode":[{"value":"1"}]},"variable":{)"
           R"("variableCode":[{"value":"2"}]},"values":[)" +
           sensors + "]}]}}";
}

std::string repeated(const std::string& part, std::size_t bytes) {
    std::string all;
    while (all.size() < bytes) all += all.empty() ? part : ',' + part;
    return all;
}

// Each of these took from many seconds to hours.
TEST(UsgsJson, ALongHostileBodyIsReadInOneGo) {
    constexpr std::size_t bytes = std::size_t{4} << 20;
    const std::string sensor = R"({"method":[{"methodID":7}],"value":[]})";
    EXPECT_THAT(error_of("usgs-json", usgs(repeated(sensor, bytes))), HasSubstr("series"));
    EXPECT_THAT(error_of("usgs-json", usgs(R"({"value":[)" + repeated("{}", bytes) + "]}")),
                HasSubstr("rows"));
    EXPECT_THAT(error_of("usgs-json", "[" + repeated("{}", bytes) + "]"),
                HasSubstr("not an object"));
    EXPECT_THAT(error_of("usgs-json", "[" + repeated("[]", bytes) + "]"),
                HasSubstr("not an object"));
    EXPECT_THAT(error_of("usgs-json", "[" + repeated("0", bytes + bytes / 2) + "]"),
                HasSubstr("values"));
    EXPECT_THAT(error_of("usgs-json", '"' + std::string(bytes, '{') + '"'),
                HasSubstr("not an object"));
    EXPECT_THAT(error_of("usgs-json", R"(["\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["])"),
                HasSubstr("not an object"))
        << "brackets in a text nest nothing";
    EXPECT_THAT(error_of("usgs-json", std::string(bytes, '[')), HasSubstr("nested"));
}

TEST(UsgsJson, MalformedBodiesAreErrorsThatSayWhere) {
    EXPECT_THAT(error_of("usgs-json", ""), HasSubstr("not JSON"));
    EXPECT_THAT(error_of("usgs-json", R"({"value":{"timeSeries":[)"), HasSubstr("not JSON: byte"));
    EXPECT_THAT(error_of("usgs-json", "[]"), HasSubstr("$ is not an object"));
    EXPECT_THAT(error_of("usgs-json", R"({"value":{}})"),
                HasSubstr("$.value.timeSeries is missing"));
    EXPECT_THAT(error_of("usgs-json", R"({"value":{"timeSeries":{}}})"),
                HasSubstr("$.value.timeSeries is not an array"));
    EXPECT_THAT(error_of("usgs-json", R"({"value":{"timeSeries":[{"sourceInfo":{}}]}})"),
                HasSubstr("$.value.timeSeries[0].sourceInfo.siteCode is missing"));
    const char* bad = R"({"value":{"timeSeries":[{"sourceInfo":{"siteCode":[{"value":"a b"}]}}]}})";
    EXPECT_THAT(error_of("usgs-json", bad), HasSubstr("siteCode[0].value is not a code"));
}

TEST(UsgsJson, DepthAndLengthAreBounded) {
    EXPECT_THAT(error_of("usgs-json", std::string(1'000'000, '[')), HasSubstr("nested deeper"));
    EXPECT_THAT(error_of("usgs-json", std::string(body_bytes_max + 1, ' ')),
                HasSubstr("longer than"));
}

TEST(EcccCsv, EveryShapeOfValueIsToldApart) {
    const auto parsed = must_read("eccc-csv", test_file("eccc-shapes.csv"));
    // nan, inf, 0x10, Ice, a time without an offset, a decimal comma.
    EXPECT_EQ(parsed.skipped, 6);
    ASSERT_EQ(parsed.series.size(), 2U) << "a station without values has no series";
    const auto* level = find_series(parsed, "01AA001:level");
    ASSERT_NE(level, nullptr);
    EXPECT_EQ(level->unit, "m");
    EXPECT_THAT(level->readings, ElementsAre(Reading{utc("2026-05-01T13:30:00Z"), 1.21},
                                             Reading{utc("2026-05-01T13:35:00Z"), 1.25},
                                             Reading{utc("2026-05-01T13:40:00Z"), -0.3}));
    const auto* discharge = find_series(parsed, "01AA001:discharge");
    ASSERT_NE(discharge, nullptr);
    EXPECT_EQ(discharge->unit, "m3/s");
    EXPECT_THAT(discharge->readings, ElementsAre(Reading{utc("2026-05-01T13:30:00Z"), 12.5},
                                                 Reading{utc("2026-05-01T13:40:00Z"), 13},
                                                 Reading{utc("2026-05-01T14:00:00Z"), 1000}));
}

TEST(EcccCsv, HeadersInOneLanguageAndInAnyOrderAreUnderstood) {
    const auto parsed = must_read("eccc-csv",
                                  "Date,ID,Débit (m3/s),Niveau d'eau (m)\n"
                                  "2026-05-01T10:00:00Z,A,7,1.5");
    ASSERT_EQ(parsed.series.size(), 2U);
    EXPECT_EQ(find_series(parsed, "A:discharge")->readings[0].value, 7);
    EXPECT_EQ(find_series(parsed, "A:level")->readings[0].value, 1.5);
}

TEST(EcccCsv, AHeaderAloneHasNoReadings) {
    EXPECT_THAT(must_read("eccc-csv", "ID,Date,Water Level (m)\r\n").series, IsEmpty());
}

TEST(EcccCsv, MalformedBodiesAreErrorsThatNameTheLine) {
    const std::string header = "ID,Date,Water Level (m)\n";
    EXPECT_EQ(error_of("eccc-csv", ""), "line 1: no header");
    EXPECT_EQ(error_of("eccc-csv", "<html>not found</html>"), "line 1: no column ID");
    EXPECT_EQ(error_of("eccc-csv", "ID,Water Level (m)\n"), "line 1: no column Date");
    EXPECT_EQ(error_of("eccc-csv", "ID,Date,Grade\n"), "line 1: no column for level or discharge");
    EXPECT_EQ(error_of("eccc-csv", "ID,Date,Water Level (ft)\n"), "line 1: the level is not in m");
    EXPECT_EQ(error_of("eccc-csv", header + "A,2026-05-01T10:00:00Z,1\nA,2026-05-0"),
              "line 3: 2 columns, not 3");
    EXPECT_EQ(error_of("eccc-csv", header + "A,2026-05-01T10:00:00Z,\"1\n\n"),
              "line 2: a quote is never closed");
    EXPECT_EQ(error_of("eccc-csv", header + "A,2026-05-01T10:00:00Z,\"1\"2\n"),
              "line 2: text after a quoted field");
    EXPECT_EQ(error_of("eccc-csv", header + "A B,2026-05-01T10:00:00Z,1\n"),
              "line 2: bad station id");
}

TEST(EcccCsv, RowsAreBounded) {
    std::string body = "ID,Date,Water Level (m)\n";
    for (int i = 0; i <= rows_max; ++i) body += "A,2026-05-01T10:00:00Z,1\n";
    EXPECT_THAT(error_of("eccc-csv", body), HasSubstr("more than 200000 rows"));
}

}  // namespace
}  // namespace tocsin::trigger
