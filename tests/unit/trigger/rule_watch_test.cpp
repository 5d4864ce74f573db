// What metrics say of rules: which are without data, and which crossings led to no message.
#include "trigger/rule_watch.hpp"

#include "support/allocations.hpp"
#include "support/metric_value.hpp"
#include "trigger/event.hpp"
#include "trigger/window.hpp"
#include "unit/trigger/folded.hpp"
#include "unit/trigger/gauge_files.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tocsin::trigger {
namespace {

class RuleWatchTest : public ::testing::Test {
protected:
    RuleWatchTest() {
        v1::Event source;
        source.mutable_source_put()->mutable_source()->set_source_id("gauge");
        source.mutable_source_put()->mutable_source()->set_stale_seconds(3600);
        source.mutable_source_put()->mutable_source()->set_active(true);
        apply("trigger", source);
    }

    template <class Event>
    void apply(const std::string& service, const Event& event) {
        fold(view_, service, event, now_);
    }
    void put_rule(const std::string& id, const std::string& series) {
        v1::Event event = event_of(id);
        v1::Rule& rule = *event.mutable_rule_put()->mutable_rule();
        rule.set_rule_id(id);
        rule.set_source_id("gauge");
        rule.set_series(series);
        rule.set_threshold(1000);
        rule.set_active(true);
        apply("trigger", event);
    }
    void remove_rule(const std::string& id) {
        v1::Event event = event_of(id);
        event.mutable_rule_removed();
        apply("trigger", event);
    }
    void meet(const std::string& series, Time at, int count = 1) {
        v1::Readings body;
        body.set_source_id("gauge");
        body.set_series(series);
        for (int i = count - 1; i >= 0; --i)
            *body.add_readings()->mutable_read_at() =
                runtime::to_proto(at - std::chrono::minutes{i});
        runtime::Foreign foreign{"tocsin.trigger.readings.v1", "trigger", "bow", 0, now_, {}};
        foreign.events.push_back(body.SerializeAsString());
        heard_.met(foreign);
    }
    void refuse(const std::string& id, Time at) {
        v1::Event event = event_of("high");
        auto& crossing = *event.mutable_rule_crossed()->mutable_crossing();
        crossing.set_crossing_id(id);
        crossing.set_rule_id("high");
        crossing.add_evidence();
        *crossing.mutable_cross_time() = runtime::to_proto(at);
        apply("trigger", event);
        drafting::v1::Event refused;
        refused.mutable_crossing_refused()->set_crossing_id(id);
        refused.mutable_crossing_refused()->set_reason("no template");
        apply("drafting", refused);
    }
    std::optional<double> without_data(const std::string& rule) {
        return testing::metric_value(metrics_, "tocsin_trigger_rule_without_data",
                                     {{"realm", "bow"}, {"rule", rule}});
    }
    std::optional<double> refused() {
        return testing::metric_value(metrics_, "tocsin_trigger_crossings_refused",
                                     {{"realm", "bow"}});
    }

    Time now_ = utc("2026-05-03T12:00:00Z");
    runtime::Metrics metrics_{""};
    TriggerView view_{1};
    Heard heard_{[] { return std::chrono::steady_clock::time_point{std::chrono::hours{1}}; }};
    RuleWatch watch_{metrics_, view_, heard_};
};

TEST_F(RuleWatchTest, SaysWhichRuleIsWithoutData) {
    put_rule("high", "A:level");
    put_rule("silent", "B:level");
    meet("A:level", now_ - std::chrono::minutes{30});
    meet("B:level", now_ - std::chrono::minutes{61});
    watch_.look(true, now_);
    EXPECT_EQ(without_data("high"), 0);
    EXPECT_EQ(without_data("silent"), 1);
    meet("B:level", now_);
    watch_.look(true, now_);
    EXPECT_EQ(without_data("silent"), 0);
    put_rule("never", "C:level");
    watch_.look(true, now_);
    EXPECT_EQ(without_data("never"), 1);
}

TEST_F(RuleWatchTest, WhoDoesNotHearTheStreamCannotTell) {
    put_rule("high", "A:level");
    watch_.look(false, now_);
    EXPECT_TRUE(std::isnan(without_data("high").value()));
    meet("A:level", now_);
    watch_.look(false, now_);
    EXPECT_TRUE(std::isnan(without_data("high").value()));
}

TEST_F(RuleWatchTest, OfARemovedRuleNothingIsSaid) {
    put_rule("high", "A:level");
    put_rule("other", "A:level");
    watch_.look(true, now_);
    ASSERT_EQ(without_data("high"), 1);
    remove_rule("high");
    watch_.look(true, now_);
    EXPECT_FALSE(without_data("high"));
    EXPECT_EQ(without_data("other"), 1);
    put_rule("high", "A:level");
    watch_.look(true, now_);
    EXPECT_EQ(without_data("high"), 1);
}

TEST_F(RuleWatchTest, SaysHowManyCrossingsOfTheLastDayWereRefused) {
    put_rule("high", "A:level");
    watch_.look(true, now_);
    EXPECT_EQ(refused(), 0);
    refuse("a", now_ - std::chrono::hours{24} - std::chrono::seconds{1});
    refuse("b", now_ - std::chrono::hours{23});
    watch_.look(true, now_);
    EXPECT_EQ(refused(), 1);
    watch_.look(true, now_ + std::chrono::hours{2});
    EXPECT_EQ(refused(), 0);
}

// It looks every two seconds, on the thread of all HTTP: a thousand windows as long as they may be
// took 45 ms to copy.
TEST_F(RuleWatchTest, ALookCopiesNoWindow) {
    put_rule("high", "A:level");
    meet("A:level", now_, window_readings_max);
    watch_.look(true, now_);
    testing::forget_largest();
    watch_.look(true, now_);
    EXPECT_EQ(without_data("high"), 0);
    EXPECT_LT(testing::allocations().largest, window_readings_max * sizeof(Reading));
}

}  // namespace
}  // namespace tocsin::trigger
