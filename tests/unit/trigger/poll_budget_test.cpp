#include "trigger/poll_budget.hpp"

#include <gtest/gtest.h>

namespace tocsin::trigger {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Tick = PollBudget::Tick;

constexpr Tick start{std::chrono::hours{1}};
constexpr std::size_t a_minute_of_bytes = PollBudget::realm_bytes_per_minute;

TEST(PollBudget, WhatARealmBroughtKeepsItsNextPollsWaiting) {
    PollBudget budget;
    ASSERT_FALSE(budget.begin("bow", body_bytes_max, start));
    budget.settle("bow", body_bytes_max, a_minute_of_bytes + a_minute_of_bytes / 2, start);
    const auto wait = budget.begin("bow", body_bytes_max, start);
    ASSERT_TRUE(wait);
    EXPECT_TRUE(wait->too_many_bytes);
    EXPECT_GE(wait->time, seconds{30});
    EXPECT_LE(wait->time, seconds{32});
    EXPECT_FALSE(budget.begin("elbow", body_bytes_max, start)) << "another realm's polls go on";
    EXPECT_TRUE(budget.begin("bow", body_bytes_max, start + seconds{29}));
    EXPECT_FALSE(budget.begin("bow", body_bytes_max, start + wait->time));
}

TEST(PollBudget, NothingIsSavedUpBeyondAMinute) {
    PollBudget budget;
    ASSERT_FALSE(budget.begin("bow", body_bytes_max, start));
    const Tick later = start + std::chrono::hours{24};
    budget.settle("bow", body_bytes_max, a_minute_of_bytes, later);
    EXPECT_TRUE(budget.begin("bow", body_bytes_max, later));
}

TEST(PollBudget, PollsUnderWayAreBoundedByRealmAndInAll) {
    PollBudget budget;
    for (int i = 0; i < PollBudget::of_realm_max; ++i)
        ASSERT_FALSE(budget.begin("bow", body_bytes_max, start));
    const auto wait = budget.begin("bow", body_bytes_max, start);
    ASSERT_TRUE(wait);
    EXPECT_FALSE(wait->too_many_bytes);
    EXPECT_LE(wait->time, seconds{1});
    for (int i = PollBudget::of_realm_max; i < PollBudget::under_way_max; ++i)
        ASSERT_FALSE(budget.begin("realm-" + std::to_string(i), body_bytes_max, start));
    EXPECT_TRUE(budget.begin("one-more", body_bytes_max, start));
    budget.settle("bow", body_bytes_max, 0, start);
    EXPECT_FALSE(budget.begin("one-more", body_bytes_max, start));
}

// Two realms, or four, whose servers take a request and never answer it.
TEST(PollBudget, ARealmHasItsTurnBesideRealmsWhosePollsDoNotEnd) {
    PollBudget budget;
    for (int realm = 0; realm < 8; ++realm)
        for (int i = 0; i < PollBudget::of_realm_max; ++i)
            budget.begin("hanging-" + std::to_string(realm), body_bytes_max, start);
    EXPECT_FALSE(budget.begin("bow", body_bytes_max, start));
    EXPECT_TRUE(budget.begin("bow", body_bytes_max, start)) << "one at a time, while all wait";
    budget.settle("bow", body_bytes_max, 0, start);
    EXPECT_FALSE(budget.begin("bow", body_bytes_max, start));
}

TEST(PollBudget, ALargeAnswerCountsAsManyAndIsNotKeptWaitingBySmallOnes) {
    PollBudget budget;
    for (int i = 0; i < PollBudget::of_realm_max - 1; ++i)
        ASSERT_FALSE(budget.begin("bow", body_bytes_max, start));
    EXPECT_FALSE(budget.begin("bow", long_body_bytes_max, start));
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(budget.begin("bow", body_bytes_max, start)) << i;
        if (i < 3) budget.settle("bow", body_bytes_max, 0, start);
    }
    budget.settle("bow", long_body_bytes_max, 0, start);
    EXPECT_FALSE(budget.begin("bow", body_bytes_max, start));
}

}  // namespace
}  // namespace tocsin::trigger
