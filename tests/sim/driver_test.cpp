// The driver of the ledger protocol under ordinary faults: what it must not do while it cannot do
// anything, what it must go on doing, and that it ends.
#include "runtime/base/record_limits.hpp"
#include "sim/driver_stage.hpp"
#include "support/metric_value.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <sstream>
#include <thread>

namespace tocsin::sim {
namespace {

using runtime::Answer;
using runtime::Ledger;
using runtime::LedgerProcess;
using std::chrono::seconds;
using testing::metric_value;

const prometheus::Labels toy{{"service", "toy"}};

class DriverTest : public ::testing::Test {
protected:
    Member& ready(const std::string& name, runtime::View* view = nullptr) {
        Member& member = stage.add(name, view);
        EXPECT_TRUE(stage.run_until([&] { return member.process->ready(); }, seconds(10)));
        return member;
    }
    // Turns that it took within so long.
    std::int64_t turns(Member& member, milliseconds time) {
        const std::int64_t before = member.turns;
        stage.run(time);
        return member.turns - before;
    }
    bool answered(const std::shared_ptr<Member::Call>& call, milliseconds most = seconds(5)) {
        return stage.run_until([&] { return call->answers > 0; }, most);
    }
    double restarts(Member& member, const std::string& kind) {
        return metric_value(member.metrics, "tocsin_reader_restarts_total",
                            {{"service", "toy"}, {"kind", kind}})
            .value_or(-1);
    }

    Stage stage;
};

TEST_F(DriverTest, AnswersWithinAFewTurns) {
    Member& member = ready("one");
    const auto call = member.submit(Stage::realm(0), "add 5");
    ASSERT_TRUE(answered(call, milliseconds(20)));
    EXPECT_TRUE(call->accepted());
    EXPECT_EQ(call->answer.subject, "5");
}

// Who hears that it is ready, of a halt or of another leader finds the same in its status.
TEST_F(DriverTest, TheStatusIsNotOlderThanWhatIsTold) {
    Member& one = stage.add("one");
    std::int64_t seen = -1;
    one.process->on_ready([&](bool) { seen = one.process->status().at(0).next_offset; });
    ASSERT_TRUE(stage.run_until([&] { return one.process->ready(); }, seconds(10)));
    EXPECT_EQ(seen, stage.kafka.log(Stage::ledger(), 0).end());
    Member& two = ready("two");
    stage.freeze(one, true);
    two.submit(Stage::realm(0), "add 5");
    ASSERT_TRUE(stage.run_until([&] { return two.process->standing(0).leads; }, seconds(10)));
    EXPECT_EQ(two.process->status().at(0).writer, "two");
    stage.kafka.drop_before(Stage::ledger(), 0, 1);
    two.process.reset();
    Member& three = stage.add("three");
    ASSERT_TRUE(stage.run_until(
        [&] {
            return three.process->why_not(Stage::realm(0)).starts_with("an operator is needed");
        },
        seconds(10)));
    EXPECT_NE(three.process->status().at(0).halted, "");
}

TEST_F(DriverTest, NothingToDoIsAFewTurnsPerSecond) {
    Member& member = ready("one");
    EXPECT_LE(turns(member, seconds(10)), 10 * 20);
}

TEST_F(DriverTest, ATimerThatIsDueWhileKafkaIsAwayKeepsNobodyBusy) {
    Member& member = ready("one");
    ASSERT_TRUE(answered(member.submit(Stage::realm(0), "timer 2")));
    stage.kafka.go_away();
    EXPECT_LE(turns(member, seconds(30)), 30 * 20);
    stage.kafka.come_back();
    EXPECT_TRUE(stage.run_until([&] { return stage.kafka.log(Stage::ledger(), 0).end() == 3; },
                                seconds(30)))
        << "opened, set, fired";
}

TEST_F(DriverTest, AHaltedPartitionWithADueTimerKeepsNobodyBusy) {
    Member& first = ready("one");
    ASSERT_TRUE(answered(first.submit(Stage::realm(0), "timer 5")));
    for (int i = 0; i < 5; ++i) stage.kafka.put(Stage::commands(), 0, "x", "not ours");
    first.process.reset();
    // Its input now starts behind what was decided: an operator is needed.
    stage.kafka.drop_before(Stage::commands(), 0, 4);
    Member& second = stage.add("two");
    stage.run(seconds(2));
    ASSERT_FALSE(second.process->status().at(0).halted.empty());
    // Whoever asks hears that waiting is of no use, in the other partition too.
    for (const int partition : {0, 1}) {
        const auto call = second.submit(Stage::realm(partition), "add 5");
        EXPECT_TRUE(call->unavailable());
        EXPECT_TRUE(call->answer.rejection.text.starts_with(
            "an operator is needed (see GetStatus): input_gone: "))
            << call->answer.rejection.text;
    }
    EXPECT_FALSE(second.process->ready());
    EXPECT_LE(turns(second, seconds(30)), 30 * 20);
}

TEST_F(DriverTest, AFollowerWithAnOverdueTimerIsNotBusy) {
    Member& leader = ready("one");
    Member& follower = ready("two");
    ASSERT_TRUE(answered(leader.submit(Stage::realm(0), "timer 3")));
    stage.freeze(leader, true);
    stage.run(milliseconds(3'000));
    EXPECT_LE(turns(follower, milliseconds(800)), 100);
    EXPECT_TRUE(stage.run_until([&] { return stage.kafka.log(Stage::ledger(), 0).end() == 3; },
                                seconds(10)));
}

TEST_F(DriverTest, ADeadLetterThatFailsIsSentLessAndLessOften) {
    Member& member = ready("one");
    stage.kafka.refused_topics.insert(Stage::dead_letters());
    const auto call = member.submit(Stage::realm(0), "boom", seconds(100));
    EXPECT_LE(turns(member, seconds(60)), 60 * 120);
    const auto tries = stage.kafka.appends[Stage::dead_letters()];
    EXPECT_GE(tries, 10);
    EXPECT_LE(tries, 25);
    EXPECT_EQ(call->answers, 0);
    EXPECT_EQ(metric_value(member.metrics, "tocsin_dead_letters_waiting", toy), 1);
    stage.kafka.refused_topics.clear();
    ASSERT_TRUE(answered(call, seconds(6)));
    EXPECT_EQ(call->answer.rejection.code, "decider_failed");
    EXPECT_EQ(stage.kafka.log(Stage::dead_letters(), 0).end(), 1);
}

TEST_F(DriverTest, ADeadLetterThatFitsNowhereReleasesItsPartition) {
    Member& member = ready("one");
    const auto call = member.submit(Stage::realm(0), "boom " + std::string(2'000, 'x'));
    stage.run(milliseconds(1));
    stage.kafka.stored_bytes_max = 1'500;
    ASSERT_TRUE(answered(call));
    EXPECT_EQ(stage.kafka.log(Stage::dead_letters(), 0).end(), 0);
    EXPECT_TRUE(answered(member.submit(Stage::realm(0), "add 5")));
}

TEST_F(DriverTest, ACommandThatIsTooLargeIsAFinalNo) {
    Member& member = ready("one");
    member.config.command_bytes_max = 1'000;
    const auto large = member.submit(Stage::realm(0), "add 5 " + std::string(1'000, 'x'));
    ASSERT_EQ(large->answers, 1);
    EXPECT_EQ(large->answer.kind, Answer::Kind::rejected);
    EXPECT_EQ(large->answer.rejection.code, "command_too_large");
    EXPECT_EQ(large->answer.rejection.because, runtime::Because::invalid_argument);
    // The broker takes less than it should.
    stage.kafka.stored_bytes_max = 600;
    const auto refused = member.submit(Stage::realm(0), "add 5 " + std::string(600, 'x'));
    ASSERT_TRUE(answered(refused, milliseconds(50)));
    EXPECT_EQ(refused->answer.rejection.code, "command_too_large");
    stage.kafka.stored_bytes_max = 1'000'000;
    stage.kafka.record_bytes_max = 600;
    const auto unqueued = member.submit(Stage::realm(0), "add 5 " + std::string(600, 'x'));
    ASSERT_EQ(unqueued->answers, 1);
    EXPECT_EQ(unqueued->answer.rejection.code, "command_too_large");
}

// A release of a thousand channels is decided in records of about 480,000 bytes, on a command of a
// few: how long a command may be says nothing about what follows from it.
TEST_F(DriverTest, ADecisionMayBeLargeWhereCommandsMustBeSmall) {
    stage.config.command_bytes_max = 64 << 10;
    Member& member = ready("one");
    const auto large =
        member.submit(Stage::realm(0), fmt::format("large {}", runtime::decision_events_bytes));
    ASSERT_TRUE(answered(large));
    EXPECT_TRUE(large->accepted()) << large->answer.rejection.code;
}

// A copy of a command in another partition is refused there; who asked hears of its own.
TEST_F(DriverTest, ACopyElsewhereIsNoAnswer) {
    Member& member = ready("one");
    const auto call = member.submit(Stage::realm(0), "add 5");
    ASSERT_TRUE(stage.run_until([&] { return stage.kafka.log(Stage::commands(), 0).end() == 1; },
                                seconds(1)));
    const auto copy = stage.kafka.log(Stage::commands(), 0).at(0);
    stage.kafka.put(Stage::commands(), 1, copy.key, copy.value);
    ASSERT_TRUE(answered(call));
    EXPECT_TRUE(call->accepted());
    const auto again = member.submit(Stage::realm(1), "add 5");
    ASSERT_TRUE(answered(again));
    EXPECT_EQ(stage.kafka.log(Stage::ledger(), 1).end(), 3) << "opened, refused, decided";
}

TEST_F(DriverTest, AFullQueueAndOneRealmsFloodLeaveRoomForOthers) {
    stage.config.calls_in_flight_max = 200;
    Member& member = ready("one");
    stage.kafka.faults.delay_min = stage.kafka.faults.delay_max = seconds(2);
    std::vector<std::shared_ptr<Member::Call>> flood;
    for (int i = 0; i < 500; ++i)
        flood.push_back(member.submit(Stage::realm(0), "add 1", seconds(9),
                                      "flooder-" + std::to_string(i % 10)));
    EXPECT_EQ(std::ranges::count_if(flood, [](const auto& call) { return call->answers == 0; }),
              64);
    const auto other = member.submit(Stage::realm(0, 1), "add 5", seconds(20), "bob");
    const auto timer = member.submit(Stage::realm(0), "add 5", seconds(20), "service:toy");
    EXPECT_EQ(other->answers, 0);
    EXPECT_EQ(timer->answers, 0);
    ASSERT_TRUE(answered(other, seconds(20)));
    ASSERT_TRUE(answered(timer, seconds(20)));
    EXPECT_TRUE(other->accepted());
    EXPECT_TRUE(timer->accepted());
}

TEST_F(DriverTest, ReadsThatWaitAreBounded) {
    stage.config.reads_waiting_max = 100;
    Member& member = ready("one");
    std::map<Ledger::Awaited, int> ended;
    const auto wait = [&](const std::string& realm, std::int64_t offset, milliseconds most) {
        member.process->await(realm, {{"toy", 0, offset}}, most,
                              [&](Ledger::Awaited how) { ++ended[how]; });
    };
    for (int i = 0; i < 80; ++i) wait("a", 1 + i % 2 * 1000, seconds(3));
    EXPECT_EQ(ended[Ledger::Awaited::too_many], 16) << "one realm has 64";
    for (int i = 0; i < 50; ++i) wait("b", 1, seconds(3));
    EXPECT_EQ(ended[Ledger::Awaited::too_many], 16 + 14);
    ASSERT_TRUE(answered(member.submit(Stage::realm(0), "add 5")));
    stage.run(milliseconds(5));
    EXPECT_EQ(ended[Ledger::Awaited::reached], 32 + 36);
    EXPECT_EQ(ended[Ledger::Awaited::not_yet], 0);
    stage.run(seconds(4));
    EXPECT_EQ(ended[Ledger::Awaited::not_yet], 32);
}

TEST_F(DriverTest, OneActorsReadsLeaveRoomForOthersOfTheRealm) {
    stage.config.reads_waiting_max = 256;
    Member& member = ready("one");
    std::map<Ledger::Awaited, int> ended;
    const auto wait = [&](const std::string& actor) {
        return member.process->await({"a", actor}, {{"toy", 0, 1000}}, seconds(3),
                                     [&](Ledger::Awaited how) { ++ended[how]; });
    };
    std::uint64_t last = 0;
    for (int i = 0; i < 32; ++i) last = wait("anna");
    wait("anna");
    EXPECT_EQ(ended[Ledger::Awaited::too_many], 1) << "half of the realm's 64";
    wait("bob");
    EXPECT_EQ(ended[Ledger::Awaited::too_many], 1);
    // What is given up leaves its place at once, and ends once.
    member.process->give_up(last);
    member.process->give_up(last);
    EXPECT_EQ(ended[Ledger::Awaited::given_up], 1);
    wait("anna");
    EXPECT_EQ(ended[Ledger::Awaited::too_many], 1);
    stage.run(seconds(4));
    EXPECT_EQ(ended[Ledger::Awaited::not_yet], 33);
    EXPECT_EQ(ended[Ledger::Awaited::given_up], 1);
}

TEST_F(DriverTest, StopStaysInEffect) {
    Member& member = ready("one");
    stage.kafka.faults.delay_min = stage.kafka.faults.delay_max = seconds(2);
    const auto waiting = member.submit(Stage::realm(0), "add 5");
    int reads = 0;
    member.process->await({"a"}, {{"toy", 0, 1000}}, seconds(60), [&](auto) { ++reads; });
    member.process->stop(milliseconds(0));
    EXPECT_EQ(waiting->answers, 1);
    EXPECT_EQ(reads, 1);
    EXPECT_FALSE(member.process->ready());
    EXPECT_EQ(member.submit(Stage::realm(0), "add 5")->answers, 1);
    member.process->await({"a"}, {{"toy", 0, 1000}}, seconds(60), [&](auto) { ++reads; });
    EXPECT_EQ(reads, 2);
    int stored = 0;
    member.process->append_stream("readings", Stage::realm(0), "reading 1", [&](bool ok) {
        EXPECT_FALSE(ok);
        ++stored;
    });
    EXPECT_EQ(stored, 1);
    int restarted = 0;
    member.process->operate(0, runtime::LedgerProcess::Word::restart_inputs, "why", seconds(5),
                            [&](auto) { ++restarted; });
    EXPECT_EQ(restarted, 1);
}

// Operators on threads of their own: each hears something, however close to the end.
TEST_F(DriverTest, NoWordIsLostAsItStops) {
    for (int i = 0; i < 20; ++i) {
        Member& member = ready("one");
        std::atomic<int> asked{0}, ended{0};
        std::atomic<bool> over{false};
        std::vector<std::jthread> operators;
        for (int j = 0; j < 3; ++j)
            operators.emplace_back([&] {
                for (; !over; ++asked)
                    member.process->operate(0, LedgerProcess::Word::restart_inputs, "why",
                                            seconds(5), [&](auto) { ++ended; });
            });
        while (asked < 100) std::this_thread::yield();
        member.process->stop(milliseconds(0));
        over = true;
        operators.clear();
        EXPECT_EQ(ended, asked);
        stage.members.clear();
    }
}

TEST_F(DriverTest, CallsAreEndedBeforeTheProcessIs) {
    Member& member = ready("one");
    stage.kafka.go_away();
    const auto waiting = member.submit(Stage::realm(0), "add 5", seconds(60));
    int reads = 0;
    member.process->await({"a"}, {{"toy", 0, 1000}}, seconds(60), [&](auto) { ++reads; });
    member.process->end_calls(milliseconds(0));
    EXPECT_TRUE(waiting->unavailable());
    EXPECT_EQ(reads, 1);
    EXPECT_FALSE(member.process->ready());
    EXPECT_TRUE(member.submit(Stage::realm(0), "add 5")->unavailable());
    stage.kafka.come_back();
    stage.run(seconds(20));
    EXPECT_EQ(waiting->answers, 1);
}

TEST_F(DriverTest, NobodyIsCalledAfterStop) {
    Member& member = ready("one");
    stage.kafka.go_away();
    auto target = std::make_unique<int>(0);
    member.process->append_stream("readings", Stage::realm(0), "reading 1",
                                  [&](bool) { ++*target; });
    member.process->stop(milliseconds(0));
    EXPECT_EQ(*target, 1);
    target.reset();  // A second call would be seen by a sanitizer, and by the next line.
    member.process.reset();
    stage.kafka.come_back();
    stage.run(seconds(20));
}

// Partition 0 has a history that takes a while to fold.
class FoldTest : public DriverTest {
protected:
    void fill(Member& member) {
        for (int i = 0; i < 40; ++i) {
            std::shared_ptr<Member::Call> last;
            for (int j = 0; j < 500; ++j)
                last =
                    member.submit(Stage::realm(0), "add 1", seconds(30), "a" + std::to_string(j));
            ASSERT_TRUE(answered(last, seconds(30)));
        }
        ASSERT_GT(stage.kafka.log(Stage::ledger(), 0).end(), 15'000);
    }
    // A change in partition 1 is decided before partition 0 is folded.
    void expect_the_other_serves(Member& member) {
        const auto call = member.submit(Stage::realm(1), "add 5");
        ASSERT_TRUE(answered(call, milliseconds(100)));
        EXPECT_TRUE(call->accepted()) << call->answer.rejection.text;
        EXPECT_FALSE(member.process->readable(Stage::realm(0))) << "it is still folded";
    }
    // The broker is back, and the ledger of partition 0 lost its last records.
    void lose_tail(Member& member) {
        stage.kafka.lose_tail(Stage::ledger(), 0, 3);
        stage.kafka.go_away();
        stage.kafka.come_back();
        ASSERT_TRUE(stage.run_until([&] { return !member.process->readable(Stage::realm(0)); },
                                    seconds(10)));
    }
};

TEST_F(FoldTest, OfOnePartitionAtStartDelaysNoOther) {
    Member& member = ready("one");
    fill(member);
    member.process.reset();
    Member& again = stage.add("one");
    ASSERT_TRUE(
        stage.run_until([&] { return again.process->readable(Stage::realm(1)); }, seconds(10)));
    expect_the_other_serves(again);
    const auto refused = again.submit(Stage::realm(0), "add 5");
    EXPECT_TRUE(refused->unavailable());
    EXPECT_TRUE(stage.run_until([&] { return again.process->ready(); }, seconds(10)));
}

TEST_F(FoldTest, OnceMoreOfOnePartitionDelaysNoOther) {
    Member& member = ready("one");
    fill(member);
    lose_tail(member);
    expect_the_other_serves(member);
    const auto late = member.submit(Stage::realm(0), "add 5", seconds(20));
    ASSERT_TRUE(answered(late, seconds(20)));
    EXPECT_TRUE(late->accepted());
}

// Where the inputs begin and end was asked before the fold began anew.
TEST_F(FoldTest, ThatBeginsWhileRangesAreAskedForTakesTheNextAnswer) {
    Member& member = ready("one");
    fill(member);
    stage.kafka.lose_tail(Stage::commands(), 0, 1);
    stage.kafka.faults.delay_min = stage.kafka.faults.delay_max = milliseconds(20);
    stage.run(milliseconds(2));
    lose_tail(member);
    stage.run(milliseconds(40));
    EXPECT_FALSE(member.process->readable(Stage::realm(0))) << "the answer is there, the fold not";
    stage.kafka.faults.delay_min = stage.kafka.faults.delay_max = milliseconds(1);
    const auto late = member.submit(Stage::realm(0), "add 5", seconds(30));
    ASSERT_TRUE(answered(late, seconds(30)));
    EXPECT_TRUE(late->accepted());
    EXPECT_TRUE(member.process->ready());
}

class Remembering final : public runtime::View {
public:
    void apply(const runtime::Counted& counted) override {
        if (counted.partition == 0) shown = counted.offset;
    }
    void reset(int partition) override {
        if (partition != 0) return;
        shown = -1;
        ++resets;
    }
    std::int64_t shown = -1;
    int resets = 0;
};

TEST_F(DriverTest, AReadWaitsOnWhileItsViewsStartOver) {
    Remembering view;
    Member& member = ready("one", &view);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(answered(member.submit(Stage::realm(0), "add 1")));
    const std::int64_t wanted = stage.kafka.log(Stage::ledger(), 0).end() + 1;
    std::vector<Ledger::Awaited> ended;
    member.process->await(Stage::realm(0), {{"toy", 0, wanted}}, seconds(60), [&](auto how) {
        ended.push_back(how);
        EXPECT_GE(view.shown, wanted);
    });
    stage.kafka.lose_tail(Stage::ledger(), 0, 3);
    stage.kafka.go_away();
    stage.kafka.come_back();
    ASSERT_TRUE(stage.run_until([&] { return view.resets == 1 && view.shown >= 2; }, seconds(10)));
    // What the log lost is decided again, on what was asked.
    EXPECT_TRUE(ended.empty());
    while (stage.kafka.log(Stage::ledger(), 0).end() <= wanted)
        ASSERT_TRUE(answered(member.submit(Stage::realm(0), "add 1")));
    stage.run(milliseconds(10));
    EXPECT_EQ(ended, std::vector{Ledger::Awaited::reached});
}

TEST_F(DriverTest, ASourceThatStandsStillIsStartedAgain) {
    Member& member = ready("one");
    stage.kafka.stall(Stage::ledger(), 0, false);
    const auto call = member.submit(Stage::realm(0), "add 5", seconds(20));
    ASSERT_TRUE(answered(call, seconds(10)));
    EXPECT_TRUE(call->accepted());
    stage.run(seconds(1));
    EXPECT_EQ(restarts(member, "source"), 1);
    EXPECT_EQ(restarts(member, "reader"), 0);
}

TEST_F(DriverTest, AReaderThatStandsStillIsReplaced) {
    Member& member = ready("one");
    stage.kafka.stall(Stage::commands(), 0, true);
    const auto call = member.submit(Stage::realm(0), "add 5", seconds(20));
    ASSERT_TRUE(answered(call, seconds(15)));
    EXPECT_TRUE(call->accepted());
    stage.run(seconds(1));
    EXPECT_EQ(restarts(member, "source"), 1);
    EXPECT_EQ(restarts(member, "reader"), 1);
    EXPECT_TRUE(answered(member.submit(Stage::realm(1), "add 5")));
}

// Nobody could decide anything where its ledger never seems to end.
TEST_F(DriverTest, AnEmptyLogThatIsNotReadIsStartedAgain) {
    Member& member = stage.add("one");
    stage.run(milliseconds(1));
    stage.kafka.stall(Stage::ledger(), 0, true);
    EXPECT_TRUE(stage.run_until([&] { return member.process->ready(); }, seconds(40)));
}

// What another instance wrote is found although nothing here knows of it.
TEST_F(DriverTest, AQuietSourceIsLookedAfterNowAndThen) {
    Member& leader = ready("one");
    Member& follower = ready("two");
    stage.kafka.stall(Stage::ledger(), 0, false);
    ASSERT_TRUE(answered(leader.submit(Stage::realm(0), "add 5", seconds(60)), seconds(60)));
    stage.run(seconds(60));
    EXPECT_EQ(follower.process->status().at(0).next_offset,
              stage.kafka.log(Stage::ledger(), 0).end());
    EXPECT_EQ(restarts(follower, "source"), 1);
}

TEST_F(DriverTest, AQuietLogIsNoStall) {
    Member& member = ready("one");
    stage.run(std::chrono::hours(1));
    EXPECT_EQ(restarts(member, "source"), 0);
    EXPECT_TRUE(member.process->ready());
}

// What it asked for just before is there at once when it goes on, and what the log holds is not.
TEST_F(DriverTest, AProcessThatStoodStillTakesNoLogForStalled) {
    Member& frozen = ready("one");
    Member& other = ready("two");
    ASSERT_TRUE(answered(frozen.submit(Stage::realm(0), "add 5")));
    stage.kafka.faults.delay_min = stage.kafka.faults.delay_max = milliseconds(50);
    for (int i = 0; i < 10; ++i) frozen.submit(Stage::realm(0), "add 1", seconds(30));
    stage.freeze(frozen, true);
    ASSERT_TRUE(answered(other.submit(Stage::realm(0), "add 1", seconds(30)), seconds(30)));
    stage.run(seconds(20));
    stage.kafka.go_away();
    stage.freeze(frozen, false);
    stage.run(milliseconds(200));
    stage.kafka.come_back();
    stage.run(seconds(2));
    EXPECT_EQ(restarts(frozen, "source"), 0);
}

TEST_F(DriverTest, AStartThatFailsIsTriedAgain) {
    stage.kafka.failing_starts = 3;
    Member& member = stage.add("one");
    stage.run(milliseconds(300));
    EXPECT_FALSE(member.process->ready());
    EXPECT_TRUE(member.submit(Stage::realm(0), "add 5")
                    ->answer.rejection.text.starts_with("history is still being folded; "));
    EXPECT_EQ(metric_value(member.metrics, "tocsin_reader_down", toy), 1);
    EXPECT_GT(member.process->stale_seconds(), .1) << "what is read is said to be old";
    EXPECT_TRUE(member.process->connected());
    EXPECT_TRUE(stage.run_until([&] { return member.process->ready(); }, seconds(10)));
    stage.run(milliseconds(300));
    EXPECT_EQ(metric_value(member.metrics, "tocsin_reader_down", toy), 0);
    EXPECT_EQ(member.process->stale_seconds(), 0);
}

// Kafka is never away: a change of leader alone may do that, and nobody is told.
class LostTailTest : public DriverTest {
protected:
    // Reads records that are not ours up to there; then all of them are lost, and others come.
    void lose(const std::string& topic) {
        for (int i = 0; i < 10; ++i) stage.kafka.put(topic, 0, "x", "not ours");
        stage.run(seconds(1));
        stage.kafka.lose_tail(topic, 0, 10);
    }
    void regrow(const std::string& topic, std::int64_t end) {
        while (stage.kafka.log(topic, 0).end() < end) stage.kafka.put(topic, 0, "x", "not ours");
    }
};

TEST_F(LostTailTest, ACommandThatIsStoredBeforeWhatWasReadShowsIt) {
    Member& member = ready("one");
    ASSERT_TRUE(answered(member.submit(Stage::realm(0), "add 3")));
    lose(Stage::commands());
    std::vector<std::shared_ptr<Member::Call>> calls;
    // Sent together, they land before anybody reads on.
    stage.freeze(member, true);
    for (int i = 0; i < 12; ++i)
        calls.push_back(member.submit(Stage::realm(0), "add 10", seconds(5), std::to_string(i)));
    stage.run(milliseconds(5));
    ASSERT_EQ(stage.kafka.log(Stage::commands(), 0).end(), 13);
    stage.freeze(member, false);
    for (const auto& call : calls) EXPECT_TRUE(answered(call) && call->answers == 1);
    for (const auto& call : calls) EXPECT_NE(call->answer.kind, Answer::Kind::unavailable);
    EXPECT_TRUE(member.process->ready());
}

TEST_F(LostTailTest, AReadingThatIsStoredBeforeWhatWasReadShowsIt) {
    const std::string readings = runtime::stream_topic("live", "toy", "readings");
    Member& member = ready("one");
    lose(readings);
    stage.freeze(member, true);
    member.process->append_stream("readings", Stage::realm(0), "reading 5", [](bool) {});
    stage.run(milliseconds(5));
    ASSERT_EQ(stage.kafka.log(readings, 0).end(), 1);
    regrow(readings, 12);
    const std::int64_t before = stage.kafka.log(Stage::ledger(), 0).end();
    stage.freeze(member, false);
    EXPECT_TRUE(stage.run_until(
        [&] { return stage.kafka.log(Stage::ledger(), 0).end() == before + 1; }, seconds(5)));
}

// Where the fetch does not tell.
TEST_F(LostTailTest, ALogThatEndsBeforeWhatWasReadIsFoundWhenItIsAsked) {
    Member& member = ready("one");
    stage.run(seconds(1));
    for (int i = 0; i < 10; ++i) stage.kafka.put(Stage::commands(), 0, "x", "not ours");
    stage.run(seconds(1));
    stage.kafka.stall(Stage::commands(), 0, false);
    stage.kafka.lose_tail(Stage::commands(), 0, 10);
    const auto before = member.process->partition(0).counters().verifications;
    stage.run(seconds(70));
    EXPECT_EQ(member.process->partition(0).counters().verifications, before + 1);
    EXPECT_TRUE(answered(member.submit(Stage::realm(0), "add 3")));
}

class Fragile final : public runtime::View {
public:
    void apply(const runtime::Counted& counted) override {
        if (counted.partition == 0 && armed) throw std::runtime_error("out of shape");
    }
    void reset(int) override {}
    void halted(int partition) override { halts.push_back(partition); }
    bool armed = false;
    std::vector<int> halts;
};

TEST_F(DriverTest, AViewThatThrowsStopsItsPartitionOnly) {
    Fragile view;
    Member& member = ready("one", &view);
    view.armed = true;
    const auto call = member.submit(Stage::realm(0), "add 5", seconds(2));
    const auto other = member.submit(Stage::realm(1), "add 5");
    ASSERT_TRUE(answered(other));
    EXPECT_TRUE(other->accepted());
    stage.run(seconds(3));
    EXPECT_EQ(call->answers, 1);
    EXPECT_TRUE(member.process->status().at(0).halted.starts_with("view_failed: "));
    EXPECT_EQ(metric_value(member.metrics, "tocsin_partition_halted",
                           {{"service", "toy"}, {"partition", "0"}}),
              1);
    EXPECT_FALSE(member.process->ready());
    EXPECT_FALSE(member.process->readable());
    EXPECT_FALSE(member.process->readable(Stage::realm(0)));
    EXPECT_TRUE(member.process->readable(Stage::realm(1)));
    EXPECT_EQ(view.halts, std::vector<int>{0});
    EXPECT_LE(turns(member, seconds(10)), 10 * 20);
}

TEST_F(DriverTest, ACallerThatThrowsIsNobodyElsesMatter) {
    Member& member = ready("one");
    runtime::Submission submission;
    submission.asking = {Stage::realm(0), "anna", "", {}, "thrower"};
    submission.expires_at = member.clock.now() + std::chrono::hours(1);
    submission.body = "add 5";
    member.process->submit(std::move(submission), seconds(5),
                           [](const Answer&) { throw std::runtime_error("gone"); });
    member.process->post([] { throw std::runtime_error("gone"); });
    stage.run(seconds(1));
    EXPECT_TRUE(answered(member.submit(Stage::realm(0), "add 1")));
    EXPECT_TRUE(member.process->ready());
}

TEST_F(DriverTest, CallsEndInTimeWhileKafkaIsSilent) {
    Member& member = ready("one");
    stage.kafka.faults.unanswered = 1;
    const auto call = member.submit(Stage::realm(0), "add 5", milliseconds(500));
    stage.kafka.go_away();
    const Tick asked = stage.clock.tick();
    ASSERT_TRUE(answered(call, seconds(2)));
    EXPECT_LE(stage.clock.tick() - asked, milliseconds(510));
    EXPECT_TRUE(call->unavailable());
    stage.run(seconds(1));
    const auto later = member.submit(Stage::realm(0), "add 5");
    EXPECT_EQ(later->answers, 1) << "Kafka is known to be away";
    EXPECT_GT(member.process->stale_seconds(), 1);
    EXPECT_TRUE(member.process->readable());
    stage.kafka.faults.unanswered = 0;
    stage.kafka.come_back();
    stage.run(seconds(2));
    EXPECT_TRUE(answered(member.submit(Stage::realm(0), "add 5")));
}

TEST_F(DriverTest, TheClockIsMeasuredAgainstTheBrokers) {
    Member& member = ready("one");
    stage.run(seconds(1));
    EXPECT_EQ(metric_value(member.metrics, "tocsin_clock_offset_seconds", toy), 0);
    EXPECT_EQ(metric_value(member.metrics, "tocsin_clock_off", toy), 0);
    member.clock.skew = std::chrono::minutes(10);
    stage.run(seconds(61));
    EXPECT_NEAR(*metric_value(member.metrics, "tocsin_clock_offset_seconds", toy), 600, 1);
    EXPECT_EQ(metric_value(member.metrics, "tocsin_clock_off", toy), 1);
    EXPECT_LE(turns(member, seconds(10)), 10 * 20) << "measured again and again";
    const auto call = member.submit(Stage::realm(0), "add 5");
    EXPECT_TRUE(call->unavailable());
    EXPECT_TRUE(call->answer.rejection.text.starts_with("clock_off: this machine's clock is "))
        << call->answer.rejection.text;
    member.clock.skew = -std::chrono::minutes(10);
    stage.run(seconds(61));
    EXPECT_NEAR(*metric_value(member.metrics, "tocsin_clock_offset_seconds", toy), -600, 1);
}

class DriverLogTest : public DriverTest {
protected:
    // The lines that are logged meanwhile, by what they say.
    std::map<std::string, int> logged(const std::function<void()>& work) {
        ::testing::internal::CaptureStderr();
        work();
        std::istringstream text(::testing::internal::GetCapturedStderr());
        std::map<std::string, int> counts;
        for (std::string line; std::getline(text, line);)
            ++counts[nlohmann::json::parse(line).at("msg").get<std::string>()];
        return counts;
    }
};

TEST_F(DriverLogTest, AClockThatIsOffIsSaidOnceAndSoIsItsEnd) {
    stage.kafka.clock_skew = -std::chrono::minutes(10);
    Member* member = nullptr;
    const auto off = logged([&] {
        member = &stage.add("one");
        stage.run(seconds(130));
    });
    EXPECT_FALSE(member->process->ready());
    EXPECT_EQ(off.at("this instance does not decide"), 1);
    EXPECT_FALSE(off.contains("history folded")) << "nothing was opened";
    stage.kafka.clock_skew = {};
    const auto right = logged([&] { stage.run(seconds(61)); });
    EXPECT_TRUE(member->process->ready());
    EXPECT_EQ(right.at("the clock is right again; deciding"), 1);
    EXPECT_EQ(right.at("history folded"), 1);
    const auto again = logged([&] {
        stage.kafka.clock_skew = -std::chrono::minutes(10);
        stage.run(seconds(130));
        stage.kafka.clock_skew = {};
        stage.run(seconds(61));
    });
    EXPECT_TRUE(member->process->ready());
    EXPECT_EQ(again.at("this instance does not decide"), 1);
    EXPECT_EQ(again.at("the clock is right again; deciding"), 1);
    EXPECT_FALSE(again.contains("history folded"));
}

TEST_F(DriverLogTest, ALogThatIsNotReadIsSaidOnce) {
    stage.kafka.failing_starts = 3;
    const auto lines = logged([&] { ready("one"); });
    EXPECT_EQ(lines.at("a log is not read"), 1);
    EXPECT_EQ(lines.at("all logs are read again"), 1);
    EXPECT_EQ(lines.at("history folded"), 1);
}

TEST_F(DriverLogTest, ALogThatIsGoneIsSaidOnceAndSoIsItsReturn) {
    Member& member = ready("one");
    const FakeKafka::Place commands{Stage::commands(), 0};
    const auto gone = logged([&] {
        stage.kafka.missing.insert(commands);
        for (int i = 0; i < 5; ++i) {
            const auto call = member.submit(Stage::realm(0), "add 5");
            ASSERT_EQ(call->answers, 1);
            EXPECT_TRUE(call->unavailable());
            EXPECT_TRUE(call->answer.rejection.text.starts_with(
                Stage::commands() + "/0 does not exist in Kafka: restore it"))
                << call->answer.rejection.text;
            stage.run(seconds(2));
        }
    });
    EXPECT_EQ(gone.at("a log cannot be written"), 1);
    EXPECT_FALSE(member.process->ready());
    EXPECT_EQ(member.process->status().at(0).inputs_halted,
              std::vector{Stage::commands() + ": it does not exist in Kafka"});
    EXPECT_EQ(metric_value(member.metrics, "tocsin_log_unwritable", toy), 1);
    EXPECT_EQ(metric_value(member.metrics, "tocsin_inputs_halted",
                           {{"service", "toy"}, {"partition", "0"}}),
              0);
    const auto back = logged([&] {
        stage.kafka.missing.erase(commands);
        stage.run(seconds(2));
    });
    EXPECT_EQ(back.at("no log is known to be unwritable any more"), 1);
    EXPECT_TRUE(member.process->ready());
    EXPECT_TRUE(answered(member.submit(Stage::realm(0), "add 5")));
    EXPECT_EQ(metric_value(member.metrics, "tocsin_log_unwritable", toy), 0);
}

// It went while the record was on its way: the caller hears at once, not at its deadline.
TEST_F(DriverLogTest, ALogThatGoesMeanwhileIsSaidToWhoWaits) {
    Member& member = ready("one");
    stage.kafka.faults.delay_min = stage.kafka.faults.delay_max = milliseconds(100);
    const auto call = member.submit(Stage::realm(0), "add 5", seconds(20));
    stage.kafka.missing.insert({Stage::commands(), 0});
    logged([&] { ASSERT_TRUE(answered(call, seconds(1))); });
    EXPECT_TRUE(call->unavailable());
    EXPECT_FALSE(member.process->ready());
}

TEST_F(DriverLogTest, ALedgerThatIsGoneIsSaid) {
    Member& member = ready("one");
    const auto lines = logged([&] {
        stage.kafka.missing.insert({Stage::ledger(), 0});
        const auto call = member.submit(Stage::realm(0), "add 5", seconds(3));
        EXPECT_TRUE(answered(call));
        EXPECT_TRUE(call->unavailable());
    });
    EXPECT_EQ(lines.at("a log cannot be written"), 1);
    EXPECT_FALSE(member.process->ready());
}

// For want of rights or of replicas, say: the broker answers, and takes nothing.
TEST_F(DriverLogTest, ALogThatIsRefusedAgainAndAgainIsSaid) {
    Member& member = ready("one");
    for (const std::string& log : {Stage::ledger(), Stage::dead_letters(), Stage::commands()}) {
        const bool needed = log != Stage::commands();
        stage.kafka.refused_topics.insert(log);
        const auto lines = logged([&] {
            for (int i = 0; i < 12; ++i) {
                member.submit(Stage::realm(0), needed ? "boom" : "add 1", seconds(1));
                stage.run(seconds(1));
            }
        });
        EXPECT_EQ(lines.at("a log cannot be written"), 1) << log;
        EXPECT_EQ(member.process->ready(), !needed) << log;
        EXPECT_EQ(metric_value(member.metrics, "tocsin_log_unwritable", toy), 1);
        const auto call = member.submit(Stage::realm(0), "add 1", seconds(1));
        ASSERT_TRUE(answered(call));
        EXPECT_EQ(call->answer.rejection.text.starts_with("Kafka accepts no records for " + log),
                  needed)
            << call->answer.rejection.text;
        const auto status = member.process->status();
        ASSERT_EQ(status.at(0).inputs_halted.size(), 1u);
        EXPECT_TRUE(status[0].inputs_halted[0].starts_with(
            fmt::format("{}: Kafka accepts no records for {}", log, log)))
            << status[0].inputs_halted[0];
        // Letters of all partitions go to the one topic.
        EXPECT_EQ(status.at(1).inputs_halted.size(), log == Stage::dead_letters() ? 1u : 0u) << log;
        stage.kafka.refused_topics.clear();
        logged([&] { stage.run(seconds(8)); });
        EXPECT_TRUE(member.process->ready()) << log;
        EXPECT_TRUE(answered(member.submit(Stage::realm(0), "add 1")));
        stage.run(seconds(1));
        EXPECT_EQ(metric_value(member.metrics, "tocsin_log_unwritable", toy), 0) << log;
    }
}

// Nobody has read anything of it, and nobody can: it is not opened.
TEST_F(DriverLogTest, ALedgerThatTakesNotEvenItsFirstDecisionIsSaid) {
    stage.kafka.refused_topics.insert(Stage::ledger());
    Member* member = nullptr;
    const auto lines = logged([&] {
        member = &stage.add("one");
        stage.run(seconds(20));
    });
    EXPECT_EQ(lines.at("a log cannot be written"), 1);
    EXPECT_FALSE(member->process->ready());
    EXPECT_TRUE(member->process->why_not(Stage::realm(0))
                    .starts_with("Kafka accepts no records for " + Stage::ledger() + "/0"))
        << member->process->why_not(Stage::realm(0));
    EXPECT_EQ(metric_value(member->metrics, "tocsin_log_unwritable", toy), 1);
    for (const auto& status : member->process->status()) EXPECT_EQ(status.inputs_halted.size(), 1u);
    stage.kafka.refused_topics.clear();
    logged([&] {
        EXPECT_TRUE(stage.run_until([&] { return member->process->ready(); }, seconds(20)));
    });
    stage.run(seconds(1));
    EXPECT_EQ(metric_value(member->metrics, "tocsin_log_unwritable", toy), 0);
}

// For want of rights the client does not even take it.
TEST_F(DriverLogTest, ALedgerThatTheClientRefusesIsSaid) {
    Member& member = ready("one");
    stage.answers[Stage::ledger()] = runtime::Queued::refused;
    const auto lines = logged([&] {
        member.submit(Stage::realm(0), "add 1", seconds(20));
        stage.run(seconds(10));
    });
    EXPECT_EQ(lines.at("a log cannot be written"), 1);
    EXPECT_FALSE(member.process->ready());
    EXPECT_TRUE(
        member.process->why_not(Stage::realm(0))
            .starts_with("the Kafka client accepts no records for " + Stage::ledger() + "/0"))
        << member.process->why_not(Stage::realm(0));
    stage.answers.clear();
    logged([&] { stage.run(seconds(8)); });
    EXPECT_TRUE(member.process->ready());
    EXPECT_TRUE(answered(member.submit(Stage::realm(0), "add 1")));
}

TEST_F(DriverLogTest, AStreamThatIsRefusedIsSaidAndHoldsUpNobody) {
    const std::string readings = runtime::stream_topic("live", "toy", "readings");
    Member& member = ready("one");
    int taken = 0, refused = 0;
    const auto tell = [&] {
        member.process->append_stream("readings", Stage::realm(0), "reading 5",
                                      [&](bool ok) { ++(ok ? taken : refused); });
        stage.run(seconds(1));
    };
    for (const bool by_client : {false, true}) {
        if (by_client)
            stage.answers[readings] = runtime::Queued::refused;
        else
            stage.kafka.refused_topics.insert(readings);
        const auto lines = logged([&] {
            for (int i = 0; i < 6; ++i) tell();
        });
        EXPECT_EQ(refused, by_client ? 12 : 6);
        EXPECT_EQ(lines.at("a log cannot be written"), 1) << by_client;
        EXPECT_TRUE(member.process->ready());
        const auto status = member.process->status();
        ASSERT_EQ(status.at(0).inputs_halted.size(), 1u) << by_client;
        EXPECT_TRUE(status[0].inputs_halted[0].starts_with(readings + ": "));
        EXPECT_TRUE(status.at(1).inputs_halted.empty());
        stage.answers.clear();
        stage.kafka.refused_topics.clear();
        logged(tell);
        EXPECT_EQ(metric_value(member.metrics, "tocsin_log_unwritable", toy), 0) << by_client;
    }
    EXPECT_EQ(taken, 2);
}

// What is said of it differs from attempt to attempt, and a second one comes before it by name.
// Then nobody writes there any more, and nobody would find out that it is taken.
TEST_F(DriverLogTest, EachLogThatIsRefusedIsSaidOnceAndNoLongerThanAnybodyWritesThere) {
    Member& member = ready("one");
    stage.kafka.refused_topics.insert(Stage::commands());
    const auto ask = [&](int first, int times) {
        for (int i = 0; i < times; ++i) {
            stage.answers.clear();
            if (i % 2 == 0) stage.answers[Stage::commands()] = runtime::Queued::refused;
            for (int partition = first; partition < Stage::partitions; ++partition)
                member.submit(Stage::realm(partition), "add 1", seconds(1));
            stage.run(seconds(1));
        }
    };
    const auto lines = logged([&] {
        ask(1, 10);
        ask(0, 20);
    });
    EXPECT_EQ(lines.at("a log cannot be written"), 2);
    EXPECT_FALSE(lines.contains("no log is known to be unwritable any more"));
    EXPECT_TRUE(member.process->ready());
    EXPECT_EQ(metric_value(member.metrics, "tocsin_log_unwritable", toy), 1);
    const auto quiet = logged([&] { stage.run(seconds(62)); });
    EXPECT_EQ(quiet.at("no log is known to be unwritable any more"), 1);
    EXPECT_EQ(metric_value(member.metrics, "tocsin_log_unwritable", toy), 0);
}

// It moved, and there is nothing to compare it with: who stands by says so.
TEST_F(DriverLogTest, AClockThatCannotBeComparedIsSaid) {
    Member& member = ready("one");
    logged([&] {
        stage.kafka.missing.insert({Stage::probes(), 0});
        member.clock.skew = seconds(40);
        stage.run(seconds(5));
    });
    EXPECT_FALSE(member.process->ready());
    EXPECT_TRUE(member.process->status().at(0).clock_off.starts_with(
        "clock_off: this machine's clock cannot be compared with the broker's; "))
        << member.process->status().at(0).clock_off;
    EXPECT_EQ(metric_value(member.metrics, "tocsin_clock_off", toy), 1);
    EXPECT_EQ(metric_value(member.metrics, "tocsin_log_unwritable", toy), 1);
    logged([&] {
        member.clock.skew = seconds(0);
        stage.kafka.missing.clear();
        stage.run(seconds(5));
    });
    EXPECT_TRUE(member.process->ready());
    EXPECT_TRUE(answered(member.submit(Stage::realm(0), "add 1")));
}

TEST_F(DriverLogTest, AnInputThatStandsStillIsSaidOnce) {
    Member& member = ready("one");
    const auto lines = logged([&] {
        member.process->append_stream("readings", Stage::realm(0), "newer 0", [](bool) {});
        stage.run(seconds(10));
    });
    EXPECT_EQ(member.process->status().at(0).inputs_halted.size(), 1u);
    EXPECT_EQ(lines.at("an input stands still"), 1);
    EXPECT_TRUE(member.process->ready());
    const prometheus::Labels there{{"service", "toy"}, {"partition", "0"}};
    EXPECT_EQ(metric_value(member.metrics, "tocsin_inputs_halted", there), 1);
    EXPECT_EQ(metric_value(member.metrics, "tocsin_partition_halted", there), 0)
        << "it serves on, and nobody needs to act in the night";
}

TEST_F(DriverLogTest, AnotherKeyIsSaidOncePerPartition) {
    const runtime::WorldKeys both({std::string(32, 'n'), std::string(32, 'k')});
    ready("one").process.reset();
    const auto lines = logged([&] {
        Member& again = stage.add("one", nullptr, both);
        ASSERT_TRUE(stage.run_until([&] { return again.process->ready(); }, seconds(10)));
        stage.run(seconds(10));
    });
    EXPECT_EQ(lines.at("a partition is signed with another key from here on"), Stage::partitions);
}

// Only what happens: a restart tells nothing of what was.
TEST_F(DriverLogTest, AnInputThatLostRecordsIsSaidByTheInstancesThatLive) {
    Member& member = ready("one");
    const auto lines = logged([&] {
        for (int i = 0; i < 3; ++i) ASSERT_TRUE(answered(member.submit(Stage::realm(0), "add 1")));
        stage.kafka.lose_tail(Stage::commands(), 0, 2);
        stage.run(seconds(10));
    });
    EXPECT_EQ(lines.at("an input lost records that had been decided on, and was set back"), 1);
    member.process.reset();
    const auto again = logged([&] { ready("two"); });
    EXPECT_FALSE(
        again.contains("an input lost records that had been decided on, and was set back"));
}

}  // namespace
}  // namespace tocsin::sim
