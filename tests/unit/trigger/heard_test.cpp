// What an instance makes of the records that it meets in the stream.
#include "trigger/heard.hpp"

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
    void meet(const std::string& body, const std::string& realm = "bow") {
        runtime::Foreign foreign;
        foreign.service = "trigger";
        foreign.topic = "tocsin.trigger.readings.v1";
        foreign.realm = realm;
        foreign.at = utc("2026-05-01T00:02:00Z");
        foreign.events.push_back(body);
        tick_ += std::chrono::seconds{1};
        heard_->met(foreign);
    }

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
    heard_->keep_only({{"bow", "gauge"}});
    EXPECT_TRUE(heard_->of("bow", "gauge").newest);
    EXPECT_FALSE(heard_->of("elbow", "gauge").newest);
    meet(second_, "elbow");
    heard_->keep_only({{"bow", "gauge"}});
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
