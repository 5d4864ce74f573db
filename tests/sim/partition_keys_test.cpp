// Keys that an instance lacks, has below the one in force, or that were replaced.
#include "sim/partition_bench.hpp"

namespace tocsin::sim {
namespace {

const std::string old_bytes(32, 'o'), new_bytes(32, 'n');
// The file of keys before a change, after its first step, after its second, and with the old line
// removed.
const WorldKeys only_old({old_bytes}), first_step({old_bytes, new_bytes}),
    second_step({new_bytes, old_bytes}), only_new({new_bytes});

// The upstream service decides, or changes its key.
void upstream_decides(Bench& bench, const std::string& event, const WorldKeys& signer,
                      bool changes_key = false) {
    auto& log = bench.inputs[Bench::upstream].log;
    ledger::v1::Decision decision;
    decision.set_previous_digest(log.empty() ? genesis_digest("up.ledger", 0) : sha256(log.back()));
    decision.set_writer("elsewhere");
    decision.set_realm("bow");
    *decision.mutable_decided_at() = to_proto(bench.truth());
    if (changes_key)
        decision.mutable_key_changed()->set_key_id(only_new.newest());
    else
        decision.mutable_accepted()->add_events(event);
    log.push_back(Seal(second_step, "up.ledger", RecordKind::decision)
                      .close(decision.SerializeAsString(), signer.newest()));
}

void share(const Bench& from, Bench& to) {
    to.ledger = from.ledger;
    for (int input = 0; input < 3; ++input) to.inputs[input].log = from.inputs[input].log;
}

void pass(Bench& bench, milliseconds time) {
    bench.elapsed += time;
    bench.read();
}

// Changed by the instance x, which is not heard of again.
struct ChangedKey : ::testing::Test {
    ChangedKey() {
        before.read();
        changed.join(before);
        changed.read();
        EXPECT_EQ(changed.partition->key_id(), only_new.newest());
    }
    Bench before{"x", 1, first_step};
    Bench changed{"x", 1, second_step, 2};
    Bench thief{"t", 1, only_old};
};

TEST_F(ChangedKey, IsReplacedForWhoHasTheFileOfTheFirstStepToo) {
    Bench first{"f", 1, first_step, 3};
    first.join(changed);
    first.read();
    changed.elapsed += std::chrono::minutes(11);
    first.elapsed = changed.elapsed;
    auto& log = changed.inputs[Bench::commands].log;
    log.push_back(thief.command("add 5", "t1", std::chrono::hours(10)));
    log.push_back(changed.command("add 1", "r1", std::chrono::hours(10)));
    changed.read();
    ASSERT_EQ(changed.total(), 1);
    share(changed, first);
    const auto records = first.ledger.size();
    for (int i = 0; i < 4; ++i) pass(first, milliseconds(3000));
    EXPECT_EQ(first.partition->counters().rewound, 0);
    EXPECT_EQ(first.ledger.size(), records);
}

TEST(LackedKey, OfAnUpstreamSetsNothingBack) {
    Bench whole("b", 1, first_step), lacking("a", 1, only_old);
    upstream_decides(whole, "plus 5", only_old);
    upstream_decides(whole, "", only_old, true);
    upstream_decides(whole, "plus 10", only_new);
    whole.read();
    const auto total = whole.total();
    lacking.join(whole);
    lacking.read();
    EXPECT_TRUE(lacking.partition->input_halted(Bench::upstream).starts_with("not_our_key"));
    for (int i = 0; i < 5; ++i) {
        pass(lacking, milliseconds(2000));
        share(lacking, whole);
        pass(whole, milliseconds(2000));
        share(whole, lacking);
    }
    EXPECT_EQ(whole.total(), total);
    EXPECT_EQ(whole.partition->counters().rewound, 0);
}

TEST(LackedKey, OfAnUpstreamCountsNothingBehindItAsReached) {
    Bench lacking("a", 1, only_old);
    upstream_decides(lacking, "plus 5", only_old);
    lacking.read();
    upstream_decides(lacking, "", only_old, true);
    upstream_decides(lacking, "plus 10", only_new);
    for (int i = 0; i < 3; ++i) pass(lacking, milliseconds(2000));
    EXPECT_LE(lacking.partition->considered(Bench::upstream), 2);
}

TEST_F(ChangedKey, CommandUnderItIsDecidedByWhoReadItBeforeTheChangeAndHasTheKeyBelow) {
    Bench late("a", 1, first_step);
    late.join(before);
    late.read();
    late.ask(changed.command("add 5", "r1"));
    late.step();
    late.ledger = changed.ledger;
    late.hear();
    late.ask(changed.command("add 1", "r2"));
    for (int i = 0; i < 5; ++i) pass(late, milliseconds(3000));
    EXPECT_EQ(late.total(), 6);
}

TEST_F(ChangedKey, OlderFileDoesNotBringTheReplacedKeyBack) {
    Bench late("a", 1, first_step);
    late.join(changed);
    late.read();
    late.ask(changed.command("add 5", "r1"));
    late.step();
    pass(late, milliseconds(2000));
    EXPECT_EQ(late.partition->key_id(), only_new.newest());
    late.ledger.push_back(thief.foreign(late.partition->counted_head(), "total 9999", 0));
    late.read();
    EXPECT_EQ(late.total(), 5);
}

TEST_F(ChangedKey, VoidRecordsUnderTheReplacedKeyHaltNobody) {
    changed.decide(changed.command("add 5", "r1"));
    changed.decide(changed.command("add 5", "r2"));
    const std::string previous = changed.last().previous_digest();
    for (int i = 0; i < 3; ++i)
        changed.ledger.push_back(thief.foreign(previous, fmt::format("total {}", i), 0, "x", 1));
    changed.read();
    EXPECT_EQ(changed.partition->halted(), "");
}

TEST_F(ChangedKey, OrphansUnderTheReplacedKeyAreLookedIntoNowAndThen) {
    const auto verified = changed.partition->counters().verifications;
    for (int i = 0; i < 5; ++i) {
        changed.ledger.push_back(thief.foreign(sha256(std::to_string(i)), "total 9", 0));
        changed.read();
    }
    EXPECT_LE(changed.partition->counters().verifications, verified + 1);
}

// The tail is lost, and what was last in it is sent again and lies where a void record lay.
TEST(ToldOffset, FollowsWhatWasToldToWhereItLiesNow) {
    Bench leader("a"), follower("b");
    leader.read();
    leader.decide(leader.command("add 1", "r1"));
    leader.ledger.push_back(leader.ledger.back());
    leader.decide(leader.command("add 2", "r2"));
    follower.join(leader);
    follower.read();
    const std::string last = leader.ledger.back();
    leader.ledger.resize(2);
    leader.ledger.push_back(last);
    follower.ledger = leader.ledger;
    follower.partition->on_broker_trouble();
    follower.read();
    EXPECT_EQ(follower.partition->counted_offset(), 2);
    Bench restarted("a", 1, toy_keys(), 2);
    restarted.join(leader);
    restarted.read();
    restarted.decide(restarted.command("add 10", "r3"));
    share(restarted, follower);
    follower.read();
    EXPECT_EQ(follower.told.counted_offsets.back(), 3);
}

}  // namespace
}  // namespace tocsin::sim
