// Which refused crossings somebody still has to look at.
#include "support/given.hpp"
#include "trigger/event.hpp"
#include "trigger/view.hpp"
#include "unit/trigger/folded.hpp"

#include <gtest/gtest.h>

namespace tocsin::trigger {
namespace {

using testing::at;

class RefusedTest : public ::testing::Test {
protected:
    RefusedTest() { put(3); }

    template <class Event>
    void happened(const char* service, const Event& event) {
        fold(realm_, service, event);
    }
    void put(double threshold, const char* rule_id = "bow-high", const char* template_id = "flood",
             const char* series = "A:level") {
        v1::Event event = event_of(rule_id);
        auto& rule = *event.mutable_rule_put()->mutable_rule();
        rule.set_rule_id(rule_id);
        rule.set_source_id("usgs");
        rule.set_series(series);
        rule.set_threshold(threshold);
        rule.set_template_id(template_id);
        rule.set_active(true);
        happened("trigger", event);
    }
    void remove() {
        v1::Event event = event_of("bow-high");
        event.mutable_rule_removed();
        happened("trigger", event);
    }
    void refused(const char* crossing_id) {
        v1::Event event = event_of("bow-high");
        auto& crossing = *event.mutable_rule_crossed()->mutable_crossing();
        crossing.set_crossing_id(crossing_id);
        crossing.set_rule_id("bow-high");
        *crossing.mutable_cross_time() = runtime::to_proto(at(0));
        crossing.add_evidence();
        happened("trigger", event);
        drafting::v1::Event answer;
        answer.mutable_crossing_refused()->set_crossing_id(crossing_id);
        answer.mutable_crossing_refused()->set_reason("template `flood` does not exist");
        happened("drafting", answer);
    }
    std::int64_t count() const { return realm_.refused(at(-1)); }

    Realm realm_;
};

TEST_F(RefusedTest, ACrossingCountsUntilItsRuleIsRemoved) {
    refused("x-1");
    EXPECT_EQ(count(), 1);
    remove();
    EXPECT_EQ(count(), 0);
    // It stays listed.
    v1::Crossing crossing;
    crossing.set_crossing_id("x-1");
    EXPECT_NE(realm_.shown(crossing).refused(), "");
}

TEST_F(RefusedTest, ACrossingCountsUntilItsRuleReadsAnotherSeries) {
    refused("x-1");
    put(3, "bow-high", "other");
    EXPECT_EQ(count(), 1) << "it asks the same";
    put(3.5);
    EXPECT_EQ(count(), 1) << "whether it is drafted still is drafting's to say";
    put(3.5, "bow-high", "other", "B:level");
    EXPECT_EQ(count(), 0);
    refused("x-2");
    EXPECT_EQ(count(), 1) << "the new series' own";
}

TEST_F(RefusedTest, AnotherRuleEndsNothing) {
    refused("x-1");
    put(9, "elbow-high");
    put(8, "elbow-high");
    EXPECT_EQ(count(), 1);
}

TEST_F(RefusedTest, WhatWasSeenToIsForgottenWithTheRule) {
    refused("x-1");
    remove();
    for (int i = 0; i < 1100; ++i) {
        const std::string id = "other-" + std::to_string(i);
        put(3, id.c_str());
        v1::Event event = event_of(id);
        event.mutable_rule_removed();
        happened("trigger", event);
    }
    EXPECT_EQ(realm_.state().rules.find("bow-high"), nullptr);
    EXPECT_EQ(count(), 0);
}

}  // namespace
}  // namespace tocsin::trigger
