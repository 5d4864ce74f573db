// Floods as they were measured, reading by reading: when rules cross, and when they fall back. The
// figures are those of the folder that TOCSIN_DATA names; they were worked out with other programs.
#include "support/given.hpp"
#include "trigger/decider.hpp"
#include "trigger/event.hpp"
#include "unit/trigger/gauge_files.hpp"

#include <fmt/format.h>

#include <map>
#include <regex>

namespace tocsin::trigger {
namespace {

// What a file holds, in order of time.
using ReadFlood = std::vector<Reading> (*)(const std::string& text);

struct Flood {
    const char* name;
    const char* path;  // below gauges/
    ReadFlood read;
    double threshold;
    const char* first;  // at or above; empty: never
    const char* fell;   // the last time that it fell below; empty: it never did
};

class Floods : public ::testing::TestWithParam<Flood> {
protected:
    void SetUp() override {
        if (std::getenv("TOCSIN_DATA") == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    }
};

std::string flood_file(const std::string& path) {
    return file(std::string{std::getenv("TOCSIN_DATA")} + "/gauges/" + path);
}

Time mst(std::string text) {
    text[10] = 'T';
    return utc(text + "-07:00");
}

// Each match of `pattern` is a reading; `time` writes what was caught as RFC 3339, and the last
// that was caught is the value.
template <class WriteTime>
std::vector<Reading> matched(const std::string& text, const char* pattern, WriteTime time) {
    std::map<Time, double> found;
    const std::regex each(pattern);
    for (std::sregex_iterator at(text.begin(), text.end(), each), end; at != end; ++at)
        found[utc(time(*at))] = std::stod((*at)[at->size() - 1]);
    std::vector<Reading> readings;
    for (const auto& [read_at, value] : found) readings.push_back({read_at, value});
    return readings;
}

std::string first_caught(const std::smatch& match) { return match[1]; }

std::vector<Reading> alberta(const std::string& text) {
    return matched(text, R"(\n\w+,([-0-9]+) ([:0-9]+),[^,\n]*,([0-9.]+))", [](const auto& match) {
        return fmt::format("{}T{}-07:00", match[1].str(), match[2].str());
    });
}

// The Environment Agency's archive: times without a zone, which are GMT.
std::vector<Reading> ea_archive(const std::string& text) {
    return matched(text, R"(\n(\d\d)/(\d\d)/(\d{4}) (\d\d:\d\d)(?::00)?,([-0-9.]+))",
                   [](const auto& match) {
                       return fmt::format("{}-{}-{}T{}:00Z", match[3].str(), match[2].str(),
                                          match[1].str(), match[4].str());
                   });
}

std::vector<Reading> ea_readings(const std::string& text) {
    return matched(text, R"re("dateTime" : "([^"]+)"[^}]*"value" : ([-0-9.]+))re", first_caught);
}

std::vector<Reading> ea_telemetry(const std::string& text) {
    return matched(text, R"re("ts": "([^"]+)Z",\s*"_": ([-0-9.]+))re",
                   [](const auto& match) { return match[1].str() + ":00Z"; });
}

std::vector<Reading> gage_height(const std::string& waterml) {
    const std::size_t from = waterml.find(":00065:"), to = waterml.find("</ns1:timeSeries>", from);
    return matched(waterml.substr(from, to - from), R"re(dateTime="([^"]+)">([-0-9.]+)<)re",
                   first_caught);
}

template <const char* series>
std::vector<Reading> usgs(const std::string& text) {
    const auto parsed = find_format("usgs-json")->read(text);
    const Series* found = parsed ? find_series(*parsed, series) : nullptr;
    EXPECT_NE(found, nullptr) << series;
    return found ? found->readings : std::vector<Reading>{};
}

constexpr char pearl_height[] = "02489500:00065", susquehanna_flow[] = "01541000:00060";

class River {
public:
    River(double threshold, double cooldown_seconds) {
        v1::Event event = event_of("high");
        auto& rule = *event.mutable_rule_put()->mutable_rule();
        rule.set_rule_id("high");
        rule.set_source_id("bow");
        rule.set_series("S:discharge");
        rule.set_threshold(threshold);
        rule.set_cooldown_seconds(cooldown_seconds);
        rule.set_max_age_seconds(3 * 3600);
        rule.set_active(true);
        Decider::evolve(state_, event, Time{});
    }

    void meet(std::span<const Reading> readings, Time now) {
        v1::Readings body;
        body.set_source_id("bow");
        body.set_series("S:discharge");
        body.set_unit("m3/s");
        for (const Reading& each : readings) {
            auto& reading = *body.add_readings();
            *reading.mutable_read_at() = runtime::to_proto(each.read_at);
            reading.set_value(each.value);
        }
        auto record = testing::foreign<v1::Readings>("trigger", "bow", {body}, now);
        record.topic = "tocsin.trigger.readings.v1";
        const auto happened = Decider::react(state_, record, now);
        if (!happened) return;
        for (const v1::Event& event : happened->events) Decider::evolve(state_, event, now);
    }

    const RuleState& rule() const { return *state_.rules.find("high"); }

private:
    State state_;
};

// How often the readings come from below to or above it: each time is a wave.
std::size_t rises(std::span<const Reading> readings, double threshold) {
    std::size_t count = 0;
    bool below = true;
    for (const Reading& reading : readings) {
        count += below && reading.value >= threshold;
        below = reading.value < threshold;
    }
    return count;
}

TEST_P(Floods, AreCrossedAtWhenTheyCameAndFallWhenTheyFell) {
    const Flood& flood = GetParam();
    const std::vector<Reading> readings = flood.read(flood_file(flood.path));
    ASSERT_FALSE(readings.empty());
    River each_wave(flood.threshold, 0), once(flood.threshold, 30.0 * 86400);
    constexpr std::size_t before = 12;
    for (std::size_t i = 0; i < readings.size(); ++i) {
        const std::size_t from = i - std::min(i, before);
        const std::span<const Reading> window{&readings[from], i - from + 1};
        each_wave.meet(window, readings[i].read_at);
        once.meet(window, readings[i].read_at);
    }
    EXPECT_EQ(each_wave.rule().crossings, rises(readings, flood.threshold));
    EXPECT_EQ(once.rule().crossings, *flood.first ? 1 : 0);
    if (!*flood.first) return;
    EXPECT_EQ(once.rule().fired.at(0).at, utc(flood.first));
    EXPECT_EQ(each_wave.rule().fired.at(0).at, utc(flood.first));
    std::optional<Time> fell;  // a wave may have followed
    for (const Fired& fired : each_wave.rule().fired)
        if (fired.ended) fell = fired.ended->at;
    EXPECT_EQ(fell, *flood.fell ? std::optional{utc(flood.fell)} : std::nullopt);
}

std::string flood_name(const ::testing::TestParamInfo<Flood>& flood) { return flood.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Alberta2013, Floods,
    ::testing::Values(Flood{"lake_louise", "alberta-2013/05BA001.latest.csv", alberta, 50,
                            "2013-06-20T18:00:00-07:00", "2013-06-23T07:00:00-07:00"},
                      Flood{"banff", "alberta-2013/05BB001.latest.csv", alberta, 300,
                            "2013-06-20T18:00:00-07:00", "2013-06-23T08:00:00-07:00"},
                      Flood{"banff_higher", "alberta-2013/05BB001.latest.csv", alberta, 400,
                            "2013-06-21T06:00:00-07:00", "2013-06-22T05:00:00-07:00"},
                      Flood{"calgary", "alberta-2013/05BH004.latest.csv", alberta, 500,
                            "2013-06-20T10:00:00-07:00", "2013-06-27T06:00:00-07:00"},
                      Flood{"calgary_higher", "alberta-2013/05BH004.latest.csv", alberta, 1000,
                            "2013-06-20T17:00:00-07:00", "2013-06-23T16:00:00-07:00"},
                      Flood{"calgary_highest", "alberta-2013/05BH004.latest.csv", alberta, 1500,
                            "2013-06-20T22:00:00-07:00", "2013-06-22T12:00:00-07:00"},
                      Flood{"bassano", "alberta-2013/05BM004.latest.csv", alberta, 1000,
                            "2013-06-21T11:00:00-07:00", "2013-06-27T12:00:00-07:00"},
                      Flood{"bassano_higher", "alberta-2013/05BM004.latest.csv", alberta, 2000,
                            "2013-06-22T03:00:00-07:00", "2013-06-24T14:00:00-07:00"}),
    flood_name);

constexpr const char* warwick = "ea/2091_Warwick_SG_Dec2012.csv";
constexpr const char* york = "ea/L2406_YorkViking_SG15min_20Dec2015_15Jan2016.csv";

INSTANTIATE_TEST_SUITE_P(
    England, Floods,
    ::testing::Values(
        Flood{"warwick", warwick, ea_archive, 2, "2012-12-20T15:15:00Z", "2012-12-31T11:30:00Z"},
        Flood{"warwick_higher", warwick, ea_archive, 2.5, "2012-12-23T07:30:00Z",
              "2012-12-26T12:00:00Z"},
        Flood{"york", york, ea_archive, 3, "2015-12-23T04:30:00Z", "2016-01-13T14:30:00Z"},
        Flood{"york_higher", york, ea_archive, 4, "2015-12-26T18:00:00Z", "2015-12-30T10:15:00Z"},
        Flood{"york_highest", york, ea_archive, 5, "2015-12-27T09:15:00Z", "2015-12-28T15:45:00Z"},
        Flood{"shrewsbury", "ea/readingsToday-2077.json", ea_readings, 5, "2020-02-25T02:00:00Z",
              "2020-02-25T04:45:00Z"},
        Flood{"shrewsbury_higher", "ea/readingsToday-2077.json", ea_readings, 5.05,
              "2020-02-25T10:30:00Z", ""},
        Flood{"telemetry", "ea/flood-app-nonSpikeTelem.json", ea_telemetry, 2, "", ""},
        Flood{"telemetry_spike", "ea/flood-app-spikeTelem.json", ea_telemetry, 2,
              "2020-10-13T16:00:00Z", ""}),
    flood_name);

constexpr const char* pearl = "usgs/iv-02489500-02492000-2019-02-25.json";

INSTANTIATE_TEST_SUITE_P(
    UnitedStates, Floods,
    ::testing::Values(Flood{"pearl_river", pearl, usgs<pearl_height>, 20, "2019-02-25T13:00:00Z",
                            "2019-02-25T14:30:00Z"},
                      Flood{"pearl_river_higher", pearl, usgs<pearl_height>, 20.3,
                            "2019-02-27T07:30:00Z", ""},
                      Flood{"susquehanna_over_dst", "usgs/iv-01541000-startDST-2018.json",
                            usgs<susquehanna_flow>, 1000, "", ""},
                      Flood{"susquehanna", "usgs/iv-two-sites-two-params.json",
                            usgs<susquehanna_flow>, 1000, "", ""},
                      Flood{"spring_creek_over_dst", "usgs/waterml1-08068500-2011-11.xml",
                            gage_height, 3, "2011-11-16T02:15:00Z", "2011-11-16T14:45:00Z"}),
    flood_name);

// As it was known at the time: polled from 21 June 18:33 UTC on, when it had been high for a day,
// and corrected up to three times; for some hours it seemed to have dipped below and risen again.
// It crosses once, at a reading that was young enough, and falls when it fell in the end.
TEST(FloodAsKnownThen, TheBowAtCalgaryIsCrossedAtOnceThroughAllItsRevisions) {
    if (std::getenv("TOCSIN_DATA") == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    std::map<Time, std::vector<Reading>> polls;  // by when they were first published so
    const std::string text = flood_file("alberta-2013/05BH004.revisions.csv");
    const std::regex row(R"(\n\w+,([-0-9]+ [:0-9]+),[^,\n]*,([0-9.]+),([^,\n]+))");
    for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at)
        polls[utc((*at)[3].str())].push_back({mst((*at)[1]), std::stod((*at)[2])});
    ASSERT_GT(polls.size(), 10U);
    River river(1000, 30.0 * 86400);
    std::map<Time, double> known;
    for (const auto& [seen, news] : polls) {
        for (const Reading& reading : news) known[reading.read_at] = reading.value;
        std::vector<Reading> window;
        for (const auto& [read_at, value] : known) window.push_back({read_at, value});
        river.meet(window, seen);
    }
    ASSERT_EQ(river.rule().fired.size(), 1U);
    const Time first_poll = utc("2013-06-21T18:33:33Z");
    EXPECT_GE(river.rule().fired[0].at, first_poll - std::chrono::hours{3});
    ASSERT_TRUE(river.rule().fired[0].ended);
    EXPECT_EQ(river.rule().fired[0].ended->at, mst("2013-06-23 16:00:00"));
}

}  // namespace
}  // namespace tocsin::trigger
