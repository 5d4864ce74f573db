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

TEST(Fields, TextsAreUtf8WithoutNul) {
    using std::literals::string_view_literals::operator""sv;
    for (const std::string_view good :
         {""sv, "a"sv, "D\xC3\xA9"sv, "\xE2\x82\xAC"sv, "\xF0\x9F\x8C\x8A"sv, "\xED\x9F\xBF"sv,
          "\xF4\x8F\xBF\xBF"sv})
        EXPECT_TRUE(is_text(good)) << good;
    for (const std::string_view bad :
         {"\0"sv, "a\0b"sv, "\x80"sv, "D\xE9"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC3"sv, "\xC3("sv,
          "\xE0\x80\x80"sv, "\xE2\x82"sv, "\xED\xA0\x80"sv, "\xF0\x80\x80\x80"sv,
          "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xFF"sv})
        EXPECT_FALSE(is_text(bad)) << bad;
}

TEST(Fields, OfReadingsWithOneTimeTheLastStays) {
    const Time noon{std::chrono::seconds{1'579'435'200}};
    const auto minute = std::chrono::minutes{1};
    Series series;
    series.readings = {{noon + minute, 1}, {noon, 2}, {noon + minute, 3}, {noon, 4}};
    put_in_order(series);
    EXPECT_EQ(series.readings, (std::vector<Reading>{{noon, 4}, {noon + minute, 3}}));
    EXPECT_TRUE(series.no_data.empty());
}

TEST(Fields, NoDataIsWhereNothingElseStands) {
    const Time noon{std::chrono::seconds{1'579'435'200}};
    const auto minute = std::chrono::minutes{1};
    Series series;
    series.readings = {
        {noon + minute, 1}, {noon, no_value}, {noon + minute, no_value}, {noon, no_value}};
    put_in_order(series);
    EXPECT_EQ(series.readings, (std::vector<Reading>{{noon + minute, 1}}));
    EXPECT_EQ(series.no_data, (std::vector<Time>{noon}));
}

TEST(Fields, AnIdentityIsOfItsPartsInTheirOrder) {
    EXPECT_EQ(identity({"a", "b"}), identity({"a", "b"}));
    EXPECT_NE(identity({"a", "b"}), identity({"b", "a"}));
    EXPECT_NE(identity({"a", "b"}), identity({"ab"}));
    EXPECT_NE(identity({"a", ""}), identity({"a"}));
}

TEST(Fields, WhatWasSkippedIsCountedByReason) {
    Skipped skipped;
    EXPECT_EQ(skipped.total(), 0);
    skipped.add(Skip::bad_row);
    skipped.add(Skip::ahead, 3);
    EXPECT_EQ(skipped[Skip::bad_row], 1);
    EXPECT_EQ(skipped[Skip::ahead], 3);
    EXPECT_EQ(skipped[Skip::no_data], 0);
    EXPECT_EQ(skipped.total(), 4);
}

}  // namespace
}  // namespace tocsin::trigger
