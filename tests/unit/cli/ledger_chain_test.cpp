#include "cli/ledger_chain.hpp"

#include "runtime/ledger/record.hpp"

#include <gtest/gtest.h>

namespace tocsin::cli {

static const std::string topic = "tocsin.approval.ledger.v1";

class LedgerChainTest : public ::testing::Test {
protected:
    // A sealed decision that extends `previous`, and its digest.
    std::string record(const std::string& previous, int seconds, const std::string& writer = "a") {
        ledger::v1::Decision decision;
        decision.set_previous_digest(previous);
        decision.set_writer(writer);
        decision.mutable_decided_at()->set_seconds(seconds);
        decision.mutable_accepted();
        return seal.close(decision.SerializeAsString(), keys.newest());
    }
    void add(const std::string& bytes) { chain.add(offset++, bytes); }

    runtime::WorldKeys keys{{std::string(32, 'k')}};
    runtime::Seal seal{keys, topic, runtime::RecordKind::decision};
    LedgerChain chain{topic, 3, keys};
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
    EXPECT_NE(chain.fault().find("holder of the world's keys"), std::string::npos);
}

TEST_F(LedgerChainTest, AnotherKeyIsAFault) {
    const runtime::WorldKeys others{{std::string(32, 'x')}};
    const runtime::Seal other(others, topic, runtime::RecordKind::decision);
    ledger::v1::Decision decision;
    decision.set_previous_digest(genesis);
    add(other.close(decision.SerializeAsString(), others.newest()));
    EXPECT_NE(chain.fault(), "");
    EXPECT_EQ(chain.counted(), 0);
}

class KeyChangeTest : public ::testing::Test {
protected:
    std::string record(const ledger::v1::Decision& draft, const std::string& key) {
        ledger::v1::Decision decision = draft;
        decision.set_previous_digest(head);
        const runtime::Seal seal(keys, topic, runtime::RecordKind::decision);
        const std::string bytes = seal.close(decision.SerializeAsString(), key);
        head = runtime::sha256(bytes);
        return bytes;
    }
    void open() {
        ledger::v1::Decision decision;
        decision.mutable_input_restarted()->set_key_id(old_id);
        chain.add(0, record(decision, old_id));
    }

    runtime::WorldKeys keys{{std::string(32, 'n'), std::string(32, 'o')}};
    std::string new_id = keys.all()[0].id, old_id = keys.all()[1].id;
    std::string head = runtime::genesis_digest(topic, 3);
    LedgerChain chain{topic, 3, keys};
};

TEST_F(KeyChangeTest, IsFollowed) {
    open();
    EXPECT_EQ(chain.key_id(), old_id);
    ledger::v1::Decision change;
    change.mutable_key_changed()->set_key_id(new_id);
    EXPECT_EQ(chain.add(1, record(change, old_id)).key_id, old_id);
    ledger::v1::Decision later;
    later.mutable_accepted();
    chain.add(2, record(later, new_id));
    EXPECT_EQ(chain.fault(), "");
    EXPECT_EQ(chain.key_id(), new_id);
    ASSERT_EQ(chain.key_changes().size(), 1U);
    EXPECT_EQ(chain.key_changes()[0], std::pair(std::int64_t{1}, new_id));
}

TEST_F(KeyChangeTest, ADecisionByAKeyThatIsNotInForceIsAFaultAndCountsForNothing) {
    open();
    ledger::v1::Decision early;
    early.mutable_accepted();
    chain.add(1, record(early, new_id));
    EXPECT_NE(chain.fault().find("sealed with " + new_id), std::string::npos) << chain.fault();
    EXPECT_EQ(chain.counted(), 1);
    EXPECT_EQ(chain.foreign(), 1);
}

TEST_F(KeyChangeTest, AKeyThatIsMissingIsNamed) {
    const runtime::WorldKeys fewer{{std::string(32, 'n')}};
    LedgerChain blind(topic, 3, fewer);
    ledger::v1::Decision decision;
    decision.mutable_input_restarted()->set_key_id(old_id);
    blind.add(0, record(decision, old_id));
    EXPECT_EQ(blind.foreign(), 1);
    EXPECT_NE(blind.fault().find("sealed with " + old_id), std::string::npos) << blind.fault();
}

TEST_F(LedgerChainTest, AnOperatorMaySetTheClockBack) {
    const auto first = record(genesis, 500);
    add(first);
    ledger::v1::Decision decision;
    decision.set_previous_digest(runtime::sha256(first));
    decision.mutable_decided_at()->set_seconds(4);
    decision.mutable_clock_overridden()->set_reason("olga: the RTC was off");
    add(seal.close(decision.SerializeAsString(), keys.newest()));
    EXPECT_EQ(chain.counted(), 2);
    EXPECT_EQ(chain.fault(), "");
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
