#include "trigger/poll_budget.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

namespace tocsin::trigger {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Tick = PollBudget::Tick;
using Why = PollBudget::Why;

constexpr Tick start{std::chrono::hours{1}};
constexpr std::size_t of_realm = PollBudget::realm_bytes_per_minute;
constexpr std::size_t of_source = PollBudget::source_bytes_per_minute;

TEST(PollBudget, WhatASourceBroughtKeepsItWaitingAndNoOther) {
    PollBudget budget;
    ASSERT_FALSE(budget.begin("bow", "heavy", start));
    budget.settle("bow", "heavy", of_source + of_source / 2, start);
    const auto wait = budget.begin("bow", "heavy", start);
    ASSERT_TRUE(wait);
    EXPECT_EQ(wait->why, Why::its_bytes);
    EXPECT_GE(wait->time, seconds{30});
    EXPECT_LE(wait->time, seconds{32});
    EXPECT_FALSE(budget.begin("bow", "light", start));
    EXPECT_FALSE(budget.begin("elbow", "heavy", start)) << "of another realm";
    EXPECT_TRUE(budget.begin("bow", "heavy", start + seconds{29}));
    EXPECT_FALSE(budget.begin("bow", "heavy", start + wait->time));
}

TEST(PollBudget, WhatARealmBroughtKeepsAllOfItWaitingAndNamesTheLargest) {
    PollBudget budget;
    for (const auto& [source, bytes] : std::map<std::string, std::size_t>{
             {"a", of_source / 2}, {"b", of_source}, {"c", of_source / 2 + 1}}) {
        ASSERT_FALSE(budget.begin("bow", source, start));
        budget.settle("bow", source, bytes, start);
    }
    const auto wait = budget.begin("bow", "d", start);
    ASSERT_TRUE(wait);
    EXPECT_EQ(wait->why, Why::realm_bytes);
    EXPECT_EQ(wait->largest, "b");
    EXPECT_FALSE(budget.begin("elbow", "d", start)) << "another realm's polls go on";
    EXPECT_FALSE(budget.begin("bow", "d", start + wait->time));
}

// Each brought little, and all of them much.
TEST(PollBudget, ARealmIsNotForgottenBeforeItsBytesAre) {
    PollBudget budget;
    for (int i = 0; i < 40; ++i) {
        const std::string source = fmt::format("s{}", i);
        ASSERT_FALSE(budget.begin("bow", source, start));
        budget.settle("bow", source, of_realm / 20, start);
        if (budget.begin("bow", "probe", start)) break;
        budget.settle("bow", "probe", 0, start);
    }
    const Tick later = start + seconds{7};  // The sources' own shares are full again.
    ASSERT_FALSE(budget.begin("elbow", "s", later));
    budget.settle("elbow", "s", 0, later);
    ASSERT_FALSE(budget.begin("bow", "a", later));
    budget.settle("bow", "a", of_source, later);
    EXPECT_TRUE(budget.begin("bow", "b", later));
}

TEST(PollBudget, NothingIsSavedUpBeyondAMinute) {
    PollBudget budget;
    ASSERT_FALSE(budget.begin("bow", "gauge", start));
    const Tick later = start + std::chrono::hours{24};
    budget.settle("bow", "gauge", of_source, later);
    EXPECT_TRUE(budget.begin("bow", "gauge", later));
}

TEST(PollBudget, PollsUnderWayAreBoundedByRealmAndInAll) {
    PollBudget budget;
    for (int i = 0; i < PollBudget::of_realm_max; ++i)
        ASSERT_FALSE(budget.begin("bow", fmt::format("s{}", i), start));
    const auto wait = budget.begin("bow", "last", start);
    ASSERT_TRUE(wait);
    EXPECT_EQ(wait->why, Why::turn);
    EXPECT_LE(wait->time, seconds{1});
    for (int i = PollBudget::of_realm_max; i < PollBudget::under_way_max; ++i)
        ASSERT_FALSE(budget.begin(fmt::format("realm-{}", i), "gauge", start));
    EXPECT_TRUE(budget.begin("one-more", "gauge", start));
    budget.settle("bow", "s0", 0, start);
    EXPECT_FALSE(budget.begin("one-more", "gauge", start));
}

// Two realms, or four, whose servers take a request and never answer it.
TEST(PollBudget, ARealmHasItsTurnBesideRealmsWhosePollsDoNotEnd) {
    PollBudget budget;
    for (int realm = 0; realm < 8; ++realm)
        for (int i = 0; i < PollBudget::of_realm_max; ++i)
            budget.begin(fmt::format("hanging-{}", realm), fmt::format("s{}", i), start);
    EXPECT_FALSE(budget.begin("bow", "a", start));
    EXPECT_TRUE(budget.begin("bow", "b", start)) << "one at a time, while all wait";
    budget.settle("bow", "a", 0, start);
    EXPECT_FALSE(budget.begin("bow", "b", start));
}

// Sixty sources by the second, each of which answers in half a second: whoever polled last asks
// again first, and would have the slot each time.
TEST(PollBudget, EverySourceHasItsTurnHoweverManyThereAre) {
    PollBudget budget;
    constexpr int sources = 60;
    std::map<int, int> polls;
    std::map<int, Tick> asks, ends;
    for (int i = 0; i < sources; ++i) asks[i] = start;
    for (Tick now = start; now < start + seconds{60}; now += milliseconds{10}) {
        for (auto end = ends.begin(); end != ends.end();) {
            if (end->second > now) {
                ++end;
                continue;
            }
            budget.settle("bow", fmt::format("s{}", end->first), 100, now);
            asks[end->first] = now;
            end = ends.erase(end);
        }
        for (auto ask = asks.begin(); ask != asks.end();) {
            if (ask->second > now) {
                ++ask;
                continue;
            }
            const auto wait = budget.begin("bow", fmt::format("s{}", ask->first), now);
            if (wait) {
                ask->second = now + wait->time;
                ++ask;
                continue;
            }
            ++polls[ask->first];
            ends[ask->first] = now + milliseconds{500};
            ask = asks.erase(ask);
        }
    }
    for (int i = 0; i < sources; ++i) EXPECT_GE(polls[i], 8) << "source " << i;
}

TEST(PollBudget, ATurnThatIsNotTakenIsLost) {
    PollBudget budget;
    for (int i = 0; i < PollBudget::of_realm_max; ++i)
        ASSERT_FALSE(budget.begin("bow", fmt::format("s{}", i), start));
    ASSERT_TRUE(budget.begin("bow", "removed", start));
    budget.settle("bow", "s0", 0, start);
    EXPECT_TRUE(budget.begin("bow", "next", start)) << "another one is before it";
    EXPECT_FALSE(budget.begin("bow", "next", start + seconds{3}));
}

}  // namespace
}  // namespace tocsin::trigger
