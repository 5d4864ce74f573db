#include "runtime/ledger/view.hpp"

#include "runtime/base/shared_map.hpp"
#include "support/allocations.hpp"
#include "support/given.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace tocsin::runtime {
namespace {

// Counts what was applied, and keeps the last subject under two names.
class Tally {
public:
    void apply(const Counted& counted) {
        const auto number = static_cast<std::int64_t>(items_.size());
        items_.set(number, counted.decision.accepted().subject());
        last_ = number;
    }
    std::size_t size() const { return items_.size(); }
    bool consistent() const {
        if (items_.empty()) return true;
        return items_.contains(last_) && last_ + 1 == static_cast<std::int64_t>(items_.size());
    }

private:
    SharedMap<std::int64_t, std::string> items_;
    std::int64_t last_ = 0;
};

using TallyView = SnapshotViews<Tally>;

void tell(TallyView& view, const std::string& realm = "bow", bool live = true, int partition = 0) {
    ledger::v1::Decision decision;
    decision.set_realm(realm);
    decision.mutable_accepted()->set_subject("item");
    view.apply({"drafting", partition, 0, testing::at(0), decision, live});
}

std::size_t size(const TallyView& view, const std::string& realm = "bow") {
    return view.read(realm, [](const Tally& tally) { return tally.size(); });
}

TEST(SnapshotViews, ASnapshotStaysAsItIs) {
    TallyView view(1);
    tell(view);
    const auto held = view.snapshot("bow");
    tell(view);
    EXPECT_EQ(held->size(), 1u);
    EXPECT_EQ(size(view), 2u);
}

TEST(SnapshotViews, AnUnknownRealmReadsAsAnEmptyOne) {
    const TallyView view(1);
    EXPECT_EQ(size(view), 0u);
    EXPECT_EQ(view.current("bow").size(), 0u);
}

TEST(SnapshotViews, HistoryIsSeenOnceItIsFolded) {
    TallyView view(1);
    tell(view, "bow", false);
    EXPECT_EQ(size(view), 0u);
    EXPECT_EQ(view.current("bow").size(), 1u);
    view.folded(0);
    EXPECT_EQ(size(view), 1u);
}

TEST(SnapshotViews, AHistoryThatLostItsTailStartsAfresh) {
    TallyView view(1);
    tell(view);
    tell(view);
    const auto held = view.snapshot("bow");
    view.reset(0);
    EXPECT_EQ(held->size(), 2u);
    EXPECT_EQ(size(view), 0u);
    tell(view, "bow", false);
    view.folded(0);
    EXPECT_EQ(size(view), 1u);
}

TEST(SnapshotViews, OnlyThePartitionThatIsNamedStartsAfresh) {
    TallyView view(2);
    std::string here = "a", there = "b";
    while (partition_of(there, 2) == partition_of(here, 2)) there += "b";
    tell(view, here, true, partition_of(here, 2));
    tell(view, there, true, partition_of(there, 2));
    view.reset(partition_of(here, 2));
    EXPECT_EQ(size(view, here), 0u);
    EXPECT_EQ(size(view, there), 1u);
}

// A copy of somebody's command, in a partition that is not its realm's, is refused there.
TEST(SnapshotViews, WhatLiesInAnotherRealmsPartitionIsNotOfTheRealm) {
    TallyView view(2);
    tell(view, "bow", true, partition_of("bow", 2));
    tell(view, "bow", true, 1 - partition_of("bow", 2));
    EXPECT_EQ(size(view), 1u);
}

// As while history is read.
TEST(SnapshotViews, PartitionsAreFedAtOnce) {
    constexpr int partitions = 4;
    TallyView view(partitions);
    {
        std::vector<std::jthread> feeders;
        for (int partition = 0; partition < partitions; ++partition)
            feeders.emplace_back([&view, partition] {
                for (int i = 0; i < 20'000; ++i) {
                    const std::string realm = "realm-" + std::to_string(i % 40);
                    if (partition_of(realm, partitions) == partition)
                        tell(view, realm, i % 7 == 0, partition);
                }
            });
    }
    for (int partition = 0; partition < partitions; ++partition) view.folded(partition);
    for (int i = 0; i < 40; ++i) EXPECT_EQ(size(view, "realm-" + std::to_string(i)), 500u);
}

// The writer is done although a reader never lets go of what it reads.
TEST(SnapshotViews, TheWriterWaitsForNoReader) {
    TallyView view(1);
    tell(view);
    view.read("bow", [&](const Tally& tally) {
        for (int i = 0; i < 100; ++i) tell(view);
        EXPECT_EQ(tally.size(), 1u);
    });
    EXPECT_EQ(size(view), 101u);
}

TEST(SnapshotViews, ReadersWithoutPauseSeeWholeVersionsInOrder) {
    constexpr std::size_t applied = 20'000;
    TallyView view(1);
    std::atomic<bool> done = false;
    std::vector<std::jthread> readers;
    for (int i = 0; i < 4; ++i)
        readers.emplace_back([&] {
            std::size_t last = 0;
            while (!done) {
                const auto held = view.snapshot("bow");
                EXPECT_TRUE(held->consistent());
                EXPECT_GE(held->size(), last);
                last = held->size();
            }
        });
    for (std::size_t i = 0; i < applied; ++i) tell(view);
    EXPECT_EQ(size(view), applied);
    done = true;
}

TEST(SnapshotViews, ADecisionCostsAboutTheSameHoweverLongTheHistory) {
    TallyView view(1);
    const auto cost_of_next = [&] {
        const auto held = view.snapshot("bow");
        const std::size_t before = testing::allocations().count;
        tell(view);
        return testing::allocations().count - before;
    };
    while (size(view) < 100) tell(view);
    const std::size_t early = cost_of_next();
    while (size(view) < 10'000) tell(view);
    EXPECT_LE(cost_of_next(), early + 8);
}

}  // namespace
}  // namespace tocsin::runtime
