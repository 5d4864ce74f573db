// Floods as they were measured, reading by reading: when rules cross, and when they fall back. The
// figures are those of the folder that TOCSIN_DATA names; they were worked out with other programs.
#include "support/given.hpp"
#include "trigger/decider.hpp"
#include "unit/trigger/gauge_files.hpp"

#include <fmt/format.h>

#include <sstream>

namespace tocsin::trigger {
namespace {

struct Flood {
    const char* name;
    const char* station;
    double threshold;
    const char* first;  // at or above, Mountain Standard Time
    const char* fell;   // the last time that it fell below
};

class Floods : public ::testing::TestWithParam<Flood> {
protected:
    void SetUp() override {
        if (std::getenv("TOCSIN_DATA") == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    }
};

Time mst(std::string text) {
    text[10] = 'T';
    return utc(text + "-07:00");
}

struct Row {
    Reading reading;
    Time seen;  // when it was first published so
};

// Columns station, time, level, flow and, of revisions, first seen and last seen.
std::vector<Row> rows_of(const std::string& name) {
    std::stringstream lines(
        file(std::string{std::getenv("TOCSIN_DATA")} + "/gauges/alberta-2013/" + name));
    std::vector<Row> rows;
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        std::stringstream cells(line);
        std::string cell;
        std::vector<std::string> all;
        while (std::getline(cells, cell, ',')) all.push_back(cell);
        if (all.size() < 4 || all[3].empty()) continue;
        const Time at = mst(all[1]);
        rows.push_back({{at, std::stod(all[3])}, all.size() > 4 ? utc(all[4]) : at});
    }
    return rows;
}

class River {
public:
    River(double threshold, double cooldown_seconds) {
        v1::Event event;
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

TEST_P(Floods, AreCrossedAtWhenTheyCameAndFallWhenTheyFell) {
    const Flood& flood = GetParam();
    const auto rows = rows_of(fmt::format("{}.latest.csv", flood.station));
    std::vector<Reading> readings;
    for (const Row& row : rows) readings.push_back(row.reading);
    River each_wave(flood.threshold, 0), once(flood.threshold, 30.0 * 86400);
    constexpr std::size_t before = 12;
    for (std::size_t i = 0; i < readings.size(); ++i) {
        const std::size_t from = i - std::min(i, before);
        const std::span<const Reading> window{&readings[from], i - from + 1};
        each_wave.meet(window, readings[i].read_at);
        once.meet(window, readings[i].read_at);
    }
    ASSERT_FALSE(each_wave.rule().fired.empty());
    EXPECT_EQ(each_wave.rule().fired.front().at, mst(flood.first));
    EXPECT_EQ(each_wave.rule().fired.back().ended, mst(flood.fell));
    ASSERT_EQ(once.rule().fired.size(), 1U);
    EXPECT_EQ(once.rule().fired[0].at, mst(flood.first));
}

INSTANTIATE_TEST_SUITE_P(
    Alberta2013, Floods,
    ::testing::Values(
        Flood{"lake_louise", "05BA001", 50, "2013-06-20 18:00:00", "2013-06-23 07:00:00"},
        Flood{"banff", "05BB001", 300, "2013-06-20 18:00:00", "2013-06-23 08:00:00"},
        Flood{"banff_higher", "05BB001", 400, "2013-06-21 06:00:00", "2013-06-22 05:00:00"},
        Flood{"calgary", "05BH004", 500, "2013-06-20 10:00:00", "2013-06-27 06:00:00"},
        Flood{"calgary_higher", "05BH004", 1000, "2013-06-20 17:00:00", "2013-06-23 16:00:00"},
        Flood{"calgary_highest", "05BH004", 1500, "2013-06-20 22:00:00", "2013-06-22 12:00:00"},
        Flood{"bassano", "05BM004", 1000, "2013-06-21 11:00:00", "2013-06-27 12:00:00"},
        Flood{"bassano_higher", "05BM004", 2000, "2013-06-22 03:00:00", "2013-06-24 14:00:00"}),
    [](const auto& flood) { return flood.param.name; });

// As it was known at the time: polled from 21 June 18:33 UTC on, when it had been high for a day,
// and corrected up to three times; for some hours it seemed to have dipped below and risen again.
// It crosses once, at a reading that was young enough, and falls when it fell in the end.
TEST(FloodAsKnownThen, TheBowAtCalgaryIsCrossedAtOnceThroughAllItsRevisions) {
    if (std::getenv("TOCSIN_DATA") == nullptr) GTEST_SKIP() << "TOCSIN_DATA is not set";
    const auto rows = rows_of("05BH004.revisions.csv");
    std::map<Time, std::vector<Reading>> polls;
    for (const Row& row : rows) polls[row.seen].push_back(row.reading);
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
    EXPECT_EQ(river.rule().fired[0].ended, mst("2013-06-23 16:00:00"));
}

}  // namespace
}  // namespace tocsin::trigger
