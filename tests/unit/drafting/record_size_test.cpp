#include "drafting/decider.hpp"

#include "content/content.hpp"
#include "drafting/crossing_draft.hpp"
#include "runtime/base/record_limits.hpp"
#include "unit/drafting/cases.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

namespace tocsin::drafting {
namespace {

using namespace cases;

// As many areas as fit into `bytes`.
content::v1::Draft large_draft(std::size_t bytes) {
    content::v1::Draft draft = samples::make_draft();
    draft.clear_evidence();
    std::string ring;
    constexpr int corners = 160;
    for (int i = 0; i <= corners; ++i) {
        const double angle = 2 * std::numbers::pi * (i % corners) / corners;
        ring += fmt::format("{}{:.5f},{:.5f}", i == 0 ? "" : " ", 51 + .1 * std::cos(angle),
                            -114 + .1 * std::sin(angle));
    }
    while (draft.ByteSizeLong() + 4'000 < bytes) {
        draft.mutable_areas(0)->add_polygons(ring);
    }
    return draft;
}

using runtime::decision_bytes_max;

TEST(Size, ADraftOverTheLimitIsNotStored) {
    auto over = rough_draft();
    over.add_areas()->add_polygons(std::string(content::draft_bytes_max, '1'));
    auto test = given();
    EXPECT_EQ(ana(test).when(create(over)).refused(), "draft_too_large");
    EXPECT_EQ(test.rejection()->field, "draft");
    EXPECT_EQ(ana(test).when(revise("1", over)).refused(), "draft_too_large");
    auto put = put_template();
    *put.mutable_put_template()->mutable_draft() = over;
    EXPECT_EQ(ana(test).when(put).refused(), "draft_too_large");
}

TEST(Size, ADraftAtTheLimitIsSubmittedInRecordsThatFit) {
    const auto draft = large_draft(content::draft_bytes_max);
    auto test = given({incident(), message(draft)});
    EXPECT_EQ(ana(test).when(submit("1")).refused(), "");
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_LE(test.events()[0].message_submitted().content().size(), content::content_bytes_max);
    EXPECT_LT(bytes_of(test.events()), decision_bytes_max);
}

// The rules of a full record are recorded as refused, if need be without what a retry needs.
TEST(Size, RefusalsOfOneReadingFitIntoOneRecord) {
    Case test({incident()}, samples::now);
    std::vector<trigger::v1::Event> events;
    for (int i = 0; i < 100; ++i) {
        events.push_back(crossed_until(until, fmt::format("x-{}", i)));
        for (int editor = 0; editor < 100; ++editor)
            events.back().mutable_rule_crossed()->add_editors(std::string(128, 'h'));
    }
    test.when(foreign<trigger::v1::Event>("trigger", "bow", events, samples::now));
    ASSERT_EQ(test.events().size(), 100u);
    EXPECT_LT(bytes_of(test.events()), decision_bytes_max);
    EXPECT_GT(test.state().refused.size(), 50u);
    EXPECT_LT(test.state().refused.size(), 100u);
    EXPECT_EQ(test.state().refused.known(), 100u);
}

TEST(Size, WhatOneReadingLeadsToFitsIntoOneRecord) {
    v1::Event stored = stored_template();
    auto& draft = *stored.mutable_template_stored()->mutable_template_()->mutable_draft();
    auto large = large_draft(content::draft_bytes_max - 10'000);
    *draft.mutable_areas() = large.areas();
    Case test({incident(), stored}, samples::now);
    test.when(foreign<trigger::v1::Event>("trigger", "bow", {crossed("x-1"), crossed("x-2")},
                                          samples::now));
    ASSERT_EQ(test.events().size(), 3u);
    EXPECT_TRUE(test.events()[1].has_message_submitted());
    EXPECT_TRUE(test.events()[2].crossing_refused().reason().contains("room"));
    EXPECT_LT(bytes_of(test.events()), decision_bytes_max);
}

// Nobody needs to do anything about it.
TEST(Size, WhatFoundNoRoomIsDraftedInARecordOfItsOwn) {
    v1::Event stored = stored_template();
    auto& draft = *stored.mutable_template_stored()->mutable_template_()->mutable_draft();
    *draft.mutable_areas() = large_draft(content::draft_bytes_max - 10'000).areas();
    Case test({incident(), stored}, samples::now);
    test.when(foreign<trigger::v1::Event>(
        "trigger", "bow", {crossed_until(until, "x-1"), crossed_until(until, "x-2")},
        samples::now));
    EXPECT_TRUE(test.events()[2].crossing_refused().no_room());
    const auto due = attempt_due(test.state());
    ASSERT_TRUE(due);
    EXPECT_LE(due->at, samples::now);
    fire(test);
    ASSERT_EQ(test.events().size(), 2u);
    EXPECT_EQ(test.events()[0].message_created().crossing_id(), "x-2");
    EXPECT_FALSE(attempt_due(test.state()));
}

}  // namespace
}  // namespace tocsin::drafting
