// The protocol core, one test per sentence of services/README.md on the ledger: given records and
// time, then orders. What faults do to it is in partition_faults_test.cpp.
#include "sim/partition_bench.hpp"

namespace tocsin::sim {

TEST(Protocol, GenesisDecisionOpensAFreshPartition) {
    Bench bench;
    bench.read();
    ASSERT_EQ(bench.ledger.size(), 1u);
    EXPECT_TRUE(bench.last().has_input_restarted());
    EXPECT_EQ(bench.last().previous_digest(), genesis_digest("toy.ledger", 0));
    EXPECT_TRUE(bench.partition->opened());
}

TEST(Protocol, LeaderDecidesAtOnceAndAnswersOnceReadBack) {
    Bench bench;
    bench.read();
    bench.ask(bench.command("add 3", "r1"));
    EXPECT_EQ(bench.store(bench.step()), 1u);
    EXPECT_TRUE(bench.told.answers.empty());
    bench.read();
    EXPECT_EQ(bench.told.answers, std::vector<std::string>{"3"});
    EXPECT_EQ(bench.told.counted_offsets, (std::vector<std::int64_t>{0, 1}));
}

TEST(Protocol, LeaderStandsDownWhenAnothersRecordCounts) {
    Bench bench;
    bench.read();
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 1", 0));
    bench.read();
    EXPECT_FALSE(bench.partition->leads());
}

TEST(Protocol, RepeatIsAnsweredWithoutARecord) {
    Bench bench;
    bench.read();
    const std::string record = bench.command("add 3", "r1");
    bench.ask(record);
    bench.store(bench.step());
    bench.read();
    bench.ask(record);
    EXPECT_TRUE(bench.step().append.empty());
    EXPECT_EQ(bench.told.answers, (std::vector<std::string>{"3", "3"}));
}

TEST(Protocol, SameIdWithAnotherBodyIsRefusedAndTheFirstKeepsItsAnswer) {
    Bench bench;
    bench.read();
    for (const char* body : {"add 3", "add 4", "add 3", "add 4"}) {
        bench.ask(bench.command(body, "r1"));
        bench.store(bench.step());
        bench.read();
    }
    EXPECT_EQ(bench.ledger.size(), 3u);
    EXPECT_EQ(bench.told.answers,
              (std::vector<std::string>{"3", "request_id_reused", "3", "request_id_reused"}));
}

TEST(Protocol, ExpiredIsRefused) {
    Bench bench;
    bench.read();
    const std::string record = bench.command("add 3", "r1", std::chrono::seconds(5));
    bench.elapsed += milliseconds(6000);
    bench.ask(record);
    bench.store(bench.step());
    EXPECT_EQ(bench.last().rejected().code(), "expired");
}

TEST(Protocol, WhatWasForgottenIsExpired) {
    Bench bench;
    bench.read();
    const std::string record = bench.command("add 3", "r1", std::chrono::seconds(5));
    bench.ask(record);
    bench.store(bench.step());
    bench.elapsed += milliseconds(10'000);
    bench.read();
    for (const std::string& next : {bench.command("add 1", "r2"), record}) {
        bench.ask(next);
        bench.store(bench.step());
        bench.read();
    }
    EXPECT_EQ(bench.last().rejected().code(), "expired");
    EXPECT_EQ(bench.total(), 4);
}

TEST(Protocol, ExpiryFarAheadIsRefused) {
    Bench bench;
    bench.read();
    bench.ask(bench.command("add 3", "r1", std::chrono::hours(25)));
    bench.store(bench.step());
    EXPECT_EQ(bench.last().rejected().code(), "expires_too_late");
}

TEST(Protocol, UnknownEventStopsTheFoldAndStaysStopped) {
    Bench bench;
    bench.read();
    const std::string strange = bench.foreign(bench.partition->counted_head(), "newer thing", 0);
    bench.ledger.push_back(strange);
    bench.ledger.push_back(bench.foreign(sha256(strange), "total 9", 1));
    bench.read();
    EXPECT_TRUE(bench.partition->halted().starts_with("unknown_event"));
    EXPECT_EQ(bench.total(), 0);
    bench.ask(bench.command("add 3", "r1"));
    EXPECT_TRUE(bench.step().append.empty());
}

TEST(Protocol, WrongPartitionIsRefused) {
    Bench bench("a", 8);
    ASSERT_NE(partition_of("bow", 8), 0);
    bench.read();
    bench.ask(bench.command("add 3", "r1"));
    bench.store(bench.step());
    EXPECT_EQ(bench.last().rejected().code(), "wrong_partition");
}

TEST(Protocol, RecordWithABadMacIsNotOurs) {
    Bench bench;
    bench.read();
    std::string command = bench.command("add 3", "r1");
    command.back() = static_cast<char>(command.back() ^ 1);
    bench.ask(command);
    EXPECT_TRUE(bench.step().append.empty());
    std::string decision = bench.foreign(bench.partition->counted_head(), "total 9", 0);
    decision.back() = static_cast<char>(decision.back() ^ 1);
    bench.ledger.push_back(decision);
    bench.read();
    EXPECT_EQ(bench.total(), 0);
    EXPECT_EQ(bench.partition->counters().foreign_records, 2);
}

TEST(Protocol, WhatAnotherInstanceDecidesIsNotCountedHere) {
    Bench bench;
    bench.read();
    const auto before = bench.partition->counters();
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 1", 0));
    bench.read();
    EXPECT_EQ(bench.partition->counters().counted, before.counted + 1);
    EXPECT_EQ(bench.partition->counters().decisions, before.decisions);
}

TEST(Protocol, NothingIsDecidedBeforeTheInputsAreKnown) {
    Bench bench;
    bench.step();
    bench.partition->on_ledger_end(0);
    ASSERT_TRUE(bench.partition->caught_up());
    EXPECT_TRUE(bench.step().append.empty());
}

TEST(Protocol, FollowerStepsInOnlyAfterSilence) {
    Bench bench("b");
    bench.read();
    bench.ask(bench.command("add 1", "r0"));
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 1", 0));
    bench.read();
    bench.elapsed += milliseconds(5000);
    bench.ask(bench.command("add 3", "r1"));
    bench.elapsed += milliseconds(249);
    EXPECT_TRUE(bench.step().append.empty());
    bench.elapsed += milliseconds(200);
    EXPECT_EQ(bench.store(bench.step()), 1u);
    bench.read();
    EXPECT_TRUE(bench.partition->leads());
}

TEST(Protocol, RestartedLeaderLeadsAtOnce) {
    Bench first("a");
    first.read();
    Bench again("a", 1, toy_keys(), 2);
    again.join(first);
    again.read();
    again.ask(again.command("add 3", "r1"));
    EXPECT_EQ(again.step().append.size(), 1u);
}

TEST(Protocol, AnothersRecordInPlaceOfAnOwnOneMakesALeaderFoldAgain) {
    Bench bench;
    bench.read();
    bench.decide(bench.command("add 0", "r0"));
    bench.ask(bench.command("add 3", "r1"));
    bench.ask(bench.command("add 4", "r2"));
    const Orders mine = bench.step();
    ASSERT_EQ(mine.append.size(), 2u);
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 5", 1));
    bench.store(mine);
    bench.read();
    EXPECT_EQ(bench.total(), 5);
    EXPECT_EQ(bench.partition->counters().folds_again, 1);
    bench.elapsed += milliseconds(1000);
    EXPECT_EQ(bench.store(bench.step()), 1u);
    EXPECT_EQ(bench.last().accepted().subject(), "9");
}

TEST(Protocol, DecidedAtNeverRunsBack) {
    Bench bench;
    bench.read();
    bench.skew = std::chrono::seconds(-20);
    bench.decide(bench.command("add 3", "r1"));
    EXPECT_EQ(from_proto(bench.last().decided_at()), bench.opened);
}

TEST(Protocol, WhatCannotBeDecidedIsKeptBeforeItIsRefused) {
    Bench bench;
    bench.read();
    for (const char* body : {"boom", "huge"}) {
        bench.ask(bench.command(body, body));
        const Orders orders = bench.step();
        EXPECT_TRUE(orders.append.empty());
        ASSERT_EQ(orders.dead_letters.size(), 1u);
        EXPECT_TRUE(bench.step().dead_letters.empty());
        bench.partition->on_dead_letter_stored(Bench::commands, orders.dead_letters[0].offset);
        bench.read();
    }
    EXPECT_EQ(bench.told.answers,
              (std::vector<std::string>{"decider_failed", "decision_too_large"}));
}

TEST(Protocol, EmptyLedgerWithCommandsWaitingIsAnAlarm) {
    Bench bench;
    bench.inputs[Bench::commands].low = 5;
    bench.read();
    EXPECT_TRUE(bench.ledger.empty());
    EXPECT_TRUE(bench.partition->halted().starts_with("ledger_lost"));
    EXPECT_TRUE(bench.partition->restart_inputs("the operator has looked"));
    bench.read();
    EXPECT_EQ(bench.partition->halted(), "");
    EXPECT_EQ(bench.last().input_restarted().reason(), "the operator has looked");
    EXPECT_EQ(bench.partition->input_position(Bench::commands), 5);
}

TEST(Protocol, CommandsThatAreGoneAreAnAlarmInEveryInstanceUntilAnOperatorHasSpoken) {
    Bench first;
    first.read();
    first.decide(first.command("add 3", "r1"));
    Bench one("a", 1, toy_keys(), 2), other("b");
    for (Bench* bench : {&one, &other}) {
        bench->join(first);
        bench->inputs[Bench::commands].log.clear();
        bench->inputs[Bench::commands].low = 20;
        bench->read();
        EXPECT_TRUE(bench->partition->halted().starts_with("input_gone"));
        bench->ask(bench->command("add 1", "r2"));
        EXPECT_TRUE(bench->step().append.empty());
    }
    EXPECT_TRUE(one.partition->restart_inputs("operator"));
    one.read();
    other.ledger = one.ledger;
    other.read();
    for (Bench* bench : {&one, &other}) {
        EXPECT_EQ(bench->partition->halted(), "");
        EXPECT_EQ(bench->total(), 4);
    }
}

TEST(Protocol, HeadIsReadBackAfterBrokerTrouble) {
    Bench bench;
    bench.read();
    bench.ask(bench.command("add 3", "r1"));
    bench.partition->on_broker_trouble();
    const Orders orders = bench.step();
    EXPECT_TRUE(orders.append.empty());
    EXPECT_EQ(orders.read_ledger_from, 0);
    bench.read();
    EXPECT_EQ(bench.partition->counters().folds_again, 0);
    EXPECT_EQ(bench.partition->counters().verifications, 1);
    EXPECT_EQ(bench.total(), 3);
}

TEST(Protocol, LostTailIsNoticedAndToldAgain) {
    Bench bench;
    bench.read();
    for (const char* id : {"r1", "r2"}) bench.decide(bench.command("add 1", id));
    ASSERT_EQ(bench.told.counted_offsets.size(), 3u);
    bench.ledger.pop_back();
    bench.partition->on_broker_trouble();
    bench.elapsed += std::chrono::hours(2);  // The command that is met again has expired.
    bench.read();
    EXPECT_EQ(bench.told.changes, 1);
    EXPECT_EQ(bench.told.counted_offsets, (std::vector<std::int64_t>{0, 1, 2}));
    EXPECT_EQ(bench.total(), 1);
}

TEST(Protocol, HistoryAndWhatIsFoldedAgainAreNotCountedAsNews) {
    Bench bench;
    bench.read();
    bench.decide(bench.command("add 3", "r1"));
    bench.decide(bench.command("add -1", "r2"));
    const auto first = bench.partition->counters();
    EXPECT_EQ(first.decisions, 3);
    EXPECT_EQ(first.accepted + first.rejected, 2);
    bench.ask(bench.command("add 4", "r3"));
    const Orders lost = bench.step();
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 9", 2));
    // What an own append has become, and a stranger's record that extends nothing: void, news once.
    bench.store(lost);
    bench.ledger.push_back(bench.foreign(sha256("never here"), "total 9", 2));
    bench.read();
    const auto again = bench.partition->counters();
    EXPECT_EQ(again.folds_again, 1);
    EXPECT_EQ(again.decisions, 3);
    EXPECT_EQ(again.void_now, 2);
    EXPECT_EQ(again.counted, 4);

    Bench restarted("b");
    restarted.join(bench);
    restarted.read();
    const auto history = restarted.partition->counters();
    EXPECT_EQ(history.counted, 4);
    EXPECT_EQ(history.void_records, 2);
    EXPECT_EQ(history.decisions, 0);
    EXPECT_EQ(history.void_now, 0);
}

TEST(Protocol, DueTimerFiresAsOneRequestAndByOthersWhenTheLeaderIsSilent) {
    Bench leader("a");
    leader.read();
    leader.decide(leader.command("timer 10", "r1"));
    EXPECT_TRUE(leader.step().fire.empty());
    Bench follower("b");
    follower.join(leader);
    follower.read();
    leader.elapsed = follower.elapsed = milliseconds(10'000);
    const Orders fired = leader.step();
    ASSERT_EQ(fired.fire.size(), 1u);
    EXPECT_TRUE(follower.step().fire.empty());
    follower.elapsed += milliseconds(2000);
    const Orders late = follower.step();
    ASSERT_EQ(late.fire.size(), 1u);
    EXPECT_EQ(late.fire[0].request_id, fired.fire[0].request_id);
    EXPECT_EQ(late.fire[0].expires_at, fired.fire[0].expires_at);
}

}  // namespace tocsin::sim
