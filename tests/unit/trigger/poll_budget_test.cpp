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
    ASSERT_FALSE(budget.begin("bow", start));
    budget.settle("bow", a_minute_of_bytes + a_minute_of_bytes / 2, start);
    const auto wait = budget.begin("bow", start);
    ASSERT_TRUE(wait);
    EXPECT_TRUE(wait->too_many_bytes);
    EXPECT_GE(wait->time, seconds{30});
    EXPECT_LE(wait->time, seconds{32});
    EXPECT_FALSE(budget.begin("elbow", start)) << "another realm's polls go on";
    EXPECT_TRUE(budget.begin("bow", start + seconds{29}));
    EXPECT_FALSE(budget.begin("bow", start + wait->time));
}

TEST(PollBudget, NothingIsSavedUpBeyondAMinute) {
    PollBudget budget;
    ASSERT_FALSE(budget.begin("bow", start));
    const Tick later = start + std::chrono::hours{24};
    budget.settle("bow", a_minute_of_bytes, later);
    EXPECT_TRUE(budget.begin("bow", later));
}

TEST(PollBudget, PollsUnderWayAreBoundedByRealmAndInAll) {
    PollBudget budget;
    for (int i = 0; i < PollBudget::of_realm_max; ++i) ASSERT_FALSE(budget.begin("bow", start));
    const auto wait = budget.begin("bow", start);
    ASSERT_TRUE(wait);
    EXPECT_FALSE(wait->too_many_bytes);
    EXPECT_LE(wait->time, seconds{1});
    for (int i = PollBudget::of_realm_max; i < PollBudget::under_way_max; ++i)
        ASSERT_FALSE(budget.begin("realm-" + std::to_string(i), start));
    EXPECT_TRUE(budget.begin("one-more", start));
    budget.settle("bow", 0, start);
    EXPECT_FALSE(budget.begin("one-more", start));
}

// Two realms, or four, whose servers take a request and never answer it.
TEST(PollBudget, ARealmHasItsTurnBesideRealmsWhosePollsDoNotEnd) {
    PollBudget budget;
    for (int realm = 0; realm < 8; ++realm)
        for (int i = 0; i < PollBudget::of_realm_max; ++i)
            budget.begin("hanging-" + std::to_string(realm), start);
    EXPECT_FALSE(budget.begin("bow", start));
    EXPECT_TRUE(budget.begin("bow", start)) << "one at a time, while all wait";
    budget.settle("bow", 0, start);
    EXPECT_FALSE(budget.begin("bow", start));
}

}  // namespace
}  // namespace tocsin::trigger
