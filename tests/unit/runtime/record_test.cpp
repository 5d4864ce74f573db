#include "runtime/ledger/record.hpp"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

const std::string old_key(32, 'o'), new_key(32, 'n');
const WorldKeys record_keys({new_key, old_key});
const std::string topic = "tocsin.approval.commands.v1";

class SealTest : public ::testing::Test {
protected:
    std::string command(const Seal& with, const WorldKeys& of = record_keys) const {
        Submission submission;
        submission.asking = {"calgary", "ann@city.example", "city", {"approver"}, "r-1"};
        submission.body = "what is asked";
        return command_bytes(submission, with, of.newest());
    }
    Sealed of(const std::string& record) const { return seal.examine(record).sealed; }

    Seal seal{record_keys, topic, RecordKind::command};
};

// One person may act for several agencies: what was answered to the one is no answer to the other.
TEST(BodyDigest, TellsAgenciesBodiesAndExpiriesApart) {
    const Time at{std::chrono::seconds{1}};
    const std::string one = body_digest("city", "body", at);
    EXPECT_EQ(one, body_digest("city", "body", at));
    EXPECT_NE(one, body_digest("harbour", "body", at));
    EXPECT_NE(one, body_digest("city", "another", at));
    EXPECT_NE(one, body_digest("city", "body", at + std::chrono::seconds{1}));
    EXPECT_NE(body_digest("a", "b", at), body_digest("ab", "", at));
}

TEST_F(SealTest, OpensWhatItClosed) {
    const std::string record = command(seal);
    ledger::v1::CommandRecord parsed;
    const auto body = seal.open(record);
    ASSERT_TRUE(body);
    EXPECT_TRUE(parsed.ParseFromString(std::string(*body)));
    EXPECT_EQ(parsed.body(), "what is asked");
    EXPECT_EQ(seal.examine(record).key_id, record_keys.newest());
    EXPECT_EQ(Seal::named_key(record), record_keys.newest());
}

TEST_F(SealTest, IsFieldFifteenOverTopicKindAndBytes) {
    std::string context{'\0', '\0', '\0', static_cast<char>(topic.size())};
    context += topic + '\1';
    context.resize(64, '\0');
    const std::string body = "\x0a\x01x";
    const std::string expected =
        body + "\x7a\x28" + *unhex(record_keys.newest()) + hmac_sha256(new_key, context + body);
    EXPECT_EQ(seal.close(body, record_keys.newest()), expected);
    ledger::v1::CommandRecord parsed;
    ASSERT_TRUE(parsed.ParseFromString(expected));
    EXPECT_EQ(parsed.mac().size(), 40U);
}

TEST_F(SealTest, AnotherServicesCommandIsForeign) {
    const Seal drafting(record_keys, "tocsin.drafting.commands.v1", RecordKind::command);
    const std::string copied = command(drafting);
    EXPECT_TRUE(drafting.open(copied));
    EXPECT_EQ(of(copied), Sealed::foreign);
    EXPECT_FALSE(seal.open(copied));
}

TEST_F(SealTest, AnotherWorldsRecordIsForeign) {
    EXPECT_EQ(of(command({record_keys, "exercise." + topic, RecordKind::command})),
              Sealed::foreign);
}

TEST_F(SealTest, AnotherKindIsForeign) {
    for (const RecordKind kind : {RecordKind::decision, RecordKind::reading})
        EXPECT_EQ(of(command({record_keys, topic, kind})), Sealed::foreign);
}

TEST_F(SealTest, TheKindIsNoPartOfTheName) {
    const Seal one(record_keys, std::string("a\2"), RecordKind::command);
    const Seal other(record_keys, "a", RecordKind::decision);
    EXPECT_FALSE(one.open(other.close("body", record_keys.newest())));
    EXPECT_FALSE(other.open(one.close("body", record_keys.newest())));
}

TEST_F(SealTest, EveryKnownKeyOpensAndTheNamedOneCloses) {
    const std::string before = seal.close("body", record_keys.all()[1].id);
    EXPECT_EQ(of(before), Sealed::ours);
    EXPECT_EQ(seal.examine(before).key_id, record_keys.all()[1].id);
    const Seal alone(WorldKeys({old_key}), topic, RecordKind::command);
    EXPECT_EQ(alone.open(before), "body");
    EXPECT_THROW(seal.close("body", "0000000000000000"), std::invalid_argument);
}

TEST_F(SealTest, AnUnknownKeyIsToldApartFromABadSeal) {
    const WorldKeys others({std::string(32, 'x')});
    const std::string record = command({others, topic, RecordKind::command}, others);
    EXPECT_EQ(of(record), Sealed::unknown_key);
    EXPECT_FALSE(seal.open(record));
    EXPECT_EQ(Seal::named_key(record), others.newest());
}

TEST_F(SealTest, AnyChangedByteIsNotOurs) {
    const std::string record = command(seal);
    for (std::size_t i = 0; i < record.size(); ++i) {
        std::string changed = record;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_NE(of(changed), Sealed::ours) << i;
    }
    // The named key is known, and did not sign this.
    std::string other_known = record;
    other_known.replace(record.size() - 40, 8, *unhex(record_keys.all()[1].id));
    EXPECT_EQ(of(other_known), Sealed::foreign);
}

TEST_F(SealTest, WhatIsCutShortIsForeign) {
    const std::string record = command(seal);
    EXPECT_EQ(of(record.substr(0, record.size() - 1)), Sealed::foreign);
    EXPECT_EQ(of(record.substr(1)), Sealed::foreign);
    EXPECT_EQ(of(""), Sealed::foreign);
    EXPECT_EQ(of(record.substr(record.size() - 41)), Sealed::foreign);
    EXPECT_EQ(Seal::named_key("short"), "");
    EXPECT_EQ(seal.open(seal.close("", record_keys.newest())), "");
}

}  // namespace
}  // namespace tocsin::runtime
