#include "cli/ledger_chain.hpp"

#include "runtime/record.hpp"

#include <gtest/gtest.h>

namespace tocsin::cli {

static const std::string topic = "tocsin.approval.ledger.v1";

class LedgerChainTest : public testing::Test {
protected:
    // A sealed decision that extends `previous`, and its digest.
    std::string record(const std::string& previous, int seconds, const std::string& writer = "a") {
        ledger::v1::Decision decision;
        decision.set_previous_digest(previous);
        decision.set_writer(writer);
        decision.mutable_decided_at()->set_seconds(seconds);
        decision.mutable_accepted();
        return runtime::seal(decision.SerializeAsString(), mac);
    }
    void add(const std::string& bytes) { chain.add(offset++, bytes); }

    runtime::Mac mac{std::string(32, 'k')};
    LedgerChain chain{topic, 3, mac};
    std::string genesis = runtime::genesis_digest(topic, 3);
    std::int64_t offset = 0;
};

TEST_F(LedgerChainTest, AnEmptyPartitionIsVerified) { EXPECT_EQ(chain.fault(), ""); }

TEST_F(LedgerChainTest, CountsWhatExtendsTheHead) {
    const auto first = record(genesis, 1);
    const auto second = record(runtime::sha256(first), 2);
    add(first);
    add(second);
    EXPECT_EQ(chain.counted(), 2);
    EXPECT_EQ(chain.head(), runtime::sha256(second));
    EXPECT_TRUE(chain.has_counted(runtime::sha256(first)));
    EXPECT_EQ(chain.fault(), "");
}

TEST_F(LedgerChainTest, TheSecondOfTwoOnOneHeadIsVoidAndExplained) {
    const auto first = record(genesis, 1);
    const auto loser = record(genesis, 1, "b");
    add(first);
    add(loser);
    add(record(runtime::sha256(loser), 2, "b"));  // pipelined behind it
    EXPECT_EQ(chain.counted(), 1);
    EXPECT_EQ(chain.void_records(), 2);
    EXPECT_EQ(chain.fault(), "");
}

TEST_F(LedgerChainTest, ALostRecordIsExplainedOnceTheChainGoesOn) {
    const auto first = record(genesis, 1);
    const auto lost = record(runtime::sha256(first), 2);
    add(first);
    add(record(runtime::sha256(lost), 3));
    EXPECT_NE(chain.fault(), "");
    add(record(runtime::sha256(first), 4));
    EXPECT_EQ(chain.fault(), "");
    EXPECT_EQ(chain.counted(), 2);
}

TEST_F(LedgerChainTest, ARecordTakenOutIsAFault) {
    const auto first = record(genesis, 1);
    const auto second = record(runtime::sha256(first), 2);
    const auto third = record(runtime::sha256(second), 3);
    add(first);
    add(third);
    EXPECT_EQ(chain.counted(), 1);
    EXPECT_NE(chain.fault().find("offset 1"), std::string::npos) << chain.fault();
}

TEST_F(LedgerChainTest, AChangedByteIsAFault) {
    auto bytes = record(genesis, 1);
    bytes[bytes.size() / 2] ^= 1;
    add(bytes);
    EXPECT_EQ(chain.foreign(), 1);
    EXPECT_NE(chain.fault().find("world's key"), std::string::npos);
}

TEST_F(LedgerChainTest, AnotherKeyIsAFault) {
    const runtime::Mac other{std::string(32, 'x')};
    ledger::v1::Decision decision;
    decision.set_previous_digest(genesis);
    add(runtime::seal(decision.SerializeAsString(), other));
    EXPECT_NE(chain.fault(), "");
    EXPECT_EQ(chain.counted(), 0);
}

TEST_F(LedgerChainTest, TimeThatRunsBackIsAFault) {
    const auto first = record(genesis, 5);
    add(first);
    add(record(runtime::sha256(first), 4));
    EXPECT_NE(chain.fault().find("before"), std::string::npos);
}

TEST_F(LedgerChainTest, AMissingBeginningIsAFault) {
    chain.add(7, record(genesis, 1));
    EXPECT_NE(chain.fault().find("0 to 6"), std::string::npos) << chain.fault();
}

TEST_F(LedgerChainTest, AnotherPartitionsRecordsDoNotCount) {
    add(record(runtime::genesis_digest(topic, 2), 1));
    EXPECT_EQ(chain.counted(), 0);
    EXPECT_NE(chain.fault(), "");
}

}  // namespace tocsin::cli
