// What an instance makes of the records that it meets in the stream.
#include "trigger/heard.hpp"

#include "trigger/listening_rules.hpp"
#include "trigger/window.hpp"
#include "unit/trigger/gauge_files.hpp"

#include <gmock/gmock.h>

namespace tocsin::trigger {
namespace {

class HeardTest : public ::testing::Test {
protected:
    static std::string record(const std::string& series, const std::string& read_at) {
        v1::Readings body;
        body.set_source_id("gauge");
        body.set_series(series);
        *body.add_readings()->mutable_read_at() = runtime::to_proto(utc(read_at));
        return body.SerializeAsString();
    }
    // Readings at these minutes past midnight.
    static v1::Readings readings(const std::string& series, std::initializer_list<int> minutes) {
        v1::Readings body;
        body.set_source_id("gauge");
        body.set_series(series);
        for (const int minute : minutes) {
            auto& reading = *body.add_readings();
            *reading.mutable_read_at() =
                runtime::to_proto(utc("2026-05-01T00:00:00Z") + std::chrono::minutes{minute});
            reading.set_value(minute);
        }
        return body;
    }
    static v1::Readings list_of(std::initializer_list<const char*> names) {
        v1::Readings body;
        body.set_source_id("gauge");
        for (const char* name : names) {
            body.add_listed()->set_series(name);
            body.mutable_listed()->rbegin()->set_unit("m");
        }
        return body;
    }
    // Of the series A.
    std::vector<double> values() const {
        std::vector<double> all;
        if (const auto series = heard_->series("bow", "gauge", "A"))
            for (const Reading& reading : series->readings) all.push_back(reading.value);
        return all;
    }
    void meet(const v1::Readings& body) { meet(body.SerializeAsString()); }
    void meet(const std::string& body, const std::string& realm = "bow") {
        runtime::Foreign foreign;
        foreign.service = "trigger";
        foreign.topic = "tocsin.trigger.readings.v1";
        foreign.realm = realm;
        foreign.at = at_;
        foreign.events.push_back(body);
        tick_ += std::chrono::seconds{1};
        heard_->met(foreign);
    }

    void keep_only_bow() {
        heard_->keep_only({{{"bow", "gauge"}, 0}}, [](const std::string&) { return true; });
    }

    Time at_ = utc("2026-05-01T00:02:00Z");
    Heard::Tick tick_{std::chrono::hours{1}};
    std::shared_ptr<Heard> heard_ = std::make_shared<Heard>([this] { return tick_; });
    const std::string first_ = record("A", "2026-05-01T00:00:00Z");
    const std::string second_ = record("A", "2026-05-01T00:01:00Z");
};

TEST_F(HeardTest, TwoPollsOfItsOwnInARowStandAlone) {
    heard_->expect("bow", first_, 1);
    meet(first_);
    EXPECT_EQ(heard_->of("bow", "gauge").alone, 1);
    heard_->expect("bow", second_, 2);
    meet(second_);
    EXPECT_EQ(heard_->of("bow", "gauge").alone, 2);
    EXPECT_EQ(heard_->of("bow", "gauge").others_at, Heard::Tick{});
    meet(second_);
    EXPECT_EQ(heard_->of("bow", "gauge").alone, 0) << "the leader brought the same";
    EXPECT_EQ(heard_->of("bow", "gauge").others_at, tick_);
}

TEST_F(HeardTest, TheRecordsOfOnePollAreOnePoll) {
    heard_->expect("bow", first_, 1);
    heard_->expect("bow", second_, 1);
    meet(first_);
    meet(second_);
    EXPECT_EQ(heard_->of("bow", "gauge").alone, 1);
}

TEST_F(HeardTest, WhatWasNotStoredIsNotExpected) {
    heard_->expect("bow", first_, 1);
    heard_->expect_not("bow", first_);
    meet(first_);
    EXPECT_EQ(heard_->of("bow", "gauge").alone, 0);
}

TEST_F(HeardTest, RealmsAndSeriesAreApart) {
    meet(first_, "elbow");
    EXPECT_FALSE(heard_->of("bow", "gauge").newest);
    meet(second_);
    EXPECT_EQ(heard_->series("bow", "gauge", "A")->readings.back().read_at,
              utc("2026-05-01T00:01:00Z"));
    EXPECT_FALSE(heard_->series("bow", "gauge", "B"));
    EXPECT_EQ(heard_->names("bow", "gauge"), std::vector<std::string>{"A"});
}

TEST_F(HeardTest, OnlyWhatIsInUseIsKept) {
    meet(first_);
    meet(first_, "elbow");
    keep_only_bow();
    EXPECT_TRUE(heard_->of("bow", "gauge").newest);
    EXPECT_FALSE(heard_->of("elbow", "gauge").newest);
    meet(second_, "elbow");
    keep_only_bow();
    EXPECT_FALSE(heard_->of("elbow", "gauge").newest) << "a straggler";
    meet(second_, "elbow");
    EXPECT_TRUE(heard_->of("elbow", "gauge").newest) << "perhaps its source is about to be used";
}

TEST_F(HeardTest, AnOlderRecordDoesNotMakeTheNewestNews) {
    meet(second_);
    const Heard::Tick later = tick_ + std::chrono::milliseconds{1};
    meet(first_);
    EXPECT_LT(heard_->series("bow", "gauge", "A")->met_at, later);
    EXPECT_EQ(heard_->of("bow", "gauge").newest, utc("2026-05-01T00:01:00Z"));
}

TEST_F(HeardTest, OfARealmThatIsBeingFoldedAllIsKept) {
    meet(first_);
    heard_->keep_only({}, [](const std::string& realm) { return realm != "bow"; });
    EXPECT_TRUE(heard_->of("bow", "gauge").newest);
}

TEST_F(HeardTest, ARecordEndsWithWhatItHoldsOfTheTimeBefore) {
    at_ = utc("2026-05-01T01:00:00Z");
    meet(readings("A", {1, 2, 3, 4}));
    meet(readings("A", {3, 5}));
    EXPECT_EQ(values(), (std::vector<double>{2, 3, 4, 5})) << "and one, which tells of a silence";
}

TEST_F(HeardTest, AWindowIsBounded) {
    at_ = utc("2026-05-09T00:00:00Z");
    for (int i = 0; i < 4; ++i) {
        v1::Readings body = readings("A", {0});
        for (int minute = i * 1'000; minute < (i + 1) * 1'000; ++minute)
            body.MergeFrom(readings("A", {minute}));
        meet(body);
    }
    EXPECT_EQ(values().size(), window_readings_max);
    EXPECT_EQ(values().back(), 3'999);
}

TEST_F(HeardTest, SeriesAreBoundedAndTheOneThatWasSilentLongestIsLetGo) {
    for (std::size_t i = 0; i < series_max; ++i) meet(readings("S" + std::to_string(i), {1}));
    meet(readings("S0", {2}));
    meet(readings("another", {1}));
    EXPECT_EQ(heard_->names("bow", "gauge").size(), series_max);
    EXPECT_TRUE(heard_->series("bow", "gauge", "another"));
    EXPECT_TRUE(heard_->series("bow", "gauge", "S0"));
    EXPECT_FALSE(heard_->series("bow", "gauge", "S1"));
}

TEST_F(HeardTest, AnotherUnitOrSensorIsAnotherSeries) {
    meet(readings("A", {0}));
    v1::Readings feet = readings("A", {1});
    feet.set_unit("ft");
    meet(feet);
    EXPECT_EQ(values(), std::vector<double>{1});
    v1::Readings sensor = readings("A", {0});
    sensor.set_unit("ft");
    sensor.set_sensor("8");
    meet(sensor);
    EXPECT_EQ(values(), std::vector<double>{0});
}

TEST_F(HeardTest, AWithdrawnValueIsLetGo) {
    meet(readings("A", {0, 1, 2}));
    v1::Readings later = readings("A", {0, 2});
    *later.add_withdrawn() = runtime::to_proto(utc("2026-05-01T00:01:00Z"));
    meet(later);
    EXPECT_EQ(values(), (std::vector<double>{0, 2}));
    meet(readings("A", {0, 1, 2}));
    EXPECT_EQ(values(), (std::vector<double>{0, 1, 2})) << "published again";
    meet(readings("A", {0, 2}));
    EXPECT_EQ(values(), (std::vector<double>{0, 1, 2})) << "absent is not withdrawn";
}

TEST_F(HeardTest, AnotherAddressBeginsAnewAndALateRecordOfTheOneBeforeIsPassedOver) {
    v1::Readings old = readings("A", {0});
    old.set_address(1);
    v1::Readings fresh = readings("A", {1});
    fresh.set_address(4);
    meet(old);
    meet(list_of({"gone"}));
    meet(fresh);
    EXPECT_EQ(values(), std::vector<double>{1});
    EXPECT_FALSE(heard_->listing("bow", "gauge"));
    const auto others_at = heard_->of("bow", "gauge").others_at;
    old.mutable_readings(0)->set_value(99);
    meet(old);
    EXPECT_EQ(values(), std::vector<double>{1});
    EXPECT_EQ(heard_->of("bow", "gauge").others_at, others_at) << "nobody polls the new one";
    heard_->keep_only({{{"bow", "gauge"}, 5}}, [](const std::string&) { return true; });
    EXPECT_FALSE(heard_->series("bow", "gauge", "A")) << "put once more";
    meet(fresh);
    EXPECT_FALSE(heard_->series("bow", "gauge", "A"));
}

TEST_F(HeardTest, WhatIsListedHasAUnitAndWhatIsListedNoMoreIsMissingSince) {
    EXPECT_FALSE(heard_->listing("bow", "gauge"));
    meet(list_of({"A", "B"}));
    EXPECT_EQ(heard_->names("bow", "gauge"), (std::vector<std::string>{"A", "B"}));
    EXPECT_EQ(heard_->series("bow", "gauge", "B")->unit, "m");
    EXPECT_TRUE(heard_->series("bow", "gauge", "B")->readings.empty());
    EXPECT_EQ(heard_->of("bow", "gauge").others_at, Heard::Tick{}) << "it brings no reading";
    meet(readings("A", {0}));
    EXPECT_FALSE(heard_->series("bow", "gauge", "A")->missing_since);
    meet(list_of({"B"}));
    EXPECT_EQ(heard_->series("bow", "gauge", "A")->missing_since, at_);
    const Time since = at_;
    at_ += std::chrono::minutes{5};
    meet(list_of({}));
    EXPECT_EQ(heard_->series("bow", "gauge", "A")->missing_since, since);
    EXPECT_FALSE(heard_->series("bow", "gauge", "B"));
    meet(list_of({"A"}));
    EXPECT_FALSE(heard_->series("bow", "gauge", "A")->missing_since);
}

TEST_F(HeardTest, TheNewestIsTheSeriesWithItsLastReading) {
    meet(readings("A", {0, 1, 2}));
    ASSERT_EQ(heard_->newest("bow", "gauge", "A")->readings.size(), 1U);
    EXPECT_EQ(heard_->newest("bow", "gauge", "A")->readings[0].value, 2);
    EXPECT_FALSE(heard_->newest("bow", "gauge", "B"));
}

TEST_F(HeardTest, WhatIsRecalledFromFurtherBackIsOnlyWhatWasAskedForAndNotMetSince) {
    meet(readings("A", {1}));
    const std::set<Heard::SeriesKey> only{{"bow", "gauge", "A"}, {"bow", "gauge", "B"}};
    for (const char* name : {"A", "B", "C"}) {
        runtime::Foreign foreign{"tocsin.trigger.readings.v1", "trigger", "bow", 0, at_, {}};
        foreign.events.push_back(readings(name, {0}).SerializeAsString());
        heard_->recall(foreign, &only);
    }
    EXPECT_EQ(values(), std::vector<double>{1});
    EXPECT_TRUE(heard_->series("bow", "gauge", "B"));
    EXPECT_FALSE(heard_->series("bow", "gauge", "C"));
}

TEST_F(HeardTest, TheRulesTellWhatTheyMeetAndAFreshFoldDoesToo) {
    const auto rules = listening_rules(heard_)->fresh();
    runtime::Foreign foreign;
    foreign.service = "trigger";
    foreign.topic = "tocsin.trigger.readings.v1";
    foreign.realm = "bow";
    foreign.at = utc("2026-05-01T00:02:00Z");
    foreign.events.push_back(first_);
    EXPECT_FALSE(rules->react(foreign, Time{})) << "no rule reads it";
    EXPECT_EQ(heard_->of("bow", "gauge").newest, utc("2026-05-01T00:00:00Z"));
}

}  // namespace
}  // namespace tocsin::trigger
