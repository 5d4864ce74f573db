#include "runtime/ledger/fold_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace tocsin::runtime {
namespace {

TEST(FoldPool, DoesEachPieceOnceAndIsDoneWhenItReturns) {
    FoldPool pool;
    pool.help_by(3);
    for (int round = 0; round < 2000; ++round) {
        std::vector<int> done(static_cast<std::size_t>(round % 9));
        pool.run(done.size(), [&](std::size_t i) { ++done[i]; });
        for (const int times : done) ASSERT_EQ(times, 1);
        if (round % 500 == 0) pool.end();  // And begins anew.
    }
}

TEST(FoldPool, WithoutHelpersTheCallerDoesIt) {
    FoldPool pool;
    std::vector<std::size_t> order;
    pool.run(3, [&](std::size_t i) { order.push_back(i); });
    EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2}));
}

// Each waits for the other, so that one thread alone would never be done.
TEST(FoldPool, DoesSeveralAtOnce) {
    FoldPool pool;
    pool.help_by(1);
    std::mutex mutex;
    std::condition_variable changed;
    int there = 0;
    std::atomic<bool> together = true;
    pool.run(2, [&](std::size_t) {
        std::unique_lock lock(mutex);
        ++there;
        changed.notify_all();
        if (!changed.wait_for(lock, std::chrono::seconds(10), [&] { return there == 2; }))
            together = false;
    });
    EXPECT_TRUE(together);
}

}  // namespace
}  // namespace tocsin::runtime
