// Real bodies of the gauge services, where they are at hand: TOCSIN_DATA names the folder that
// holds gauges/. The figures were worked out with other programs. The file of the Bow River is in
// the tree.
#include "unit/trigger/gauge_files.hpp"

#include <filesystem>
#include <regex>
#include <set>

namespace tocsin::trigger {
namespace {

struct Expected {
    const char* series;
    std::size_t count;
    const char* first = "";
    const char* last = "";
    double highest = 0;
    const char* highest_at = "";  // the first time that it was reached
    double lowest = 0;
    const char* lowest_at = "";
};

struct RealFile {
    const char* path;
    const char* format;
    Skipped skipped;
    std::vector<Expected> series;
};

Skipped no_data(std::int64_t count) {
    Skipped skipped;
    skipped.add(Skip::no_data, count);
    return skipped;
}

void expect_series(const Parsed& parsed, const Expected& expected) {
    const Series* series = find_series(parsed, expected.series);
    ASSERT_NE(series, nullptr) << expected.series;
    const auto& readings = series->readings;
    ASSERT_EQ(readings.size(), expected.count) << expected.series;
    EXPECT_TRUE(std::ranges::is_sorted(readings, {}, &Reading::read_at));
    if (readings.empty()) return;
    EXPECT_EQ(readings.front().read_at, utc(expected.first)) << expected.series;
    EXPECT_EQ(readings.back().read_at, utc(expected.last)) << expected.series;
    const auto highest = std::ranges::max_element(readings, {}, &Reading::value);
    EXPECT_EQ(highest->value, expected.highest) << expected.series;
    EXPECT_EQ(highest->read_at, utc(expected.highest_at)) << expected.series;
    const auto lowest = std::ranges::min_element(readings, {}, &Reading::value);
    EXPECT_EQ(lowest->value, expected.lowest) << expected.series;
    EXPECT_EQ(lowest->read_at, utc(expected.lowest_at)) << expected.series;
}

void expect_file(const RealFile& expected, const std::string& body) {
    SCOPED_TRACE(expected.path);
    const auto parsed = find_format(expected.format)->read(body);
    ASSERT_TRUE(parsed.has_value()) << parsed.error();
    EXPECT_EQ(parsed->skipped, expected.skipped);
    EXPECT_EQ(parsed->first_fault, "");
    const auto said_shorter = std::ranges::count_if(
        parsed->series, [&](const Series& series) { return is_said_shorter(*parsed, series); });
    EXPECT_EQ(parsed->series.size() - static_cast<std::size_t>(said_shorter),
              expected.series.size());
    for (const Expected& series : expected.series) expect_series(*parsed, series);
}

const std::vector<RealFile>& usgs_files() {
    static const std::vector<RealFile> files = {
        {"usgs/iv-01541000-startDST-2018.json",
         "usgs-json",
         {},
         {
             {"01541000:00060", 284, "2018-03-10T05:00:00Z", "2018-03-13T03:45:00Z", 668,
              "2018-03-10T05:00:00Z", 526, "2018-03-13T01:30:00Z"},
         }},
        {"usgs/iv-02489500-02492000-2019-02-25.json",
         "usgs-json",
         {},
         {
             {"02489500:00045", 240, "2019-02-25T06:00:00Z", "2019-03-02T05:30:00Z", 0.21,
              "2019-02-28T23:00:00Z", 0, "2019-02-25T06:00:00Z"},
             {"02489500:00060", 240, "2019-02-25T06:00:00Z", "2019-03-02T05:30:00Z", 29900,
              "2019-03-01T11:00:00Z", 24400, "2019-02-25T06:00:00Z"},
             {"02489500:00065", 240, "2019-02-25T06:00:00Z", "2019-03-02T05:30:00Z", 20.37,
              "2019-03-01T11:00:00Z", 19.86, "2019-02-25T06:00:00Z"},
             {"02489500:63160", 240, "2019-02-25T06:00:00Z", "2019-03-02T05:30:00Z", 75.01,
              "2019-03-01T11:00:00Z", 74.5, "2019-02-25T06:00:00Z"},
             {"02492000:00035", 240, "2019-02-25T06:00:00Z", "2019-03-02T05:30:00Z", -5,
              "2019-02-25T06:00:00Z", -5, "2019-02-25T06:00:00Z"},
             {"02492000:00036", 240, "2019-02-25T06:00:00Z", "2019-03-02T05:30:00Z", -5,
              "2019-02-25T06:00:00Z", -5, "2019-02-25T06:00:00Z"},
             {"02492000:00045", 210, "2019-02-25T06:00:00Z", "2019-03-02T05:30:00Z", 0.27,
              "2019-02-27T07:30:00Z", 0, "2019-02-25T06:00:00Z"},
             {"02492000:00060", 240, "2019-02-25T06:00:00Z", "2019-03-02T05:30:00Z", 6420,
              "2019-02-25T06:00:00Z", 2650, "2019-03-01T11:30:00Z"},
             {"02492000:00065", 240, "2019-02-25T06:00:00Z", "2019-03-02T05:30:00Z", 10.47,
              "2019-02-25T06:00:00Z", 7.33, "2019-03-01T14:00:00Z"},
         }},
        {"usgs/iv-two-sites-two-params.json",
         "usgs-json",
         {},
         {
             {"01541000:00060", 93, "2019-02-17T19:00:00Z", "2019-02-18T18:00:00Z", 974,
              "2019-02-17T19:00:00Z", 896, "2019-02-18T17:30:00Z"},
             {"01541000:00065", 93, "2019-02-17T19:00:00Z", "2019-02-18T18:00:00Z", 6.55,
              "2019-02-17T19:00:00Z", 6.43, "2019-02-18T17:30:00Z"},
             {"01541200:00060", 93, "2019-02-17T19:00:00Z", "2019-02-18T18:00:00Z", 1310,
              "2019-02-17T20:00:00Z", 1280, "2019-02-18T10:45:00Z"},
             {"01541200:00065", 93, "2019-02-17T19:00:00Z", "2019-02-18T18:00:00Z", 4.62,
              "2019-02-17T20:00:00Z", 4.59, "2019-02-18T10:45:00Z"},
         }},
        {"usgs/nwis-iv-latest-wa.json",
         "usgs-json",
         no_data(1),
         {
             {"12010000:00060", 1, "2020-05-14T14:30:00Z", "2020-05-14T14:30:00Z", 316,
              "2020-05-14T14:30:00Z", 316, "2020-05-14T14:30:00Z"},
             {"12010000:00065", 1, "2020-05-14T14:30:00Z", "2020-05-14T14:30:00Z", 5.26,
              "2020-05-14T14:30:00Z", 5.26, "2020-05-14T14:30:00Z"},
             {"12025100:00065", 0},
         }},
        {"usgs/nwis_iv_empty_mock.json", "usgs-json", {}, {}},
    };
    return files;
}

// One reading per row here: first, last, highest and lowest are of one or two times.
const std::vector<RealFile>& eccc_files() {
    static const std::vector<RealFile> files = {
        {"eccc-datamart/BC_hourly_hydrometric.csv",
         "eccc-csv",
         {},
         {
             {"08GA043:discharge", 1, "2020-01-19T12:45:00Z", "2020-01-19T12:45:00Z", 18.8,
              "2020-01-19T12:45:00Z", 18.8, "2020-01-19T12:45:00Z"},
             {"08GA043:level", 1, "2020-01-19T12:45:00Z", "2020-01-19T12:45:00Z", 0.864,
              "2020-01-19T12:45:00Z", 0.864, "2020-01-19T12:45:00Z"},
             {"08GAX43:discharge", 1, "2020-01-19T12:50:00Z", "2020-01-19T12:50:00Z", 18.7,
              "2020-01-19T12:50:00Z", 18.7, "2020-01-19T12:50:00Z"},
             {"08GAX43:level", 1, "2020-01-19T12:50:00Z", "2020-01-19T12:50:00Z", 0.863,
              "2020-01-19T12:50:00Z", 0.863, "2020-01-19T12:50:00Z"},
             {"10CD005:level", 1, "2020-01-19T12:45:00Z", "2020-01-19T12:45:00Z", 0.675,
              "2020-01-19T12:45:00Z", 0.675, "2020-01-19T12:45:00Z"},
         }},
        {"eccc-datamart/NL_hourly_hydrometric.csv",
         "eccc-csv",
         {},
         {
             {"02YA002:level", 2, "2020-01-19T12:00:00Z", "2020-01-19T12:05:00Z", 1.416,
              "2020-01-19T12:00:00Z", 1.416, "2020-01-19T12:00:00Z"},
             {"02YC001:discharge", 2, "2020-01-19T09:40:00Z", "2020-01-19T09:45:00Z", 16.6,
              "2020-01-19T09:40:00Z", 16.6, "2020-01-19T09:40:00Z"},
             {"02YC001:level", 2, "2020-01-19T09:40:00Z", "2020-01-19T09:45:00Z", 1.066,
              "2020-01-19T09:40:00Z", 1.066, "2020-01-19T09:40:00Z"},
             {"02YD002:discharge", 1, "2020-01-17T03:30:00Z", "2020-01-17T03:30:00Z", 2.86,
              "2020-01-17T03:30:00Z", 2.86, "2020-01-17T03:30:00Z"},
             {"02YD002:level", 1, "2020-01-17T03:30:00Z", "2020-01-17T03:30:00Z", 0.368,
              "2020-01-17T03:30:00Z", 0.368, "2020-01-17T03:30:00Z"},
         }},
    };
    return files;
}

TEST(RealFiles, UsgsBodiesGiveTheReadingsThatAreInThem) {
    const char* data = std::getenv("TOCSIN_DATA");
    if (data == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    for (const RealFile& expected : usgs_files())
        expect_file(expected, file(std::string(data) + "/gauges/" + expected.path));
}

TEST(RealFiles, EcccBodiesGiveTheReadingsThatAreInThem) {
    const char* data = std::getenv("TOCSIN_DATA");
    if (data == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    for (const RealFile& expected : eccc_files())
        expect_file(expected, file(std::string(data) + "/gauges/" + expected.path));
}

// So that a file that is added is not overlooked.
TEST(RealFiles, AllFilesOfBothFormatsAreRead) {
    const char* data = std::getenv("TOCSIN_DATA");
    if (data == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    // Of the same folder, and no readings: tested below.
    std::set<std::string> expected{"eccc-datamart/hydrometric_StationList.csv"};
    for (const auto* files : {&usgs_files(), &eccc_files()})
        for (const RealFile& one : *files) expected.insert(one.path);
    std::set<std::string> found;
    for (const auto& [folder, ending] : {std::pair{"usgs", ".json"}, {"eccc-datamart", ".csv"}})
        for (const auto& entry :
             std::filesystem::directory_iterator(std::string(data) + "/gauges/" + folder))
            if (entry.path().extension() == ending)
                found.insert(std::string(folder) + "/" + entry.path().filename().string());
    EXPECT_EQ(found, expected);
}

TEST(RealFiles, AListOfStationsIsNoListOfReadings) {
    const char* data = std::getenv("TOCSIN_DATA");
    if (data == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    const auto parsed =
        find_format("eccc-csv")
            ->read(file(std::string(data) + "/gauges/eccc-datamart/hydrometric_StationList.csv"));
    EXPECT_FALSE(parsed.has_value());
}

TEST(RealFiles, OtherFormatsOfUsgsAreNoJson) {
    const char* data = std::getenv("TOCSIN_DATA");
    if (data == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    const auto error = [&](const std::string& name) {
        const auto parsed =
            find_format("usgs-json")->read(file(std::string(data) + "/gauges/usgs/" + name));
        return parsed ? "none" : parsed.error();
    };
    EXPECT_EQ(error("waterml1-08054500-multiple_methods.xml"),
              "not JSON, but a web page or XML: is the address right?");
    EXPECT_EQ(error("RDB1Example.rdb"), "not JSON: byte 1");
}

TEST(RealFiles, ASensorIsNamedByItsMethod) {
    const char* data = std::getenv("TOCSIN_DATA");
    if (data == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    const auto parsed =
        find_format("usgs-json")
            ->read(file(std::string(data) + "/gauges/usgs/iv-two-sites-two-params.json"));
    ASSERT_TRUE(parsed.has_value()) << parsed.error();
    std::vector<std::string> sensors;
    for (const Series& series : parsed->series)
        if (!is_said_shorter(*parsed, series)) sensors.push_back(series.sensor);
    EXPECT_EQ(sensors, (std::vector<std::string>{"121813", "121814", "121820", "121821"}));
}

// A file of the cases, its times in relation to now replaced by one that stays; skips without it.
std::string case_file(const std::string& name) {
    const char* data = std::getenv("TOCSIN_DATA");
    const auto path = std::filesystem::path(data ? data : "") / "../cases/public" / name;
    if (!data || !std::filesystem::exists(path)) return {};
    const std::regex relative("NOW-[0-9]+[a-z]+");
    return std::regex_replace(file(path), relative, "2026-11-28T13:00:00Z");
}

TEST(CaseFiles, ARetiredSensorThatIsListedFirstTakesTheShortNameFromNobody) {
    const std::string body = case_file("04-dead-first-sensor/gauge.json");
    if (body.empty()) GTEST_SKIP() << "the cases are not there";
    const auto parsed = find_format("usgs-json")->read(body);
    ASSERT_TRUE(parsed.has_value()) << parsed.error();
    const std::vector<Reading> readings{{utc("2026-11-28T13:15:00Z"), 10.1},
                                        {utc("2026-11-28T13:44:00Z"), 13.5}};
    ASSERT_EQ(parsed->series.size(), 3U);
    for (const char* name : {"08054500:00062", "08054500:00062:300001"}) {
        const Series* live = find_series(*parsed, name);
        ASSERT_NE(live, nullptr) << name;
        EXPECT_EQ(live->sensor, "300001");
        EXPECT_EQ(live->unit, "ft");
        EXPECT_EQ(live->readings, readings);
    }
    const Series* retired = find_series(*parsed, "08054500:00062:69928");
    ASSERT_NE(retired, nullptr);
    EXPECT_TRUE(retired->readings.empty());
    EXPECT_EQ(parsed->skipped, no_data(1));
}

TEST(CaseFiles, OneStationMayBeSilentBesideAnother) {
    const std::string body = case_file("05-station-silent/gauge.csv");
    if (body.empty()) GTEST_SKIP() << "the cases are not there";
    const auto parsed = find_format("eccc-csv")->read(body);
    ASSERT_TRUE(parsed.has_value()) << parsed.error();
    EXPECT_EQ(parsed->series.size(), 4U);
    EXPECT_EQ(parsed->skipped.total(), 0);
    EXPECT_EQ(find_series(*parsed, "05AA001:discharge")->readings.back().value, 501);
    EXPECT_EQ(find_series(*parsed, "05BB002:discharge")->readings.back().value, 500);
}

TEST(CaseFiles, ABadRowOfOneStationHidesNothingOfAnother) {
    for (const auto& [name, discharge, fault] :
         {std::tuple{"gauge-short-row.csv", 1500, "line 3: 6 columns, not 10"},
          {"gauge-cut.csv", 1600, "line 3: 2 columns, not 10"}}) {
        const std::string body = case_file(std::string("06-one-bad-row/") + name);
        if (body.empty()) GTEST_SKIP() << "the cases are not there";
        const auto parsed = find_format("eccc-csv")->read(body);
        ASSERT_TRUE(parsed.has_value()) << parsed.error();
        const Series* series = find_series(*parsed, "05BB002:discharge");
        ASSERT_NE(series, nullptr) << name;
        EXPECT_EQ(series->readings,
                  (std::vector<Reading>{{utc("2026-11-28T13:00:00Z"), double(discharge)}}));
        EXPECT_EQ(parsed->skipped[Skip::bad_row], 1) << name;
        EXPECT_EQ(parsed->skipped.total(), 1) << name;
        EXPECT_EQ(parsed->first_fault, fault);
    }
}

// Times at which a series first comes to a level from below, and last falls below it.
std::pair<Time, Time> passages(const Series& series, double level) {
    std::pair<Time, Time> result;
    for (std::size_t i = 1; i < series.readings.size(); ++i) {
        const Reading& before = series.readings[i - 1];
        const Reading& here = series.readings[i];
        const bool rises = before.value < level && here.value >= level;
        if (rises && result.first == Time{}) result.first = here.read_at;
        if (before.value >= level && here.value < level) result.second = here.read_at;
    }
    return result;
}

TEST(RealFiles, ThePearlRiverPassesItsLevelsWhenItDid) {
    const char* data = std::getenv("TOCSIN_DATA");
    if (data == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    const auto parsed =
        find_format("usgs-json")
            ->read(file(std::string(data) + "/gauges/usgs/iv-02489500-02492000-2019-02-25.json"));
    ASSERT_TRUE(parsed.has_value()) << parsed.error();
    const Series* stage = find_series(*parsed, "02489500:00065");
    ASSERT_NE(stage, nullptr);
    EXPECT_EQ(passages(*stage, 20).first, utc("2019-02-25T13:00:00Z"));
    EXPECT_EQ(passages(*stage, 20).second, utc("2019-02-25T14:30:00Z"));
    EXPECT_EQ(passages(*stage, 20.3).first, utc("2019-02-27T07:30:00Z"));
}

TEST(RealFiles, TheBowRiverAtCalgaryInJune2013) {
    const RealFile bow{
        "bow-calgary-2013.csv",
        "eccc-csv",
        {},
        {
            {"05BH004:discharge", 256, "2013-06-17T00:00:00-07:00", "2013-06-27T15:00:00-07:00",
             1682.913, "2013-06-21T07:00:00-07:00", 186.902, "2013-06-17T19:00:00-07:00"},
            {"05BH004:level", 256, "2013-06-17T00:00:00-07:00", "2013-06-27T15:00:00-07:00", 4.115,
             "2013-06-21T07:00:00-07:00", 1.597, "2013-06-18T00:00:00-07:00"},
        }};
    expect_file(bow, test_file(bow.path));
}

}  // namespace
}  // namespace tocsin::trigger
