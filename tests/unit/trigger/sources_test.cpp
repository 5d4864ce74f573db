// Readers of gauge feeds: what they make of a body, what they refuse, and in what time. Strange
// files are in eccc_files_test.cpp and usgs_files_test.cpp.
#include "trigger/sources.hpp"

#include "unit/trigger/gauge_files.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

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

TEST(Sources, AnUnknownFormatIsNotFound) { EXPECT_EQ(find_format("carrier-pigeon"), nullptr); }

TEST(UsgsJson, ValuesThatAreNoReadingAreSkippedAndCountedAndNegativeOnesKept) {
    const auto parsed = must_read("usgs-json", test_file("usgs-shapes.json"));
    EXPECT_EQ(parsed.skipped[Skip::no_data], 3) << "-999999, an empty text and Ice";
    EXPECT_EQ(parsed.skipped[Skip::bad_value], 1) << "NaN";
    EXPECT_EQ(parsed.skipped[Skip::bad_time], 1) << "a time without its offset";
    EXPECT_EQ(parsed.skipped.total(), 5);
    EXPECT_EQ(parsed.first_fault, "");
    const auto* flow = find_series(parsed, "01000001:00060");
    ASSERT_NE(flow, nullptr);
    EXPECT_EQ(flow->unit, "ft3/s");
    EXPECT_THAT(flow->readings, ElementsAre(Reading{utc("2018-03-11T06:45:00Z"), 101},
                                            Reading{utc("2018-03-11T07:00:00Z"), 102},
                                            Reading{utc("2018-03-11T08:15:00Z"), -5}));
}

TEST(UsgsJson, SensorsOfOneParameterAreSeriesOfTheirOwnByTheirMethodInOrderOfTime) {
    const auto parsed = must_read("usgs-json", test_file("usgs-shapes.json"));
    const auto* first = find_series(parsed, "01000001:00010:21");
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->sensor, "21");
    EXPECT_THAT(first->readings, ElementsAre(Reading{utc("2018-03-11T07:00:00Z"), 4.5}));
    const auto* second = find_series(parsed, "01000001:00010:22");
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(second->unit, "deg C");
    EXPECT_THAT(second->readings, ElementsAre(Reading{utc("2018-03-11T06:00:00Z"), 4.8},
                                              Reading{utc("2018-03-11T07:00:00Z"), 4.7}));
    EXPECT_NE(find_series(parsed, "01000001:00010:23"), nullptr);
    EXPECT_EQ(find_series(parsed, "01000001:00010"), nullptr) << "two of them deliver";
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

std::string sensor(int method, const std::string& rows) {
    return R"({"method":[{"methodID":)" + std::to_string(method) + R"(}],"value":[)" + rows + "]}";
}

// Names, sensors and how many readings.
std::vector<std::string> told(const std::string& body) {
    std::vector<std::string> all;
    for (const Series& series : must_read("usgs-json", body).series)
        all.push_back(series.name + '#' + series.sensor + '=' +
                      std::to_string(series.readings.size()));
    return all;
}

TEST(UsgsJson, ASensorKeepsItsNamesWhateverItsPlaceInTheList) {
    const std::string row = R"({"value":"1","dateTime":"2026-05-01T10:00:00Z"})";
    const std::string none = R"({"value":"-999999","dateTime":"2026-05-01T10:00:00Z"})";
    const auto one_delivers = ElementsAre("1:2#8=1", "1:2:7#7=0", "1:2:8#8=1");
    EXPECT_THAT(told(usgs(sensor(7, none) + ',' + sensor(8, row))), one_delivers);
    EXPECT_THAT(told(usgs(sensor(8, row) + ',' + sensor(7, none))), one_delivers);
    const auto both_deliver = ElementsAre("1:2:7#7=1", "1:2:8#8=1");
    EXPECT_THAT(told(usgs(sensor(7, row) + ',' + sensor(8, row))), both_deliver);
    EXPECT_THAT(told(usgs(sensor(8, row) + ',' + sensor(7, row))), both_deliver);
    EXPECT_THAT(told(usgs(sensor(8, row))), ElementsAre("1:2#8=1", "1:2:8#8=1"))
        << "a rule on the long name does not lose it when the other one is listed no more";
}

// It would have taken the short name, on which the rule is, from the one that delivers.
TEST(UsgsJson, AStampFromAheadTakesNoNameFromTheOthers) {
    const std::string row = R"({"value":"1","dateTime":"2026-05-01T10:00:00Z"})";
    for (const char* ahead : {"2027-06-01T00:00:00Z", "2026-05-01T10:59:00Z"}) {
        const std::string late = fmt::format(R"({{"value":"2","dateTime":"{}"}})", ahead);
        const auto parsed =
            find_format("usgs-json")
                ->read(usgs(sensor(7, late) + ',' + sensor(8, row)), utc("2026-05-01T10:05:00Z"));
        ASSERT_TRUE(parsed) << ahead;
        const auto* shorter = find_series(*parsed, "1:2");
        ASSERT_NE(shorter, nullptr) << ahead;
        EXPECT_EQ(shorter->sensor, "8");
        EXPECT_EQ(parsed->skipped[Skip::ahead], 1);
    }
}

TEST(UsgsJson, TwoListsOfOneSensorAreOne) {
    const auto at = [](const char* clock, const char* value) {
        return fmt::format(R"({{"value":"{}","dateTime":"2026-05-01T{}:00Z"}})", value, clock);
    };
    const auto parsed =
        must_read("usgs-json", usgs(sensor(8, at("10:00", "1") + ',' + at("10:15", "Eqp")) + ',' +
                                    sensor(8, at("10:00", "-999999") + ',' + at("10:30", "3")) +
                                    ',' + sensor(7, at("10:00", "7"))));
    EXPECT_EQ(parsed.skipped[Skip::bad_row], 0);
    const auto* both = find_series(parsed, "1:2:8");
    ASSERT_NE(both, nullptr);
    EXPECT_THAT(both->readings, ElementsAre(Reading{utc("2026-05-01T10:00:00Z"), 1},
                                            Reading{utc("2026-05-01T10:30:00Z"), 3}));
    EXPECT_THAT(both->no_data, ElementsAre(utc("2026-05-01T10:15:00Z")));
    EXPECT_NE(find_series(parsed, "1:2:7"), nullptr);
}

TEST(UsgsJson, OneSensorInTwoUnitsIsNone) {
    const auto in = [](const std::string& unit) {
        return R"({"sourceInfo":{"siteCode":[{"value":"1"}]},"variable":{"variableCode":)"
               R"([{"value":"2"}],"unit":{"unitCode":")" +
               unit + R"("}},"values":[)" +
               sensor(8, R"({"value":"1","dateTime":"2026-05-01T10:00:00Z"})") + "]}";
    };
    const auto parsed =
        must_read("usgs-json", R"({"value":{"timeSeries":[)" + in("ft") + ',' + in("m") + "]}}");
    EXPECT_THAT(parsed.series, IsEmpty());
    EXPECT_EQ(parsed.first_fault, "1:2: the sensor 8 in two units");
    EXPECT_EQ(parsed.skipped[Skip::bad_row], 1);
}

TEST(UsgsJson, ALetterForAValueSaysThatThereIsNone) {
    for (const char* letters : {"Ice", "Eqp", "Bkw", "Ssn", "Rat", "Mnt", "ZFL", "Dis", "***"}) {
        const auto parsed = must_read(
            "usgs-json",
            usgs(sensor(
                8, fmt::format(R"({{"value":"{}","dateTime":"2026-05-01T10:00:00Z"}})", letters))));
        EXPECT_EQ(parsed.skipped[Skip::no_data], 1) << letters;
        EXPECT_EQ(parsed.skipped.total(), 1) << letters;
        EXPECT_THAT(find_series(parsed, "1:2")->no_data, ElementsAre(utc("2026-05-01T10:00:00Z")));
    }
    const auto parsed = must_read(
        "usgs-json", usgs(sensor(8, R"({"value":"Icy","dateTime":"2026-05-01T10:00:00Z"})")));
    EXPECT_EQ(parsed.skipped[Skip::bad_value], 1);
    EXPECT_THAT(find_series(parsed, "1:2")->no_data, IsEmpty());
}

TEST(UsgsJson, TheShortNameHasTheUnitAndTheReadingsOfTheSensorThatDelivers) {
    const auto parsed = must_read(
        "usgs-json", usgs(sensor(7, "") + ',' +
                          sensor(8, R"({"value":"1.5","dateTime":"2026-05-01T10:00:00Z"})")));
    const auto* plain = find_series(parsed, "1:2");
    const auto* own = find_series(parsed, "1:2:8");
    ASSERT_TRUE(plain && own);
    EXPECT_EQ(plain->unit, own->unit);
    EXPECT_EQ(plain->readings, own->readings);
    EXPECT_THAT(plain->readings, ElementsAre(Reading{utc("2026-05-01T10:00:00Z"), 1.5}));
}

TEST(UsgsJson, SensorsAreBounded) {
    std::string entries;
    for (int site = 0; site < 1001; ++site)
        entries += std::string(site == 0 ? "" : ",") + R"({"sourceInfo":{"siteCode":[{"value":")" +
                   std::to_string(site) +
                   R"("}]},"variable":{"variableCode":[{"value":"2"}]},"values":[)" +
                   sensor(7, R"({"value":1,"dateTime":"2026-05-01T10:00:00Z"})") + ',' +
                   sensor(8, "") + "]}";
    EXPECT_EQ(error_of("usgs-json", R"({"value":{"timeSeries":[)" + entries + "]}}"),
              "more than 2000 series");
}

// Each of these took from many seconds to hours.
TEST(UsgsJson, ALongHostileBodyIsReadInOneGo) {
    constexpr std::size_t bytes = std::size_t{4} << 20;
    EXPECT_THAT(error_of("usgs-json", usgs(repeated(sensor(7, ""), bytes))), HasSubstr("series"));
    EXPECT_THAT(error_of("usgs-json", usgs(R"({"value":[)" + repeated("{}", bytes) + "]}")),
                HasSubstr("rows"));
    EXPECT_THAT(
        error_of("usgs-json", R"({"value":{"timeSeries":[)" + repeated("{}", bytes) + "]}}"),
        HasSubstr("rows"));
    EXPECT_THAT(error_of("usgs-json", "[" + repeated("{}", bytes) + "]"),
                HasSubstr("not an object"));
    EXPECT_THAT(error_of("usgs-json", "[" + repeated("[]", bytes) + "]"),
                HasSubstr("not an object"));
    EXPECT_THAT(error_of("usgs-json", "[" + repeated("0", bytes + bytes / 2) + "]"),
                HasSubstr("values"));
    EXPECT_THAT(error_of("usgs-json", '[' + std::string(bytes, '1') + ']'),
                HasSubstr("not an object"));
    EXPECT_THAT(error_of("usgs-json", '[' + std::string(bytes, '-')), HasSubstr("not JSON"));
    EXPECT_THAT(error_of("usgs-json", '"' + std::string(bytes, '{') + '"'),
                HasSubstr("not an object"));
    EXPECT_THAT(error_of("usgs-json", R"(["\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["])"),
                HasSubstr("not an object"))
        << "brackets in a text nest nothing";
    EXPECT_THAT(error_of("usgs-json", std::string(bytes, '[')), HasSubstr("nested"));
}

// Each further list had all readings so far put in order again.
TEST(UsgsJson, ManyListsOfOneSensorAreReadInOneGo) {
    std::string rows;
    for (int minute = 0; minute < 100'000; ++minute)
        rows += fmt::format(R"({}{{"value":1,"dateTime":"2026-{:02}-{:02}T{:02}:{:02}:00Z"}})",
                            minute == 0 ? "" : ",", minute / 40'320 + 1, minute / 1440 % 28 + 1,
                            minute / 60 % 24, minute % 60);
    std::string lists = sensor(7, rows);
    for (int i = 0; i < 1'990; ++i) lists += ',' + sensor(7, "");
    const auto parsed = must_read("usgs-json", usgs(lists));
    ASSERT_FALSE(parsed.series.empty());
    EXPECT_EQ(parsed.series.front().readings.size(), 100'000U);
}

TEST(UsgsJson, WhatIsNoSuchFileIsAnErrorThatSaysWhatItIs) {
    EXPECT_EQ(error_of("usgs-json", ""), "not JSON, but empty: is the address right?");
    EXPECT_EQ(error_of("usgs-json", "<!DOCTYPE html><html></html>"),
              "not JSON, but a web page or XML: is the address right?");
    EXPECT_EQ(error_of("usgs-json", "\x1F\x8B\x08"),
              "not JSON, but compressed: is the address right?");
    EXPECT_THAT(error_of("usgs-json", R"({"value":{"timeSeries":[)"), HasSubstr("not JSON: byte"));
    EXPECT_EQ(error_of("usgs-json", "ID,Date,Water Level (m)\n"), "not JSON: byte 1");
    EXPECT_EQ(error_of("usgs-json", "[]"), "$ is not an object");
    for (const char* other : {"{}", R"({"error":"busy"})", R"({"value":[]})", R"({"value":{}})"})
        EXPECT_EQ(error_of("usgs-json", other),
                  "$.value.timeSeries is missing: no instantaneous values of USGS");
    for (const char* other : {"{}", "null", R"("")", "0"})
        EXPECT_EQ(error_of("usgs-json", R"({"value":{"timeSeries":)" + std::string(other) + "}}"),
                  "$.value.timeSeries is not an array");
}

TEST(UsgsJson, DepthAndLengthAreBounded) {
    EXPECT_THAT(error_of("usgs-json", std::string(1'000'000, '[')), HasSubstr("nested deeper"));
    EXPECT_THAT(error_of("usgs-json", std::string(body_bytes_max + 1, ' ')),
                HasSubstr("longer than"));
}

TEST(EcccCsv, EveryShapeOfValueIsToldApart) {
    const auto parsed = must_read("eccc-csv", test_file("eccc-shapes.csv"));
    EXPECT_EQ(parsed.skipped[Skip::bad_value], 5) << "nan, inf, 0x10, Ice, a decimal comma";
    EXPECT_EQ(parsed.skipped[Skip::bad_time], 1) << "a time without an offset";
    EXPECT_EQ(parsed.skipped.total(), 6);
    EXPECT_EQ(parsed.first_fault, "");
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
                                  "2026-05-01T10:00:00Z,A,7,1.5\n");
    ASSERT_EQ(parsed.series.size(), 2U);
    EXPECT_EQ(find_series(parsed, "A:discharge")->readings[0].value, 7);
    EXPECT_EQ(find_series(parsed, "A:level")->readings[0].value, 1.5);
}

// A rule on it says then in which unit it arrives.
TEST(EcccCsv, AnotherUnitIsThatOfItsSeriesAndCostsNoOther) {
    const auto parsed = must_read("eccc-csv",
                                  "ID,Date,Water Level / Niveau d'eau ( ft ),Discharge (cms)\n"
                                  "A,2026-05-01T10:00:00Z,4,7\n");
    ASSERT_EQ(parsed.series.size(), 2U);
    EXPECT_EQ(find_series(parsed, "A:level")->unit, "ft");
    EXPECT_EQ(find_series(parsed, "A:discharge")->unit, "m3/s");
    for (const std::string& header : {std::string("Discharge"), std::string("Discharge (m\xB3/s)"),
                                      "Discharge (" + std::string(33, 'x') + ")"})
        EXPECT_EQ(must_read("eccc-csv", "ID,Date," + header + "\nA,2026-05-01T10:00:00Z,4\n")
                      .series.at(0)
                      .unit,
                  "")
            << header;
}

TEST(EcccCsv, AnEmptyCellSaysThatThereIsNoValueAndABadOneNothing) {
    const auto parsed = must_read("eccc-csv",
                                  "ID,Date,Water Level (m),Discharge (cms)\n"
                                  "A,2026-05-01T10:00:00Z,1,\n"
                                  "A,2026-05-01T10:05:00Z,,\n"
                                  "A,2026-05-01T10:10:00Z,x,\n"
                                  "A,2026-05-01T10:15:00Z\n");
    ASSERT_EQ(parsed.series.size(), 1U) << "a station without values has no series";
    EXPECT_THAT(parsed.series[0].no_data, ElementsAre(utc("2026-05-01T10:05:00Z")));
    EXPECT_THAT(parsed.no_data.at("A:discharge"),
                ElementsAre(utc("2026-05-01T10:00:00Z"), utc("2026-05-01T10:05:00Z"),
                            utc("2026-05-01T10:10:00Z")));
    EXPECT_EQ(parsed.skipped.total(), 2);
}

TEST(EcccCsv, NamesWithoutAValueAreBoundedAndCostNoOther) {
    std::string body = "ID,Date,Water Level (m)\n";
    for (std::size_t i = 0; i <= 3 * series_max; ++i)
        body += std::to_string(i) + ",2026-05-01T10:00:00Z,\n";
    const auto parsed = must_read("eccc-csv", body + "A,2026-05-01T10:00:00Z,1\n");
    EXPECT_EQ(parsed.no_data.size(), series_max);
    EXPECT_EQ(parsed.series.at(0).name, "A:level");
}

TEST(Sources, WhatIsSkippedIsToldApart) {
    const auto parsed = must_read("eccc-csv",
                                  "ID,Date,Water Level (m)\nA\nB\nA\n"
                                  "A,2026-05-01T10:00:00Z,x\nA,2026-05-01T10:05:00Z,x\n");
    std::set<std::size_t> all;
    for (const SkippedOne& one : parsed.skips) all.insert(one.what);
    EXPECT_EQ(parsed.skips.size(), 5U);
    EXPECT_EQ(all.size(), 4U) << "one row came twice";
    std::string many = "ID,Date,Water Level (m)\n";
    for (std::size_t i = 0; i < skips_max + 5; ++i) many += std::to_string(i) + '\n';
    EXPECT_EQ(must_read("eccc-csv", many).skips.size(), skips_max);
}

TEST(EcccCsv, AHeaderAloneHasNoReadings) {
    EXPECT_THAT(must_read("eccc-csv", "ID,Date,Water Level (m)\r\n").series, IsEmpty());
}

TEST(EcccCsv, WhatIsNoSuchFileIsAnErrorThatSaysWhatItIs) {
    EXPECT_EQ(error_of("eccc-csv", ""), "no CSV, but empty: is the address right?");
    EXPECT_EQ(error_of("eccc-csv", "\xEF\xBB\xBF\n \n"),
              "no CSV, but empty: is the address right?");
    EXPECT_EQ(error_of("eccc-csv", "\n<html>not found</html>"),
              "no CSV, but a web page or XML: is the address right?");
    EXPECT_EQ(error_of("eccc-csv", R"({"code":"NotFound"})"),
              "no CSV, but JSON: is the address right?");
    EXPECT_EQ(error_of("eccc-csv", "\x1F\x8B\x08"),
              "no CSV, but compressed: is the address right?");
    EXPECT_EQ(error_of("eccc-csv", "404 page not found\n"), "line 1: no column ID");
    EXPECT_EQ(error_of("eccc-csv", "ID,Water Level (m)\n"), "line 1: no column Date");
    EXPECT_EQ(error_of("eccc-csv", "ID,Date,Grade\n"), "line 1: no column for level or discharge");
    EXPECT_EQ(error_of("eccc-csv", "ID;Date;Water Level (m)\n"),
              "line 1: the columns must be separated by commas, not by `;`");
    EXPECT_EQ(error_of("eccc-csv", "ID\tDate\tWater Level (m)\n"),
              "line 1: the columns must be separated by commas, not by tabs");
    EXPECT_EQ(error_of("eccc-csv", "\nID,Date,Water Level (m),Gra"),
              "line 2: the file ends in its header");
    EXPECT_EQ(error_of("eccc-csv", "ID,Date,\"Water Level (m)\nA,2026-05-01T10:00:00Z,1\"\n"),
              "line 1: a quote is not closed in its line");
    EXPECT_EQ(error_of("eccc-csv", std::string("\xFF\xFEI\0D\0", 6)), "line 1: a NUL byte");
    EXPECT_EQ(error_of("eccc-csv", std::string(100, ',') + '\n'), "line 1: more than 64 columns");
}

TEST(EcccCsv, LengthAndSeriesAreBounded) {
    EXPECT_THAT(error_of("eccc-csv", std::string(long_body_bytes_max + 1, ' ')),
                HasSubstr("longer than"));
    std::string body = "ID,Date,Water Level (m)\n";
    for (std::size_t i = 0; i <= series_max; ++i)
        body += std::to_string(i) + ",2026-05-01T10:00:00Z,1\n";
    EXPECT_EQ(error_of("eccc-csv", body), "line 2002: more than 2000 series");
}

TEST(EcccCsv, RowsAreBounded) {
    std::string body = "ID,Date,Water Level (m)\n";
    for (int i = 0; i <= long_rows_max; ++i) body += "A,2026-05-01T10:00:00Z,1\n";
    EXPECT_THAT(error_of("eccc-csv", body), HasSubstr("more than 1000000 rows"));
    body = "ID,Date,Water Level (m)\n";
    for (int i = 0; i <= long_rows_max; ++i) body += "A\n";
    EXPECT_THAT(error_of("eccc-csv", body), HasSubstr("more than 1000000 rows"));
}

// None of these is looked at again and again, however long it is.
TEST(EcccCsv, ALongHostileBodyIsReadInOneGo) {
    const std::string header = "ID,Date,Water Level (m)\n";
    constexpr std::size_t bytes = std::size_t{4} << 20;
    for (const std::string& filler :
         {std::string(bytes, ' '), std::string(bytes, '\n'), std::string(bytes, '\r'),
          std::string(bytes, ','), std::string(bytes, '"'), '"' + std::string(bytes, '\n'),
          std::string(bytes, 'a'), std::string(bytes, '\0'), std::string(bytes, '\xE4')})
        EXPECT_NO_THROW(error_of("eccc-csv", header + filler));
    for (const char* part :
         {" \t \n", "\"\"\n", "\"\",", "\"\n\"", "\"\"\"\n\"\"\"\"\n", "\r\n\n\r"}) {
        std::string body = header + '"';
        while (body.size() < bytes) body += part;
        EXPECT_NO_THROW(error_of("eccc-csv", body)) << part;
    }
}

// Rows that open a quote each, before rows that could close it and rows that could not.
TEST(EcccCsv, OpenQuotesCostTheirRowsAndTimeThatGrowsWithTheBody) {
    std::string body = "ID,Date,Grade,Water Level (m)\n";
    int bad = 0;
    for (int i = 0; i < 60'000; ++i) {
        bad += i % 2;
        body += i % 2 == 0 ? "A,2026-05-01T10:00:00Z,\"a \"\"b\"\"\",1\n" : "A,2026,\"x\"\",1\n";
    }
    const auto parsed = must_read("eccc-csv", body);
    EXPECT_EQ(parsed.skipped[Skip::bad_row], bad);
    EXPECT_EQ(parsed.skipped.total(), bad);
    EXPECT_THAT(parsed.series.at(0).readings, ElementsAre(Reading{utc("2026-05-01T10:00:00Z"), 1}));
}

// Whatever stands before and behind it.
TEST(EcccCsv, NoBadRowCostsAGoodOne) {
    const std::vector<std::string> bad = {"A",           "A,B,C,D,E",     "\"",
                                          "\"\"\"",      "A,\"",          "\",1",
                                          "A,,\"",       "A,,,\"x",       "x\",1",
                                          ",\",\",,x\"", "A\",2026,\",1", std::string(9, ','),
                                          "\xFF",        "\"\n\"\n",      "A,\"\",\"\r\",\"\"",
                                          "A,\"\n,,,\"x"};
    for (const std::string& before : bad)
        for (const std::string& behind : bad) {
            const auto parsed =
                must_read("eccc-csv", "ID,Date,Water Level (m),QA\n" + before +
                                          "\nA,2026-05-01T10:00:00Z,1,\n" + behind +
                                          "\nA,2026-05-01T10:05:00Z,2,\n" + before + '\n');
            ASSERT_EQ(parsed.series.size(), 1U) << before << '\n' << behind;
            EXPECT_THAT(parsed.series[0].readings,
                        ElementsAre(Reading{utc("2026-05-01T10:00:00Z"), 1},
                                    Reading{utc("2026-05-01T10:05:00Z"), 2}))
                << before << '\n'
                << behind;
        }
}

TEST(EcccCsv, AVeryLongLineCostsItself) {
    const std::string good = "A,2026-05-01T10:00:00Z,1\n";
    for (const char filler : {'a', '1', ',', '"', ' '}) {
        const std::string line = "A,2026-05-01T10:05:00Z," + std::string(2'000'000, filler) + "x\n";
        const auto parsed = must_read("eccc-csv", "ID,Date,Water Level (m)\n" + good + line + good);
        EXPECT_EQ(parsed.skipped.total(), 1) << filler;
        EXPECT_THAT(parsed.series.at(0).readings,
                    ElementsAre(Reading{utc("2026-05-01T10:00:00Z"), 1}))
            << filler;
    }
}

// What is left of a file is a part of what it says, and nothing that it does not say.
TEST(EcccCsv, AFileThatIsCutAnywhereSaysNothingElse) {
    for (const char* header : {"ID,Date,Water Level (m),QA/QC,Discharge (cms),QA/QC\r\n",
                               "ID,Date,Water Level (m),QA/QC,QA,Discharge (cms)\r\n",
                               "QA,Discharge (cms),QA/QC,Water Level (m),Date,ID\r\n"}) {
        const std::string row =
            std::string(header).starts_with('Q')
                ? "1,512.25,\"a,\"\"b\"\"\",1.375,2026-05-01T10:00:00-03:30,05AA001\r\n"
                : "05AA001,2026-05-01T10:00:00-03:30,1.375,1,,512.25\r\n";
        const std::string body = header + row + row;
        const auto whole = must_read("eccc-csv", body);
        for (std::size_t length = 0; length < body.size(); ++length) {
            const auto parsed = find_format("eccc-csv")->read(body.substr(0, length));
            if (!parsed) continue;
            EXPECT_GE(length, std::string(header).size() - 1);
            for (const Series& series : parsed->series) {
                const auto* same = find_series(whole, series.name);
                ASSERT_NE(same, nullptr) << length << ' ' << series.name;
                EXPECT_EQ(series.readings, same->readings) << length;
            }
        }
    }
}

TEST(UsgsJson, AFileThatIsCutAnywhereIsAnError) {
    const std::string body = test_file("usgs-shapes.json");
    const std::size_t end = body.find_last_of('}');
    for (std::size_t length = 0; length <= end; length += 7)
        EXPECT_THAT(error_of("usgs-json", body.substr(0, length)), HasSubstr("not JSON")) << length;
}

}  // namespace
}  // namespace tocsin::trigger
