#include "runtime/chain.hpp"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

class ChainOfThree : public testing::Test {
protected:
    ChainOfThree() {
        chain.read(3, "first", "genesis");
        chain.read(5, "second", "first");
        chain.read(8, "third", "second");
    }
    Chain chain{"genesis"};
};

TEST_F(ChainOfThree, IsTheSameWhereEveryRecordLiesWhereItLay) {
    EXPECT_EQ(chain.verify(), 3);
    EXPECT_EQ(chain.check(3, "first", "genesis"), Chain::Check::going_on);
    EXPECT_EQ(chain.check(5, "second", "first"), Chain::Check::going_on);
    EXPECT_EQ(chain.check(6, "void", "first"), Chain::Check::going_on);
    EXPECT_EQ(chain.check(8, "third", "second"), Chain::Check::same);
}

TEST_F(ChainOfThree, IsAnotherWhereARecordCameInBetweenThatCounts) {
    chain.verify();
    chain.check(3, "first", "genesis");
    EXPECT_EQ(chain.check(4, "faster", "first"), Chain::Check::changed);
}

TEST_F(ChainOfThree, IsAnotherWhereItEndsBeforeItsHead) {
    chain.verify();
    chain.check(3, "first", "genesis");
    EXPECT_EQ(chain.check_end(5), Chain::Check::changed);
}

TEST_F(ChainOfThree, DisagreesWithWhatDidNotCountWhereItWasRead) {
    EXPECT_FALSE(chain.disagrees(5, "second"));
    EXPECT_TRUE(chain.disagrees(5, "other"));
    EXPECT_TRUE(chain.disagrees(6, "second"));
    EXPECT_TRUE(chain.disagrees(9, "behind the head"));
    EXPECT_FALSE(chain.disagrees(1, "older than what is kept"));
}

}  // namespace
}  // namespace tocsin::runtime
