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
    ASSERT_FALSE(budget.begin("bow", "heavy", body_bytes_max, start));
    budget.settle("bow", "heavy", body_bytes_max, of_source + of_source / 2, start);
    const auto wait = budget.begin("bow", "heavy", body_bytes_max, start);
    ASSERT_TRUE(wait);
    EXPECT_EQ(wait->why, Why::its_bytes);
    EXPECT_GE(wait->time, seconds{30});
    EXPECT_LE(wait->time, seconds{32});
    EXPECT_FALSE(budget.begin("bow", "light", body_bytes_max, start));
    EXPECT_FALSE(budget.begin("elbow", "heavy", body_bytes_max, start)) << "of another realm";
    EXPECT_TRUE(budget.begin("bow", "heavy", body_bytes_max, start + seconds{29}));
    EXPECT_FALSE(budget.begin("bow", "heavy", body_bytes_max, start + wait->time));
}

TEST(PollBudget, WhatARealmBroughtKeepsAllOfItWaitingAndNamesTheLargest) {
    PollBudget budget;
    for (const auto& [source, bytes] : std::map<std::string, std::size_t>{
             {"a", of_source / 2}, {"b", of_source}, {"c", of_source / 2 + 1}}) {
        ASSERT_FALSE(budget.begin("bow", source, body_bytes_max, start));
        budget.settle("bow", source, body_bytes_max, bytes, start);
    }
    const auto wait = budget.begin("bow", "d", body_bytes_max, start);
    ASSERT_TRUE(wait);
    EXPECT_EQ(wait->why, Why::realm_bytes);
    EXPECT_EQ(wait->largest, "b");
    EXPECT_FALSE(budget.begin("elbow", "d", body_bytes_max, start))
        << "another realm's polls go on";
    EXPECT_FALSE(budget.begin("bow", "d", body_bytes_max, start + wait->time));
}

// Each brought little, and all of them much.
TEST(PollBudget, ARealmIsNotForgottenBeforeItsBytesAre) {
    PollBudget budget;
    for (int i = 0; i < 40; ++i) {
        const std::string source = fmt::format("s{}", i);
        ASSERT_FALSE(budget.begin("bow", source, body_bytes_max, start));
        budget.settle("bow", source, body_bytes_max, of_realm / 20, start);
        if (budget.begin("bow", "probe", body_bytes_max, start)) break;
        budget.settle("bow", "probe", body_bytes_max, 0, start);
    }
    const Tick later = start + seconds{7};  // The sources' own shares are full again.
    ASSERT_FALSE(budget.begin("elbow", "s", body_bytes_max, later));
    budget.settle("elbow", "s", body_bytes_max, 0, later);
    ASSERT_FALSE(budget.begin("bow", "a", body_bytes_max, later));
    budget.settle("bow", "a", body_bytes_max, of_source, later);
    EXPECT_TRUE(budget.begin("bow", "b", body_bytes_max, later));
}

TEST(PollBudget, NothingIsSavedUpBeyondAMinute) {
    PollBudget budget;
    ASSERT_FALSE(budget.begin("bow", "gauge", body_bytes_max, start));
    const Tick later = start + std::chrono::hours{24};
    budget.settle("bow", "gauge", body_bytes_max, of_source, later);
    EXPECT_TRUE(budget.begin("bow", "gauge", body_bytes_max, later));
}

TEST(PollBudget, PollsUnderWayAreBoundedByRealmAndInAll) {
    PollBudget budget;
    for (int i = 0; i < PollBudget::of_realm_max; ++i)
        ASSERT_FALSE(budget.begin("bow", fmt::format("s{}", i), body_bytes_max, start));
    const auto wait = budget.begin("bow", "last", body_bytes_max, start);
    ASSERT_TRUE(wait);
    EXPECT_EQ(wait->why, Why::turn);
    EXPECT_LE(wait->time, seconds{1});
    for (int i = PollBudget::of_realm_max; i < PollBudget::under_way_max; ++i)
        ASSERT_FALSE(budget.begin(fmt::format("realm-{}", i), "gauge", body_bytes_max, start));
    EXPECT_TRUE(budget.begin("one-more", "gauge", body_bytes_max, start));
    budget.settle("bow", "s0", body_bytes_max, 0, start);
    EXPECT_FALSE(budget.begin("one-more", "gauge", body_bytes_max, start));
}

// Two realms, or four, whose servers take a request and never answer it.
TEST(PollBudget, ARealmHasItsTurnBesideRealmsWhosePollsDoNotEnd) {
    PollBudget budget;
    for (int realm = 0; realm < 8; ++realm)
        for (int i = 0; i < PollBudget::of_realm_max; ++i)
            budget.begin(fmt::format("hanging-{}", realm), fmt::format("s{}", i), body_bytes_max,
                         start);
    EXPECT_FALSE(budget.begin("bow", "a", body_bytes_max, start));
    EXPECT_TRUE(budget.begin("bow", "b", body_bytes_max, start)) << "one at a time, while all wait";
    budget.settle("bow", "a", body_bytes_max, 0, start);
    EXPECT_FALSE(budget.begin("bow", "b", body_bytes_max, start));
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
            budget.settle("bow", fmt::format("s{}", end->first), body_bytes_max, 100, now);
            asks[end->first] = now;
            end = ends.erase(end);
        }
        for (auto ask = asks.begin(); ask != asks.end();) {
            if (ask->second > now) {
                ++ask;
                continue;
            }
            const auto wait =
                budget.begin("bow", fmt::format("s{}", ask->first), body_bytes_max, now);
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

TEST(PollBudget, ALargeAnswerCountsAsManyAndIsNotKeptWaitingBySmallOnes) {
    PollBudget budget;
    const auto small = [](int i) { return fmt::format("s{}", i); };
    for (int i = 0; i < PollBudget::of_realm_max - 1; ++i)
        ASSERT_FALSE(budget.begin("bow", small(i), body_bytes_max, start));
    EXPECT_FALSE(budget.begin("bow", "large", long_body_bytes_max, start));
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(budget.begin("bow", "next", body_bytes_max, start)) << i;
        if (i < 3) budget.settle("bow", small(i), body_bytes_max, 0, start);
    }
    budget.settle("bow", "large", long_body_bytes_max, 0, start);
    EXPECT_FALSE(budget.begin("bow", "next", body_bytes_max, start));
}

TEST(PollBudget, ATurnThatIsNotTakenIsLost) {
    PollBudget budget;
    for (int i = 0; i < PollBudget::of_realm_max; ++i)
        ASSERT_FALSE(budget.begin("bow", fmt::format("s{}", i), body_bytes_max, start));
    ASSERT_TRUE(budget.begin("bow", "removed", body_bytes_max, start));
    budget.settle("bow", "s0", body_bytes_max, 0, start);
    EXPECT_TRUE(budget.begin("bow", "next", body_bytes_max, start)) << "another one is before it";
    EXPECT_FALSE(budget.begin("bow", "next", body_bytes_max, start + seconds{3}));
}

}  // namespace
}  // namespace tocsin::trigger
