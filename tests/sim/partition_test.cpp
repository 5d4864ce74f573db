// The protocol core, one test per sentence of services/README.md on the ledger: given records and
// time, then orders.
#include "runtime/partition.hpp"
#include "runtime/view.hpp"
#include "sim/toy.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tocsin::sim {

using namespace runtime;
using std::chrono::milliseconds;

struct Told : PartitionObserver {
    std::vector<std::int64_t> counted_offsets;
    std::vector<std::string> answers;
    int changes = 0;

    void counted(int input, std::int64_t offset, const ledger::v1::Decision&,
                 const std::string&) override {
        if (input < 0) counted_offsets.push_back(offset);
    }
    void answered(const std::string&, const std::string&, const Remembered& answer) override {
        answers.push_back(answer.rejection ? answer.rejection->code : answer.subject);
    }
    void history_changed() override {
        ++changes;
        counted_offsets.clear();
    }
};

// One instance beside a log that the test writes.
struct Bench {
    explicit Bench(std::string writer = "a", int partitions = 1) {
        options.service = "toy";
        options.ledger_topic = "toy.ledger";
        options.writer = std::move(writer);
        options.partitions = partitions;
        options.record_bytes_max = record_bytes_max;
        options.inputs.resize(2);
        options.inputs[0] = {InputSpec::Kind::commands, "toy.commands", "toy"};
        options.inputs[1] = {InputSpec::Kind::ledger, "up.ledger", "up"};
        partition = std::make_unique<Partition>(options, mac, std::make_unique<Toy>(), told);
    }

    Tick tick() const { return Tick{milliseconds{1'000'000} + elapsed}; }
    Time now() const { return Time{std::chrono::seconds{1'750'000'000}} + elapsed + skew; }
    Orders step() {
        Orders orders = partition->step(now(), tick());
        if (orders.read_ledger_from) next = *orders.read_ledger_from;
        if (orders.read_inputs_again) ranges();
        return orders;
    }
    // Reads the ledger to its end, twice over if that is ordered.
    void read() {
        for (int i = 0; i < 5; ++i) {
            step();
            while (next < static_cast<std::int64_t>(ledger.size())) {
                const auto offset = next++;
                partition->on_ledger_record(offset, ledger[static_cast<std::size_t>(offset)],
                                            tick());
            }
            partition->on_ledger_end(next);
            if (partition->caught_up()) return;
        }
    }
    void ranges(std::int64_t low = 0, std::int64_t high = 0) {
        partition->on_input_range(0, low, high, ledger.empty());
        partition->on_input_range(1, 0, 0, ledger.empty());
    }
    // Everything that is ordered lands in the log.
    std::size_t store(const Orders& orders) {
        for (const auto& append : orders.append) ledger.push_back(append.record);
        return orders.append.size();
    }
    void open() {
        read();
        ranges();
        store(step());
        read();
    }
    std::string command(const std::string& body, const std::string& id,
                        std::chrono::seconds life = std::chrono::hours(1)) const {
        return command_bytes({{"bow", "ana", "calgary", {}, id}, opened + life, opened, "", body},
                             mac);
    }
    void ask(const std::string& record) {
        partition->on_input_record(0, asked++, record, now(), tick());
    }
    ledger::v1::Decision last() const { return parsed(ledger.back()); }
    ledger::v1::Decision parsed(const std::string& record) const {
        ledger::v1::Decision decision;
        const auto body = unseal(record, mac);
        EXPECT_TRUE(body.has_value());
        decision.ParseFromArray(body->data(), static_cast<int>(body->size()));
        return decision;
    }
    // A decision of somebody else on the input at `offset`, which extends `previous`.
    std::string foreign(const std::string& previous, const std::string& event, std::int64_t offset,
                        const std::string& writer = "z") const {
        ledger::v1::Decision decision;
        decision.set_previous_digest(previous);
        decision.set_writer(writer);
        decision.set_realm("bow");
        decision.mutable_cause()->set_topic("toy.commands");
        decision.mutable_cause()->set_offset(offset);
        *decision.mutable_decided_at() = to_proto(now());
        decision.mutable_accepted()->add_events(event);
        return seal(decision.SerializeAsString(), mac);
    }
    std::int64_t total() const {
        const auto& realms = static_cast<const Toy&>(partition->fold().rules()).realms();
        return realms.contains("bow") ? realms.at("bow").total : 0;
    }

    Mac mac{"key"};
    PartitionOptions options;
    Told told;
    std::unique_ptr<Partition> partition;
    std::vector<std::string> ledger;
    std::int64_t next = 0;
    std::int64_t asked = 0;
    milliseconds elapsed{0};
    std::chrono::seconds skew{0};
    Time opened{std::chrono::seconds{1'750'000'000}};
};

TEST(Protocol, GenesisDecisionOpensAFreshPartition) {
    Bench bench;
    bench.open();
    ASSERT_EQ(bench.ledger.size(), 1u);
    EXPECT_TRUE(bench.last().has_input_restarted());
    EXPECT_EQ(bench.last().previous_digest(), genesis_digest("toy.ledger", 0));
    EXPECT_TRUE(bench.partition->opened());
}

TEST(Protocol, NothingIsDecidedBeforeTheInputsAreKnown) {
    Bench bench;
    bench.read();
    EXPECT_TRUE(bench.step().append.empty());
}

TEST(Protocol, LeaderDecidesAtOnceAndAnswersOnceReadBack) {
    Bench bench;
    bench.open();
    bench.ask(bench.command("add 3", "r1"));
    EXPECT_EQ(bench.store(bench.step()), 1u);
    EXPECT_TRUE(bench.told.answers.empty());
    bench.read();
    EXPECT_EQ(bench.told.answers, std::vector<std::string>{"3"});
    EXPECT_EQ(bench.told.counted_offsets, (std::vector<std::int64_t>{0, 1}));
}

TEST(Protocol, FollowerStepsInOnlyAfterSilence) {
    Bench bench("b");
    bench.open();
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 1", 0));
    bench.read();
    bench.asked = 1;
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
    first.open();
    Bench again("a");
    again.ledger = first.ledger;
    again.read();
    again.ranges(0, 1);
    again.ask(again.command("add 3", "r1"));
    EXPECT_EQ(again.step().append.size(), 1u);
}

TEST(Protocol, LeaderStandsDownWhenAnothersRecordCounts) {
    Bench bench;
    bench.open();
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 1", 0));
    bench.read();
    EXPECT_FALSE(bench.partition->leads());
}

TEST(Protocol, VoidRecordMakesItFoldAgainAndDecideOnTheRealState) {
    Bench bench;
    bench.open();
    bench.ask(bench.command("add 0", "r0"));
    bench.ask(bench.command("add 3", "r1"));
    const Orders mine = bench.step();
    ASSERT_EQ(mine.append.size(), 2u);
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 5", 0));
    bench.store(mine);
    bench.read();
    EXPECT_EQ(bench.total(), 5);
    EXPECT_EQ(bench.partition->counters().folds_again, 1);
    bench.elapsed += milliseconds(1000);
    EXPECT_EQ(bench.store(bench.step()), 1u);
    EXPECT_EQ(bench.last().accepted().subject(), "8");
}

TEST(Protocol, MissingRecordIsGivenUpAfterATime) {
    Bench bench;
    bench.open();
    bench.ask(bench.command("add 3", "r1"));
    EXPECT_EQ(bench.step().append.size(), 1u);  // It is lost.
    bench.elapsed += milliseconds(12'000);
    bench.read();
    EXPECT_EQ(bench.store(bench.step()), 1u);
    bench.read();
    EXPECT_EQ(bench.total(), 3);
}

TEST(Protocol, RepeatIsAnsweredWithoutARecord) {
    Bench bench;
    bench.open();
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
    bench.open();
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
    bench.open();
    const std::string record = bench.command("add 3", "r1", std::chrono::seconds(5));
    bench.elapsed += milliseconds(6000);
    bench.ask(record);
    bench.store(bench.step());
    EXPECT_EQ(bench.last().rejected().code(), "expired");
}

TEST(Protocol, WhatWasForgottenIsExpired) {
    Bench bench;
    bench.open();
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
    bench.open();
    bench.ask(bench.command("add 3", "r1", std::chrono::hours(25)));
    bench.store(bench.step());
    EXPECT_EQ(bench.last().rejected().code(), "expires_too_late");
}

TEST(Protocol, DecidedAtNeverRunsBack) {
    Bench bench;
    bench.open();
    bench.skew = std::chrono::seconds(-100);
    bench.ask(bench.command("add 3", "r1"));
    bench.store(bench.step());
    EXPECT_EQ(from_proto(bench.last().decided_at()), bench.opened);
}

TEST(Protocol, UnknownEventStopsTheFoldAndStaysStopped) {
    Bench bench;
    bench.open();
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
    bench.open();
    bench.ask(bench.command("add 3", "r1"));
    bench.store(bench.step());
    EXPECT_EQ(bench.last().rejected().code(), "wrong_partition");
}

TEST(Protocol, RecordWithABadMacIsNotOurs) {
    Bench bench;
    bench.open();
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

TEST(Protocol, WhatCannotBeDecidedIsKeptBeforeItIsRefused) {
    Bench bench;
    bench.open();
    for (const char* body : {"boom", "huge"}) {
        bench.ask(bench.command(body, body));
        const Orders orders = bench.step();
        EXPECT_TRUE(orders.append.empty());
        ASSERT_EQ(orders.dead_letters.size(), 1u);
        EXPECT_TRUE(bench.step().dead_letters.empty());
        bench.partition->on_dead_letter_stored(0, orders.dead_letters[0].offset);
        bench.store(bench.step());
        bench.read();
    }
    EXPECT_EQ(bench.told.answers,
              (std::vector<std::string>{"decider_failed", "decision_too_large"}));
}

TEST(Protocol, EmptyLedgerWithCommandsWaitingIsAnAlarm) {
    Bench bench;
    bench.read();
    bench.ranges(0, 5);
    EXPECT_TRUE(bench.step().append.empty());
    EXPECT_TRUE(bench.partition->halted().starts_with("ledger_lost"));
    bench.partition->restart_inputs("the operator has looked");
    EXPECT_EQ(bench.store(bench.step()), 1u);
    bench.read();
    EXPECT_EQ(bench.partition->halted(), "");
    EXPECT_EQ(bench.last().input_restarted().reason(), "the operator has looked");
}

TEST(Protocol, CommandsThatShrankOrAreGoneAreAnAlarm) {
    for (const bool shrank : {true, false}) {
        Bench first;
        first.open();
        first.asked = 7;
        first.ask(first.command("add 3", "r1"));
        first.store(first.step());
        Bench bench;
        bench.ledger = first.ledger;
        bench.read();
        bench.ranges(shrank ? 0 : 20, shrank ? 3 : 30);
        EXPECT_TRUE(bench.partition->halted().starts_with(shrank ? "input_shrank" : "input_gone"));
        bench.ask(bench.command("add 1", "r2"));
        EXPECT_TRUE(bench.step().append.empty());
        bench.partition->restart_inputs("operator");
        bench.store(bench.step());
        bench.read();
        ASSERT_TRUE(bench.last().has_input_restarted());
        EXPECT_EQ(bench.last().input_restarted().inputs(0).next_offset(), shrank ? 0 : 20);
        EXPECT_EQ(bench.partition->halted(), "");
    }
}

TEST(Protocol, RestartReachesTheOtherInstances) {
    Bench first;
    first.open();
    first.asked = 7;
    first.ask(first.command("add 3", "r1"));
    first.store(first.step());
    Bench one("a"), other("b");
    for (Bench* bench : {&one, &other}) {
        bench->ledger = first.ledger;
        bench->read();
        bench->ranges(0, 3);
    }
    one.partition->restart_inputs("operator");
    one.store(one.step());
    other.ledger = one.ledger;
    other.read();
    EXPECT_EQ(other.partition->halted(), "");
    EXPECT_TRUE(other.partition->step(other.now(), other.tick()).read_inputs_again);
}

TEST(Protocol, HeadIsReadBackAfterBrokerTrouble) {
    Bench bench;
    bench.open();
    bench.ask(bench.command("add 3", "r1"));
    bench.partition->on_broker_trouble();
    const Orders orders = bench.partition->step(bench.now(), bench.tick());
    EXPECT_TRUE(orders.append.empty());
    EXPECT_EQ(orders.read_ledger_from, 0);
    bench.next = 0;
    bench.read();
    EXPECT_EQ(bench.partition->counters().folds_again, 0);
    EXPECT_EQ(bench.step().append.size(), 1u);
}

TEST(Protocol, LostTailIsNoticedAndToldAgain) {
    Bench bench;
    bench.open();
    for (const char* id : {"r1", "r2"}) {
        bench.ask(bench.command("add 1", id));
        bench.store(bench.step());
        bench.read();
    }
    ASSERT_EQ(bench.told.counted_offsets.size(), 3u);
    bench.ledger.pop_back();
    bench.partition->on_broker_trouble();
    bench.read();
    bench.read();
    EXPECT_EQ(bench.told.changes, 1);
    EXPECT_EQ(bench.told.counted_offsets, (std::vector<std::int64_t>{0, 1}));
    EXPECT_EQ(bench.total(), 1);
}

TEST(Protocol, OwnRecordBelowTheReadingPositionMakesItFoldAgain) {
    Bench bench;
    bench.open();
    bench.ledger.push_back("noise");
    bench.read();
    bench.ask(bench.command("add 3", "r1"));
    const Orders orders = bench.step();
    ASSERT_EQ(orders.append.size(), 1u);
    bench.partition->on_append_stored(orders.append[0].digest, 1);
    EXPECT_EQ(bench.partition->counters().folds_again, 1);
}

TEST(Protocol, UnknownPredecessorMakesItFoldAgainOnce) {
    Bench bench;
    bench.open();
    bench.ledger.push_back(bench.foreign(sha256("never here"), "total 9", 0));
    bench.read();
    bench.read();
    EXPECT_EQ(bench.partition->counters().folds_again, 1);
    EXPECT_EQ(bench.partition->counters().void_records, 1);
    EXPECT_EQ(bench.total(), 0);
}

TEST(Protocol, HistoryAndWhatIsFoldedAgainAreNotCountedAsNews) {
    Bench bench;
    bench.open();
    bench.ask(bench.command("add 3", "r1"));
    bench.ask(bench.command("add -1", "r2"));
    bench.store(bench.step());
    bench.read();
    const auto first = bench.partition->counters();
    EXPECT_EQ(first.decisions, 3);
    EXPECT_EQ(first.accepted + first.rejected, 2);
    // A stranger's record that extends nothing: void, and news once.
    bench.ledger.push_back(bench.foreign(bench.partition->fold().head(), "total 9", 2));
    bench.read();
    bench.ledger.push_back(bench.foreign(sha256("never here"), "total 9", 2));
    bench.read();
    bench.read();
    const auto again = bench.partition->counters();
    EXPECT_EQ(again.folds_again, 1);
    EXPECT_EQ(again.decisions, 3);
    EXPECT_EQ(again.void_now, 1);
    EXPECT_EQ(again.counted, 4);

    Bench restarted;
    restarted.ledger = bench.ledger;
    restarted.read();
    const auto history = restarted.partition->counters();
    EXPECT_EQ(history.counted, 4);
    EXPECT_EQ(history.void_records, 1);
    EXPECT_EQ(history.decisions, 0);
    EXPECT_EQ(history.void_now, 0);
}

TEST(Protocol, WhatAnotherInstanceDecidesIsNotCountedHere) {
    Bench bench;
    bench.open();
    const auto before = bench.partition->counters();
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 1", 0));
    bench.read();
    EXPECT_EQ(bench.partition->counters().counted, before.counted + 1);
    EXPECT_EQ(bench.partition->counters().decisions, before.decisions);
}

TEST(Protocol, DueTimerFiresAsOneRequestAndByOthersWhenTheLeaderIsSilent) {
    Bench leader("a");
    leader.open();
    leader.ask(leader.command("timer 10", "r1"));
    leader.store(leader.step());
    leader.read();
    EXPECT_TRUE(leader.step().fire.empty());
    Bench follower("b");
    follower.ledger = leader.ledger;
    follower.read();
    follower.ranges(0, 1);
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
