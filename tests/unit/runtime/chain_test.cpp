#include "runtime/ledger/chain.hpp"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

class ChainOfThree : public ::testing::Test {
protected:
    ChainOfThree() {
        read(3, "first", "genesis");
        read(5, "second", "first");
        read(8, "third", "second");
    }
    Chain::Found read(std::int64_t offset, const std::string& digest, const std::string& previous,
                      const std::string& key = "k1", const std::string& next_key = "") {
        ledger::v1::Decision decision;
        decision.set_previous_digest(previous);
        if (!next_key.empty()) decision.mutable_key_changed()->set_key_id(next_key);
        return chain.read(offset, digest, {decision, key});
    }
    Chain::Check check(std::int64_t offset, const std::string& digest, const std::string& previous,
                       const std::string& key = "k1") {
        ledger::v1::Decision decision;
        decision.set_previous_digest(previous);
        return chain.check(offset, digest, Chain::Link(decision, key));
    }
    Chain chain{"genesis"};
};

TEST_F(ChainOfThree, IsTheSameWhereEveryRecordLiesWhereItLay) {
    EXPECT_EQ(chain.verify(), 3);
    EXPECT_EQ(check(3, "first", "genesis"), Chain::Check::going_on);
    EXPECT_EQ(check(5, "second", "first"), Chain::Check::going_on);
    EXPECT_EQ(check(6, "void", "first"), Chain::Check::going_on);
    EXPECT_EQ(check(8, "third", "second"), Chain::Check::same);
}

TEST_F(ChainOfThree, IsAnotherWhereARecordCameInBetweenThatCounts) {
    chain.verify();
    check(3, "first", "genesis");
    EXPECT_EQ(check(4, "faster", "first"), Chain::Check::changed);
}

TEST_F(ChainOfThree, IsTheSameWhereAForgedRecordCameInBetween) {
    chain.verify();
    check(3, "first", "genesis");
    EXPECT_EQ(check(4, "forged", "first", "k0"), Chain::Check::going_on);
    EXPECT_EQ(chain.check(4, "not ours", std::nullopt), Chain::Check::going_on);
}

TEST_F(ChainOfThree, IsAnotherWhereItEndsBeforeItsHead) {
    chain.verify();
    check(3, "first", "genesis");
    EXPECT_EQ(chain.check_end(5), Chain::Check::changed);
}

TEST_F(ChainOfThree, DisagreesWithWhatDidNotCountWhereItWasRead) {
    EXPECT_FALSE(chain.disagrees(5, "second"));
    EXPECT_TRUE(chain.disagrees(5, "other"));
    EXPECT_TRUE(chain.disagrees(6, "second"));
    EXPECT_TRUE(chain.disagrees(9, "behind the head"));
    EXPECT_FALSE(chain.disagrees(1, "older than what is kept"));
}

TEST_F(ChainOfThree, TakesNothingUnderAKeyThatIsNotInForce) {
    EXPECT_EQ(read(9, "forged", "third", "k0"), Chain::Found::wrong_key);
    EXPECT_EQ(chain.head(), "third");
    EXPECT_EQ(read(10, "change", "third", "k1", "k2"), Chain::Found::counts);
    EXPECT_EQ(read(11, "leaked", "change", "k1"), Chain::Found::wrong_key);
    EXPECT_EQ(read(12, "fourth", "change", "k2"), Chain::Found::counts);
    EXPECT_EQ(chain.key_id(), "k2");
}

}  // namespace
}  // namespace tocsin::runtime
