// The protocol under ordinary faults: quiet weeks, wrong clocks, logs that lost their tails, slow
// disks, two versions, two processes of one name.
#include "sim/partition_bench.hpp"

namespace tocsin::sim {

using std::chrono::hours;
using std::chrono::seconds;

// --- a quiet week ---

TEST(QuietWeek, RepeatsAndForeignRecordsAreRecordedAsPassedBeforeRetentionTakesThem) {
    Bench bench;
    bench.read();
    const std::string record = bench.command("add 3", "r1");
    bench.decide(record);
    bench.decide(record);
    bench.decide("noise");
    EXPECT_EQ(bench.partition->input_position(Bench::commands), 1);
    bench.elapsed += bench.options.pass_after;
    bench.read();
    EXPECT_TRUE(bench.last().has_inputs_passed());
    EXPECT_EQ(bench.partition->input_position(Bench::commands), 3);
    const auto records = bench.ledger.size();
    bench.elapsed += hours(1);
    bench.read();
    EXPECT_EQ(bench.ledger.size(), records) << "one record for each silence";

    bench.elapsed += hours(24 * 8);
    bench.inputs[Bench::commands].expire();
    bench.start();
    bench.read();
    EXPECT_EQ(bench.partition->halted(), "");
    bench.decide(bench.command("add 1", "r2", hours(24 * 8 + 2)));
    EXPECT_EQ(bench.total(), 4);
}

// Whatever else goes on, in the partition or in the log of commands.
TEST(QuietWeek, RepeatsArePassedInABusyPartitionToo) {
    for (const bool upstream : {true, false}) {
        Bench bench;
        bench.read();
        const std::string record = bench.command("add 3", "r1");
        bench.decide(record);
        bench.decide(record);
        for (int i = 0; i < 100; ++i) {
            bench.elapsed += bench.options.pass_after / 2;
            if (upstream)
                bench.upstream_decides("add 1");
            else
                bench.ask("noise");
            bench.read();
        }
        const auto behind =
            bench.inputs[Bench::commands].end() - bench.partition->input_position(Bench::commands);
        EXPECT_LE(behind, upstream ? 0 : bench.options.pass_latest / bench.options.pass_after * 2);
        int passed = 0;
        for (const auto& one : bench.ledger)
            passed += bench.parsed(one).has_inputs_passed() ? 1 : 0;
        EXPECT_LE(passed, 10) << "one record for each while";
        bench.inputs[Bench::commands].expire();
        bench.start();
        bench.read();
        // What came last may be as young as that.
        if (upstream) {
            EXPECT_EQ(bench.partition->halted(), "");
        }
    }
}

TEST(QuietWeek, CommandsThatWaitedWhileNobodyRanAreStillAnAlarm) {
    Bench bench;
    bench.read();
    bench.decide(bench.command("add 3", "r1"));
    bench.inputs[Bench::commands].log.push_back(bench.command("add 4", "r2"));
    bench.inputs[Bench::commands].expire();
    bench.start();
    bench.read();
    EXPECT_TRUE(bench.partition->halted().starts_with("input_gone"));
}

// --- clocks ---

TEST(Clock, InstanceLeadsOnlyOnceItsClockIsKnownToBeRight) {
    Bench bench;
    bench.hear();
    bench.partition->step(bench.now(), bench.tick());
    bench.hear();
    const Orders orders = bench.partition->step(bench.now(), bench.tick());
    EXPECT_TRUE(orders.probe_clock);
    EXPECT_TRUE(orders.append.empty());
    bench.read();
    EXPECT_TRUE(bench.partition->opened());
}

TEST(Clock, InstanceThatIsOffDoesNotLeadAndSaysSo) {
    for (const int off : {30 * 86'400, 60, -60, -600}) {
        Bench bench;
        bench.read();
        bench.skew = seconds(off);
        bench.ask(bench.command("add 3", "r1"));
        EXPECT_TRUE(bench.step().append.empty());
        EXPECT_TRUE(bench.partition->clock_off().starts_with("clock_off"));
        EXPECT_EQ(bench.partition->clock_offset(), seconds(off));
        bench.skew = seconds(0);
        bench.read();
        EXPECT_EQ(bench.partition->clock_off(), "");
        EXPECT_EQ(bench.total(), 3);
    }
}

TEST(Clock, OneThatWasFoundWrongIsNotCalledUnknown) {
    Bench bench;
    bench.read();
    bench.skew = seconds(600);
    bench.step();
    bench.partition->on_clock_unknown("probes are refused");
    EXPECT_NE(bench.partition->clock_off().find("600 s ahead"), std::string::npos);
}

TEST(Clock, AnswerOfABrokerThatTookTooLongTellsNothing) {
    Bench bench;
    const auto later = bench.now() + seconds(40);
    bench.partition->on_clock(bench.now(), later, bench.now(), bench.tick());
    EXPECT_EQ(bench.partition->clock_off(), "");
    bench.hear();
    bench.partition->step(bench.now(), bench.tick());
    bench.hear();
    EXPECT_TRUE(bench.partition->step(bench.now(), bench.tick()).probe_clock) << "it asks again";
}

// Broker and instance were 30 days ahead together, so that neither could tell.
struct StampedAhead : ::testing::Test {
    StampedAhead() {
        bench.read();
        bench.decide(early);
        bench.elapsed += hours(24 * 30);
        bench.decide(bench.command("add 1", "r2", hours(24 * 30 + 1)));
        bench.elapsed = milliseconds(60'000);
        bench.start();
        bench.read();
    }
    Bench bench;
    std::string early = bench.command("add 3", "r1");
};

TEST_F(StampedAhead, LedgerHaltsInsteadOfRefusingEverything) {
    EXPECT_TRUE(bench.partition->halted().starts_with("ledger_ahead"));
    const auto records = bench.ledger.size();
    bench.ask(bench.command("add 5", "r3"));
    bench.read();
    EXPECT_EQ(bench.ledger.size(), records);
}

TEST_F(StampedAhead, OperatorsOverrideRecoversItAndNoEarlierCommandIsExecutedAgain) {
    ASSERT_TRUE(bench.partition->override_clock("ana: the RTC was wrong"));
    bench.read();
    EXPECT_EQ(bench.partition->halted(), "");
    EXPECT_EQ(bench.total(), 4);
    bench.decide(early);
    EXPECT_EQ(bench.last().rejected().code(), "expired");
    EXPECT_EQ(bench.total(), 4);
    bench.decide(bench.command("add 5", "r3", hours(2)));
    EXPECT_EQ(bench.total(), 9);
}

TEST(Clock, OverrideIsRefusedWhereTheLedgerIsNotAhead) {
    Bench bench;
    bench.read();
    EXPECT_FALSE(bench.partition->override_clock("why not"));
}

// --- inputs that lost their tails ---

struct LostTail : ::testing::Test {
    LostTail() { bench.read(); }
    void restart() {
        bench.start();
        settle();
    }
    void settle() {
        bench.read();
        bench.elapsed += milliseconds(3000);
        bench.read();
    }
    // The broker is back with less than it had.
    void cut(int input, std::size_t records) {
        auto& log = bench.inputs[input].log;
        log.resize(log.size() - records);
    }
    Bench bench;
};

TEST_F(LostTail, OfCommandsIsNoticedByARunningInstanceAndWhatLiesThereNowIsDecided) {
    bench.decide(bench.command("add 1", "r1"));
    bench.decide(bench.command("add 2", "r2"));
    cut(Bench::commands, 1);
    bench.inputs[Bench::commands].log.push_back(bench.command("add 40", "fresh"));
    bench.partition->on_broker_trouble();
    settle();
    EXPECT_EQ(bench.total(), 43);
    EXPECT_EQ(bench.partition->counters().rewound, 1);
    EXPECT_EQ(bench.partition->halted(), "");
}

TEST_F(LostTail, OfCommandsThatWereNotDecidedIsNotDecidedFromMemory) {
    bench.decide(bench.command("add 1", "r1"));
    bench.ask(bench.command("add 2", "lost"));
    cut(Bench::commands, 1);
    bench.inputs[Bench::commands].log.push_back(bench.command("add 40", "fresh"));
    bench.partition->on_broker_trouble();
    settle();
    EXPECT_EQ(bench.total(), 41);
}

TEST_F(LostTail, OfCommandsIsNoticedByARestartedInstance) {
    for (const char* id : {"r1", "r2", "r3"}) bench.decide(bench.command("add 1", id));
    cut(Bench::commands, 2);
    restart();
    EXPECT_EQ(bench.partition->halted(), "");
    EXPECT_TRUE(bench.last().has_inputs_rewound());
    bench.decide(bench.command("add 40", "fresh"));
    EXPECT_EQ(bench.total(), 43);
}

TEST_F(LostTail, OfCommandsThatAreAllGoneStartsThemAnew) {
    for (const char* id : {"r1", "r2", "r3"}) bench.decide(bench.command("add 1", id));
    cut(Bench::commands, 3);
    restart();
    bench.decide(bench.command("add 40", "fresh"));
    EXPECT_EQ(bench.total(), 43);
}

TEST_F(LostTail, OfPassedCommandsIsNoticed) {
    const std::string record = bench.command("add 1", "r1");
    bench.decide(record);
    bench.decide(record);
    bench.elapsed += bench.options.pass_after;
    bench.read();
    cut(Bench::commands, 1);
    bench.inputs[Bench::commands].log.push_back(bench.command("add 40", "fresh"));
    restart();
    EXPECT_EQ(bench.total(), 41);
}

// Somebody deleted the topic and made it again, and callers go on asking. None of what is
// remembered of the log lies where it now ends.
TEST_F(LostTail, OfCommandsIsNoticedThoughTheLogGrowsWithoutPause) {
    for (int i = 0; i < 300; ++i) bench.decide(bench.command("add 7", fmt::format("r{}", i)));
    cut(Bench::commands, 300);
    bench.partition->on_broker_trouble();
    bool decided = false;
    for (int i = 0; i < 10 && !decided; ++i) {
        bench.ask(bench.command("add 1", fmt::format("again{}", i)));
        bench.read();
        bench.elapsed += seconds(1);
        decided =
            bench.partition->input_position(Bench::commands) == bench.inputs[Bench::commands].end();
    }
    EXPECT_TRUE(decided) << bench.partition->input_position(Bench::commands);
}

// The log lost one command and took two, and who decided had read on in it: another command lies
// where it had passed one.
TEST_F(LostTail, OfACommandThatWasPassedByIsMetOnceAnotherDecidesOnTheNext) {
    bench.decide(bench.command("add 1", "r1"));
    for (const char* id : {"n1", "n2"})
        bench.inputs[Bench::commands].log.push_back(bench.command("add 1", id));
    bench.hear();
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 2", 2));
    for (int i = 0; i < 3; ++i) settle();
    EXPECT_EQ(bench.partition->counters().rewound, 1);
    EXPECT_EQ(bench.partition->input_position(Bench::commands), 3);
    EXPECT_GE(bench.total(), 3);
}

TEST_F(LostTail, OfACommandThatCannotBeReadAndWasPassedByIsMetToo) {
    bench.decide(bench.command("add 1", "r1"));
    auto& log = bench.inputs[Bench::commands].log;
    log.push_back(Seal(bench.keys, "toy.commands", RecordKind::command)
                      .close("no command", bench.keys.newest()));
    log.push_back(bench.command("add 1", "n2"));
    bench.hear();
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 2", 2));
    for (int i = 0; i < 3; ++i) settle();
    EXPECT_EQ(bench.partition->counters().rewound, 1);
    ASSERT_EQ(bench.letters.size(), 1u);
    EXPECT_EQ(bench.letters[0].offset, 1);
}

TEST_F(LostTail, OfACommandThatWasPassedByIsMetAfterARestartToo) {
    bench.decide(bench.command("add 1", "r1"));
    for (const char* id : {"n1", "n2"})
        bench.inputs[Bench::commands].log.push_back(bench.command("add 1", id));
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 2", 2));
    restart();
    settle();
    EXPECT_EQ(bench.partition->counters().rewound, 1);
    EXPECT_EQ(bench.partition->input_position(Bench::commands), 3);
}

TEST_F(LostTail, OfTheFirstCommandOfAllIsMetAfterARestartToo) {
    for (const char* id : {"n1", "n2"})
        bench.inputs[Bench::commands].log.push_back(bench.command("add 1", id));
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 2", 1));
    restart();
    settle();
    EXPECT_EQ(bench.partition->counters().rewound, 1);
    EXPECT_EQ(bench.partition->input_position(Bench::commands), 2);
}

TEST_F(LostTail, OfTheFirstCommandOfAllIsMetThoughItCannotBeRead) {
    auto& log = bench.inputs[Bench::commands].log;
    log.push_back(Seal(bench.keys, "toy.commands", RecordKind::command)
                      .close("no command", bench.keys.newest()));
    log.push_back(bench.command("add 1", "n2"));
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 2", 1));
    restart();
    settle();
    ASSERT_EQ(bench.letters.size(), 1u);
    EXPECT_EQ(bench.letters[0].offset, 0);
}

// More was decided than is remembered, and all of what is remembered is gone.
TEST_F(LostTail, OfMoreCommandsThanAreRememberedMeetsAllThatLiesThereNow) {
    for (int i = 0; i < 400; ++i) bench.decide(bench.command("add 1", fmt::format("r{}", i)));
    const auto before = bench.total();
    cut(Bench::commands, 350);
    for (const char* id : {"c1", "c2", "c3"})
        bench.inputs[Bench::commands].log.push_back(bench.command("add 1000", id));
    bench.start();
    bench.read();
    bench.ask(bench.command("add 1000", "c4"));
    for (int i = 0; i < 3; ++i) settle();
    EXPECT_EQ(bench.total(), before + 4000);
}

// It ends too early, and grows on with the bytes that a decision names; before them lies a new one.
TEST_F(LostTail, OfACommandIsMetThoughWhatFollowsIsThereAgain) {
    auto& log = bench.inputs[Bench::commands].log;
    bench.decide(bench.command("add 1", "r1"));
    log.push_back("noise");  // Which a fold has passed by.
    bench.decide(bench.command("add 1", "r3"));
    const auto last = log.back();
    log.resize(1);
    Bench follower("b");
    follower.join(bench);
    const auto turns = [&](int count) {
        for (int i = 0; i < count; ++i) {
            follower.hear();
            follower.step();
        }
    };
    turns(6);
    follower.elapsed += seconds(3);
    turns(3);
    auto& grown = follower.inputs[Bench::commands].log;
    grown.push_back(follower.command("add 10", "fresh"));
    grown.push_back(last);
    turns(3);
    for (int i = 0; i < 3; ++i) {
        follower.elapsed += seconds(3);
        follower.read();
    }
    EXPECT_EQ(follower.partition->counters().rewound, 1);
    EXPECT_EQ(follower.partition->considered(Bench::commands), 3);
    EXPECT_EQ(follower.total(), 12);
}

// It decides on without pause and knows nothing of the loss.
TEST_F(LostTail, OfACommandThatWasPassedByIsMetBesideABusyLeaderToo) {
    auto& log = bench.inputs[Bench::commands].log;
    log.push_back(bench.command("add 1", "passed"));
    bool set_back = false;
    for (int i = 1; i < 800 && !set_back; ++i) {
        log.push_back(bench.command("add 1", fmt::format("r{}", i), hours(20)));
        bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 2", i));
        bench.hear();
        bench.elapsed += milliseconds(100);
        for (const auto& append : bench.step().append)
            set_back = set_back || bench.parsed(append.record).has_inputs_rewound();
    }
    EXPECT_TRUE(set_back);
}

// It was read here and is lost; who decided read what lies there now, and rightly passed it by.
TEST_F(LostTail, OfACommandThatIsRememberedHereAloneAndPassedByElsewhereSetsNothingBack) {
    bench.decide(bench.command("add 1", "r1"));
    bench.inputs[Bench::commands].log.push_back(bench.command("add 2", "lost"));
    bench.hear();
    cut(Bench::commands, 1);
    for (const auto& record : {std::string("noise"), bench.command("add 1", "n2")})
        bench.inputs[Bench::commands].log.push_back(record);
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 2", 2));
    for (int i = 0; i < 3; ++i) settle();
    EXPECT_EQ(bench.partition->counters().rewound, 0);
    EXPECT_EQ(bench.partition->input_position(Bench::commands), 3);
}

// Cut, and grown again without a pause up to where decisions were made.
TEST_F(LostTail, OfAnUpstreamLedgerThatGrowsAgainWithoutPauseIsSetBackToWhereItEnded) {
    for (int i = 0; i < 10; ++i) bench.upstream_decides(i == 9 ? "add 1" : "aside");
    bench.read();
    cut(Bench::upstream, 5);
    bench.start();
    bench.read();
    for (int i = 0; i < 12; ++i) {
        bench.elapsed += seconds(1);
        bench.upstream_decides("add 10");
        bench.read();
    }
    for (int i = 0; i < 3; ++i) settle();
    EXPECT_EQ(bench.total(), 121);
    EXPECT_EQ(bench.partition->counters().rewound, 1);
}

// Foreign records lay where the new log begins.
TEST_F(LostTail, OfCommandsThatAreAllGoneMeetsAllThatLiesThereNow) {
    bench.decide("noise");
    for (const char* id : {"r1", "r2"}) bench.decide(bench.command("add 1", id));
    cut(Bench::commands, 3);
    for (const char* id : {"n1", "n2", "n3", "n4"})
        bench.inputs[Bench::commands].log.push_back(bench.command("add 1", id));
    bench.partition->on_broker_trouble();
    settle();
    EXPECT_EQ(bench.total(), 6);
}

TEST_F(LostTail, OfAStreamNeverHaltsAndTheNextReadingCounts) {
    for (const bool running : {true, false}) {
        auto& log = bench.inputs[Bench::readings].log;
        const int base = running ? 5 : 25;
        for (int i = 0; i < 3; ++i)
            log.push_back(bench.reading(fmt::format("reading {}", base + i)));
        bench.read();
        cut(Bench::readings, 2);
        if (running)
            settle();
        else
            restart();
        log.push_back(bench.reading(fmt::format("reading {}", base + 4)));
        settle();
        EXPECT_EQ(bench.partition->halted(), "");
        EXPECT_EQ(bench.realm().level, base + 4);
        log.clear();
        log.push_back(bench.reading(fmt::format("reading {}", running ? 20 : 40)));
        bench.partition->on_broker_trouble();
        settle();
        EXPECT_EQ(bench.realm().level, running ? 20 : 40);
    }
}

TEST_F(LostTail, OfAnUpstreamLedgerThatGrewAgainIsNoticedByARunningInstance) {
    for (int i = 0; i < 5; ++i) bench.upstream_decides("add 1");
    bench.read();
    ASSERT_EQ(bench.total(), 5);
    cut(Bench::upstream, 2);
    for (int i = 0; i < 20; ++i) bench.upstream_decides("add 10");
    settle();
    settle();
    EXPECT_EQ(bench.total(), 205);
    EXPECT_EQ(bench.told.changes, 1);
    EXPECT_EQ(bench.told.upstream_offsets.size(), 23u);
    EXPECT_EQ(bench.partition->considered(Bench::upstream), 23);
}

TEST_F(LostTail, OfAnUpstreamLedgerIsNoticedByARestartedInstance) {
    for (int i = 0; i < 5; ++i) bench.upstream_decides("add 1");
    bench.read();
    cut(Bench::upstream, 2);
    for (int i = 0; i < 20; ++i) bench.upstream_decides("add 10");
    restart();
    EXPECT_EQ(bench.total(), 205);
    EXPECT_TRUE(bench.partition->counters().rewound == 1);
}

TEST_F(LostTail, OfAnUpstreamLedgerThatDidNotGrowIsNoticed) {
    for (const bool running : {true, false}) {
        bench.upstream_decides("add 1");
        bench.upstream_decides("add 1");
        bench.read();
        const auto before = bench.total();
        cut(Bench::upstream, 1);
        bench.partition->on_broker_trouble();
        if (!running) bench.start();
        settle();
        settle();
        bench.upstream_decides("add 10");
        settle();
        EXPECT_EQ(bench.total(), before + 10);
        EXPECT_EQ(bench.partition->halted(), "");
    }
}

// A broker names an end that is behind, and the rest comes back by and by; some of it concerns
// nobody here.
struct ComesBack : LostTail {
    ComesBack() {
        for (int i = 0; i < 10; ++i) bench.upstream_decides(i % 4 == 0 ? "add 1" : "aside");
        bench.read();
        whole = bench.inputs[Bench::upstream].log;
        come_back_to(4);
        bench.start();
        read_after(0);
        come_back_to(7);
        read_after(1500);
    }
    void come_back_to(std::size_t records) {
        bench.inputs[Bench::upstream].log = {whole.begin(), whole.begin() + std::ssize(whole)};
        bench.inputs[Bench::upstream].log.resize(records);
    }
    void read_after(int ms) {
        bench.elapsed += milliseconds(ms);
        bench.read();
    }
    std::vector<std::string> whole;
};

TEST_F(ComesBack, AllOfAnUpstreamLedgerIsMetOnce) {
    read_after(1500);
    EXPECT_EQ(bench.partition->counters().rewound, 0);
    come_back_to(10);
    settle();
    EXPECT_EQ(bench.partition->counters().rewound, 0);
    EXPECT_EQ(bench.total(), 3);
}

// The broker is lost meanwhile, and what was read is verified: nothing else may be read until then.
TEST_F(ComesBack, ItIsVerifiedBeforeItIsAskedOnceMore) {
    bench.elapsed += seconds(10);
    bench.partition->on_broker_trouble();
    come_back_to(10);
    for (int i = 0; i < 3; ++i) settle();
    EXPECT_EQ(bench.told.changes, 0);
    EXPECT_EQ(bench.partition->counters().rewound, 0);
    EXPECT_EQ(bench.total(), 3);
}

TEST_F(ComesBack, WhatIsThereAgainOfAnUpstreamLedgerIsNotMetTwice) {
    settle();
    settle();
    ASSERT_TRUE(bench.last().has_inputs_rewound());
    // What concerns nobody may be met twice.
    EXPECT_EQ(bench.last().inputs_rewound().inputs(0).next_offset(), 5);
    bench.upstream_decides("add 10");
    settle();
    EXPECT_EQ(bench.total(), 13);
}

TEST_F(LostTail, OfCommandsThatAnotherDecidedOnBeforeTheyWereReadHereIsNoticed) {
    bench.decide(bench.command("add 1", "r1"));
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 3", 1));
    settle();
    settle();
    EXPECT_TRUE(bench.last().has_inputs_rewound());
    bench.decide(bench.command("add 40", "fresh"));
    EXPECT_EQ(bench.total(), 43);
}

// Its own decision on the lost command never counted, and what lies there now was decided on.
TEST_F(LostTail, OfACommandThatOnlyAnAppendUnderWayNamesSetsNothingBack) {
    bench.decide(bench.command("add 1", "r1"));
    const std::string head = bench.partition->counted_head();
    bench.ask(bench.command("add 2", "lost"));
    ASSERT_EQ(bench.step().append.size(), 1u);
    cut(Bench::commands, 1);
    bench.inputs[Bench::commands].log.push_back(bench.command("add 40", "fresh"));
    bench.partition->on_broker_trouble();
    for (int i = 0; i < 3; ++i) {
        bench.step();
        bench.hear();
    }
    bench.ledger.push_back(bench.foreign(head, "total 41", 1));
    for (int i = 0; i < 4; ++i) settle();
    EXPECT_EQ(bench.partition->counters().rewound, 0);
    EXPECT_EQ(bench.total(), 41);
}

// Cut and filled again without a word; who decided had read what lies there now.
TEST_F(LostTail, OfACommandThatIsRememberedHereAloneSetsNothingBack) {
    bench.decide(bench.command("add 1", "r1"));
    bench.ask(bench.command("add 2", "lost"));
    cut(Bench::commands, 1);
    bench.inputs[Bench::commands].log.push_back(bench.command("add 40", "fresh"));
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 41", 1));
    settle();
    settle();
    EXPECT_EQ(bench.partition->counters().rewound, 0);
    EXPECT_EQ(bench.total(), 41);
}

TEST_F(LostTail, OfAnUpstreamLedgerThatAnotherSetBackIsSetBackOnce) {
    for (const char* event : {"add 1", "add 2"}) bench.upstream_decides(event);
    bench.read();
    const std::string head = bench.partition->counted_head();
    auto& log = bench.inputs[Bench::upstream].log;
    log.pop_back();
    bench.upstream_decides("add 40");
    // Another set the input back.
    ledger::v1::Decision decision = bench.last();
    decision.clear_outcome();
    decision.clear_cause();
    decision.set_previous_digest(head);
    decision.set_writer("z");
    auto& back = *decision.mutable_inputs_rewound()->add_inputs();
    back.set_topic("up.ledger");
    back.set_next_offset(1);
    const Seal seal(bench.keys, "toy.ledger", RecordKind::decision);
    bench.ledger.push_back(seal.close(decision.SerializeAsString(), bench.keys.newest()));
    settle();
    settle();
    EXPECT_EQ(bench.partition->counters().rewound, 1);
    EXPECT_EQ(bench.total(), 43);
}

// What was read here of it counted for nothing and is lost; who decided read what lies there now.
TEST_F(LostTail, OfARecordOfAnUpstreamLedgerThatWasReadHereAloneSetsNothingBack) {
    auto& log = bench.inputs[Bench::upstream].log;
    bench.upstream_decides("add 1");
    bench.read();
    ledger::v1::Decision decision = bench.last();
    log.push_back("noise");
    bench.hear();
    log.pop_back();
    bench.upstream_decides("add 2");
    decision.set_previous_digest(bench.partition->counted_head());
    decision.set_writer("z");
    decision.mutable_cause()->set_offset(1);
    decision.mutable_cause()->set_record_digest(sha256(log.back()));
    decision.mutable_accepted()->set_events(0, "total 3");
    bench.ledger.push_back(Seal(bench.keys, "toy.ledger", RecordKind::decision)
                               .close(decision.SerializeAsString(), bench.keys.newest()));
    settle();
    settle();
    EXPECT_EQ(bench.partition->counters().rewound, 0);
    bench.upstream_decides("add 10");
    settle();
    EXPECT_EQ(bench.total(), 13);
}

// A follower finds that the ledger ends too early, and the rest is there before it steps in.
TEST_F(LostTail, ThatComesBackBeforeAnybodyActedSetsNothingBack) {
    for (int i = 0; i < 3; ++i) bench.upstream_decides("add 1");
    bench.read();
    Bench follower("b");
    follower.join(bench);
    auto& log = follower.inputs[Bench::upstream].log;
    const auto whole = log;
    log.resize(1);
    const auto turn = [&] {
        follower.hear();
        return follower.step().append.size();
    };
    for (int i = 0; i < 5; ++i) EXPECT_EQ(turn(), 0u);
    follower.elapsed += seconds(3);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(turn(), 0u);
    log = whole;
    follower.elapsed += milliseconds(100);
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(turn(), 0u);
        follower.elapsed += seconds(1);
    }
}

// The leader's word could not be written, and what it was about is whole by then.
TEST_F(LostTail, ThatComesBackWhileTheWordIsNotWrittenSetsNothingBack) {
    for (int i = 0; i < 3; ++i) bench.upstream_decides("add 1");
    bench.read();
    auto& log = bench.inputs[Bench::upstream].log;
    const auto whole = log;
    log.resize(1);
    bench.start();
    Orders orders;
    for (int i = 0; i < 20 && orders.append.empty(); ++i) {
        bench.hear();
        orders = bench.step();
        bench.elapsed += seconds(1);
    }
    ASSERT_EQ(orders.append.size(), 1u);
    ASSERT_TRUE(bench.parsed(orders.append[0].record).has_inputs_rewound());
    log = whole;
    bench.hear();
    bench.partition->on_append_failed(orders.append[0].digest);
    for (int i = 0; i < 3; ++i) settle();
    EXPECT_EQ(bench.partition->counters().rewound, 0);
    EXPECT_EQ(bench.total(), 3);
    bench.upstream_decides("add 10");
    settle();
    EXPECT_EQ(bench.total(), 13);
}

// Something else is due beside a leader that is never quiet.
TEST_F(LostTail, IsNotSetBackBeforeItsTimeWithWhatIsDue) {
    for (int i = 0; i < 3; ++i) bench.upstream_decides("add 1");
    bench.read();
    Bench follower("b");
    follower.join(bench);
    auto& log = follower.inputs[Bench::commands].log;
    log.push_back(follower.command("add 1", "passed"));
    bool set_back = false;
    for (int i = 1; i < 800 && !set_back; ++i) {
        log.push_back(follower.command("add 1", fmt::format("r{}", i), hours(20)));
        follower.ledger.push_back(
            follower.foreign(follower.partition->counted_head(), "total 2", i));
        if (i == 100) {
            follower.inputs[Bench::upstream].log.resize(1);
            follower.partition->on_broker_trouble();
        }
        follower.hear();
        follower.elapsed += milliseconds(100);
        for (const auto& append : follower.step().append) {
            set_back = true;
            const auto decision = follower.parsed(append.record);
            ASSERT_EQ(decision.inputs_rewound().inputs_size(), 1);
            EXPECT_EQ(decision.inputs_rewound().inputs(0).topic(), "toy.commands");
        }
    }
    EXPECT_TRUE(set_back);
}

// The broker names an end of it that is behind just when an operator speaks.
TEST_F(LostTail, OfCommandsDoesNotMoveAnUpstreamLedgerThatSeemsToEndTooEarly) {
    bench.decide(bench.command("add 1", "r1"));
    for (int i = 0; i < 3; ++i) bench.upstream_decides("add 1");
    bench.read();
    bench.inputs[Bench::commands].log.push_back(bench.command("add 4", "r2"));
    bench.inputs[Bench::commands].expire();
    auto& log = bench.inputs[Bench::upstream].log;
    const auto whole = log;
    log.resize(1);
    bench.start();
    bench.read();
    ASSERT_TRUE(bench.partition->halted().starts_with("input_gone"));
    ASSERT_TRUE(bench.partition->restart_inputs("retention was too short").has_value());
    bench.read();
    EXPECT_EQ(bench.partition->halted(), "");
    log = whole;
    settle();
    EXPECT_EQ(bench.total(), 4);
    EXPECT_EQ(bench.partition->input_position(Bench::upstream), 3);
    bench.decide(bench.command("add 20", "r3"));
    EXPECT_EQ(bench.total(), 24);
}

TEST_F(LostTail, TroubleWithoutALossChangesNothing) {
    bench.decide(bench.command("add 1", "r1"));
    bench.upstream_decides("add 1");
    bench.inputs[Bench::readings].log.push_back(bench.reading("reading 5"));
    bench.read();
    const auto records = bench.ledger.size();
    for (int i = 0; i < 5; ++i) {
        bench.partition->on_broker_trouble();
        settle();
    }
    EXPECT_EQ(bench.ledger.size(), records);
    EXPECT_EQ(bench.partition->counters().folds_again, 0);
    EXPECT_EQ(bench.told.changes, 0);
}

// --- keys ---

TEST(Keys, WrongKeyHaltsWithItsOwnAdvice) {
    Bench first;
    first.read();
    first.decide(first.command("add 3", "r1"));
    const WorldKeys wrong({std::string(32, 'w')});
    Bench bench("a", 1, wrong, 2);
    bench.join(first);
    bench.read();
    EXPECT_TRUE(bench.partition->halted().starts_with("not_our_key"));
    EXPECT_EQ(bench.ledger.size(), first.ledger.size());
    EXPECT_FALSE(bench.partition->restart_inputs("begin anew"));
}

TEST(Keys, NewestKeyTakesOverByADecisionOfTheOldOne) {
    Bench first;
    first.read();
    first.decide(first.command("add 3", "r1"));
    const WorldKeys both({std::string(32, 'n'), std::string(32, 'k')});
    Bench bench("a", 1, both, 2);
    bench.join(first);
    bench.read();
    EXPECT_EQ(bench.last().key_changed().key_id(), both.newest());
    EXPECT_EQ(bench.partition->key_id(), both.newest());
    bench.decide(bench.command("add 5", "r2"));
    EXPECT_EQ(bench.total(), 8);
    const auto records = bench.ledger.size();

    Bench late("b");  // It has the old one only.
    late.join(bench);
    late.read();
    EXPECT_TRUE(late.partition->halted().starts_with("not_our_key"));
    EXPECT_EQ(late.ledger.size(), records);

    Bench again("b", 1, both);
    again.join(bench);
    again.read();
    EXPECT_EQ(again.total(), 8);
}

// A key is replaced because it may be in other hands.
struct ReplacedKey : ::testing::Test {
    ReplacedKey() {
        first.read();
        bench.join(first);
        bench.read();
    }
    // Signed with the old key although the new one is in force.
    std::string old_command(const std::string& id) const { return first.command("add 100", id); }
    const WorldKeys both{{std::string(32, 'n'), std::string(32, 'k')}};
    Bench first;
    Bench bench{"a", 1, both, 2};
};

TEST_F(ReplacedKey, StillSignsWhatWasOnItsWay) {
    bench.elapsed += std::chrono::minutes(9);
    bench.decide(old_command("r1"));
    EXPECT_EQ(bench.total(), 100);
}

TEST_F(ReplacedKey, AsksForNothingLater) {
    bench.elapsed += std::chrono::minutes(11);
    bench.decide(old_command("r1"));
    bench.inputs[Bench::readings].log.push_back(first.reading("reading 5"));
    bench.decide(bench.command("add 1", "r2"));
    EXPECT_EQ(bench.total(), 1);
    EXPECT_EQ(bench.partition->counters().replaced_keys, 2);
    EXPECT_TRUE(bench.letters.empty());
}

TEST_F(ReplacedKey, DecidesNothing) {
    bench.ledger.push_back(first.foreign(bench.partition->counted_head(), "total 99", 0));
    bench.decide(bench.command("add 1", "r1"));
    EXPECT_EQ(bench.total(), 1);
    EXPECT_EQ(bench.partition->halted(), "");
}

TEST_F(ReplacedKey, IsNotThatOfAChangeWhichIsYetToBeRead) {
    Bench behind("b", 1, both, 1);
    behind.join(first);
    behind.hear();
    behind.step();
    behind.hear();
    behind.ask(bench.command("add 5", "r1"));
    behind.elapsed += milliseconds(5000);
    EXPECT_TRUE(behind.step().append.empty());
    bench.decide(bench.command("add 5", "r1"));
    behind.ledger = bench.ledger;
    behind.read();
    EXPECT_EQ(behind.partition->halted(), "");
    EXPECT_EQ(behind.total(), 5);
}

// --- races, slow disks, lost appends ---

struct Followed : ::testing::Test {
    Followed() {
        leader.read();
        follower.join(leader);
        follower.read();
    }
    void both_hear(const std::string& record) {
        for (Bench* bench : {&leader, &follower}) bench->ask(record);
    }
    void pass(milliseconds time) {
        leader.elapsed += time;
        follower.elapsed += time;
    }
    Bench leader{"a"}, follower{"b"};
};

TEST_F(Followed, SlowWritesMakeNobodyFoldAgain) {
    for (int i = 0; i < 10; ++i) {
        both_hear(leader.command("add 1", fmt::format("r{}", i)));
        const Orders first = leader.step();
        ASSERT_EQ(first.append.size(), 1u);
        pass(milliseconds(400));
        const Orders second = follower.step();
        leader.store(first);
        leader.store(second);
        follower.ledger = leader.ledger;
        leader.hear();
        follower.hear();
        pass(milliseconds(12'000));  // Long enough to forget a lost race.
        EXPECT_EQ(follower.partition->fold().decisions(), i + 2);
    }
    EXPECT_EQ(follower.partition->counters().races_lost, 10);
    EXPECT_EQ(leader.partition->counters().folds_again, 0);
    EXPECT_EQ(follower.partition->counters().folds_again, 0);
}

TEST_F(Followed, PatienceGrowsWithLostRaces) {
    const auto lose = [&](const char* id) {
        both_hear(leader.command("add 1", id));
        const Orders first = leader.step();
        pass(milliseconds(400));
        const bool stepped_in = !follower.step().append.empty();
        leader.store(first);
        follower.ledger = leader.ledger;
        leader.hear();
        follower.hear();
        return stepped_in;
    };
    EXPECT_TRUE(lose("r1"));
    EXPECT_FALSE(lose("r2"));
    pass(milliseconds(11'000));
    EXPECT_TRUE(lose("r3"));
}

TEST_F(Followed, FailedAppendIsSentAgainAsItWas) {
    leader.decide(leader.command("add 3", "r1"));
    leader.ask(leader.command("add 5", "r2"));
    leader.ask(leader.command("add 8", "r3"));
    const Orders lost = leader.step();
    ASSERT_EQ(lost.append.size(), 2u);
    leader.partition->on_append_failed(lost.append[0].digest);
    std::vector<std::string> again;
    for (int i = 0; i < 5 && again.empty(); ++i) {
        const Orders orders = leader.step();
        for (const auto& append : orders.append) again.push_back(append.digest);
        leader.store(orders);
        leader.hear();
    }
    EXPECT_EQ(again, (std::vector{lost.append[0].digest, lost.append[1].digest}));
    EXPECT_EQ(leader.total(), 16);
    leader.store(lost);  // What was taken for lost lands after all.
    leader.read();
    EXPECT_EQ(leader.total(), 16);
    EXPECT_EQ(leader.partition->counters().folds_again, 0);
}

TEST_F(Followed, LostRecordBehindWhichOthersLandIsSentAgain) {
    for (const char* id : {"r1", "r2", "r3"}) both_hear(leader.command("add 1", id));
    const Orders orders = leader.step();
    ASSERT_EQ(orders.append.size(), 3u);
    leader.ledger.push_back(orders.append[1].record);
    leader.ledger.push_back(orders.append[2].record);
    follower.ledger = leader.ledger;
    follower.hear();
    leader.read();
    EXPECT_EQ(leader.total(), 3);
    follower.ledger = leader.ledger;
    follower.read();
    EXPECT_EQ(follower.total(), 3);
    EXPECT_EQ(leader.partition->counters().folds_again, 0);
    EXPECT_EQ(follower.partition->counters().folds_again, 0);
}

TEST_F(Followed, AppendThatIsNotHeardOfIsSentAgainAfterATime) {
    leader.ask(leader.command("add 3", "r1"));
    ASSERT_EQ(leader.step().append.size(), 1u);
    leader.elapsed += milliseconds(12'000);
    leader.read();
    EXPECT_EQ(leader.total(), 3);
    EXPECT_EQ(leader.partition->counters().folds_again, 0);
    EXPECT_EQ(leader.partition->counters().resent, 1);
}

TEST_F(Followed, LateFailureOfAnAbandonedAppendHarmsNothing) {
    leader.decide(leader.command("add 3", "r1"));
    leader.ask(leader.command("add 4", "r2"));
    leader.step();
    leader.partition->on_append_failed(sha256("long gone"));
    EXPECT_EQ(leader.partition->in_flight(), 1u);
    EXPECT_TRUE(leader.partition->caught_up());
}

TEST_F(Followed, ReadingsThatChangeNothingDoNotUseUpThePatienceForCommands) {
    for (Bench* bench : {&leader, &follower}) {
        bench->inputs[Bench::readings].log.push_back(bench->reading("reading 0"));
        bench->hear();
    }
    leader.step();
    pass(milliseconds(240));
    follower.step();
    both_hear(leader.command("add 1", "r1"));
    pass(milliseconds(140));
    EXPECT_EQ(leader.step().append.size(), 1u);
    EXPECT_TRUE(follower.step().append.empty());
}

TEST_F(Followed, OwnRecordBelowTheReadingPositionMakesItReadTheHeadBack) {
    leader.ledger.push_back("noise");
    leader.hear();
    leader.ask(leader.command("add 3", "r1"));
    const Orders orders = leader.step();
    ASSERT_EQ(orders.append.size(), 1u);
    leader.partition->on_append_stored(orders.append[0].digest, 1);
    EXPECT_EQ(leader.partition->counters().verifications, 1);
}

// --- two processes, two versions ---

TEST(TwoProcesses, OfOneNameAreNoticedAndTheNewerOneStops) {
    Bench older("a", 1, toy_keys(), 1), newer("a", 1, toy_keys(), 2);
    older.read();
    newer.join(older);
    newer.read();
    for (int i = 0; i < 40; ++i) {
        for (Bench* bench : {&older, &newer})
            bench->ask(bench->command(fmt::format("arm d{} text", i), fmt::format("r{}", i)));
        Orders first = older.step(), second = newer.step();
        if (i % 2 == 1) std::swap(first, second);
        older.store(first);
        older.store(second);
        newer.ledger = older.ledger;
        older.hear();
        newer.hear();
    }
    EXPECT_TRUE(newer.partition->halted().starts_with("name_taken"));
    EXPECT_EQ(older.partition->halted(), "");
    older.read();
    EXPECT_EQ(older.realm().deliveries.size(), 40u);
    EXPECT_LE(older.partition->counters().folds_again, 6);
    EXPECT_LE(newer.partition->counters().folds_again, 4);
}

TEST(TwoProcesses, OfOneNameAreToldApartByTheLedgerWhereTheClockOfTheNewerIsBehind) {
    Bench older("a", 1, toy_keys(), 200), newer("a", 1, toy_keys(), 100);
    older.read();
    newer.join(older);
    newer.read();
    EXPECT_EQ(newer.partition->options().incarnation, 201);
    newer.decide(newer.command("add 1", "r1"));
    older.ledger = newer.ledger;
    older.read();
    EXPECT_EQ(older.partition->halted(), "");
}

TEST(TwoProcesses, RestartUnderTheSameNameIsNoConflict) {
    Bench first("a", 1, toy_keys(), 1);
    first.read();
    first.ask(first.command("add 1", "r0"));
    const Orders late = first.step();
    Bench second("a", 1, toy_keys(), 2);
    second.join(first);
    second.read();
    second.store(late);
    for (int i = 0; i < 10; ++i)
        second.decide(second.command(fmt::format("arm d{} text", i), fmt::format("s{}", i)));
    EXPECT_EQ(second.partition->halted(), "");
    EXPECT_EQ(second.total(), 1);
    EXPECT_EQ(second.realm().deliveries.size(), 10u);
}

TEST_F(Followed, WhoCannotReadAnInputDoesNotKeepTheLeadFromWhoCan) {
    leader.upstream_decides("newer thing");
    leader.hear();
    ASSERT_TRUE(leader.step().append.empty());
    ASSERT_NE(leader.partition->input_halted(Bench::upstream), "");
    bool taken = false;
    for (int i = 0; i < 40 && !taken; ++i) {
        both_hear(leader.command("add 1", fmt::format("r{}", i)));
        EXPECT_TRUE(leader.step().append.empty());
        taken = !follower.step().append.empty();
        pass(milliseconds(20));
    }
    EXPECT_TRUE(taken);
}

TEST_F(Followed, WhoCannotReadAnInputStillDecidesWhereItIsAlone) {
    leader.upstream_decides("newer thing");
    leader.hear();
    leader.step();
    leader.ask(leader.command("add 1", "r1"));
    leader.elapsed += milliseconds(1000);
    leader.read();
    EXPECT_EQ(leader.total(), 1);
}

// --- limits ---

TEST(Limits, InputIsNotReadOnWhileMoreOfItWaitsThanIsKept) {
    Bench bench("b");
    bench.read();
    bench.ask(bench.command("add 0", "r"));
    bench.ledger.push_back(bench.foreign(bench.partition->counted_head(), "total 1", 0));
    bench.options.items_max = 10;
    bench.start();
    bench.read();
    for (int i = 0; i < 50; ++i)
        bench.ask(bench.command(fmt::format("arm d{} text", i), fmt::format("r{}", i)));
    EXPECT_EQ(bench.partition->undecided(), 11u);
    bench.step();
    EXPECT_TRUE(bench.inputs[Bench::commands].paused);
    for (int i = 0; i < 10; ++i) {
        bench.elapsed += milliseconds(1000);
        bench.read();
    }
    EXPECT_EQ(bench.realm().deliveries.size(), 50u);
}

TEST(Limits, InputsTakeTurns) {
    Bench bench;
    bench.read();
    bench.options.pipeline_max = 2;
    bench.start();
    bench.read();
    bench.decide(bench.command("add 0", "first"));
    for (int i = 0; i < 5; ++i) bench.upstream_decides("add 1");
    bench.ask(bench.command("add 1", "r1"));
    bench.hear();
    bench.store(bench.step());
    std::set<std::string> topics;
    for (std::size_t i = bench.ledger.size() - 2; i < bench.ledger.size(); ++i)
        topics.insert(bench.parsed(bench.ledger[i]).cause().topic());
    EXPECT_EQ(topics, (std::set<std::string>{"toy.commands", "up.ledger"}));
}

TEST(Limits, NothingWakesItThatItWouldNotDo) {
    Bench bench;
    bench.read();
    bench.decide(bench.command("timer 10", "r1"));
    EXPECT_GT(bench.partition->next_wake(bench.now(), bench.tick()), milliseconds(9000));
    bench.elapsed += milliseconds(60'000);
    bench.partition->on_broker_trouble();
    EXPECT_EQ(bench.partition->next_wake(bench.now(), bench.tick()), std::nullopt);
    Bench halted;
    halted.join(bench);
    halted.inputs[Bench::commands].low = 99;
    halted.inputs[Bench::commands].log.clear();
    halted.read();
    ASSERT_NE(halted.partition->halted(), "");
    EXPECT_EQ(halted.partition->next_wake(halted.now(), halted.tick()), std::nullopt);
}

TEST(Requests, OfTwoRealmsAreTwo) {
    Bench bench;
    bench.read();
    bench.decide(bench.command("add 3", "r1"));
    bench.decide(bench.command("add 4", "r1", hours(1), "elbow"));
    EXPECT_EQ(bench.realm("bow").total, 3);
    EXPECT_EQ(bench.realm("elbow").total, 4);
}

// --- what cannot be applied ---

TEST(Unfit, ADecisionThatEvolveThrowsOnHaltsItsPartitionWithItsReason) {
    Bench bench;
    bench.read();
    bench.decide(bench.command("add 3", "r1"));
    bench.ledger.push_back(bench.foreign(sha256(bench.ledger.back()), "total x", 1));
    bench.read();
    EXPECT_TRUE(bench.partition->halted().starts_with("fold_failed: the decision at offset 2"))
        << bench.partition->halted();
    const auto records = bench.ledger.size();
    bench.decide(bench.command("add 1", "r2"));
    EXPECT_EQ(bench.ledger.size(), records);
    bench.start();
    bench.read();
    EXPECT_TRUE(bench.partition->halted().starts_with("fold_failed: ")) << "after a start too";
}

TEST(Unfit, ATimerThatThrowsHaltsItsPartitionWithItsReason) {
    Bench bench;
    bench.read();
    bench.decide(bench.command("add 3", "r1"));
    bench.ledger.push_back(bench.foreign(sha256(bench.ledger.back()), "timer -1 5", 1));
    bench.read();
    EXPECT_EQ(bench.partition->halted(), "timer_failed: a timer before the first");
}

TEST(Unfit, ALedgerWithoutItsBeginningHaltsForGood) {
    Bench bench;
    bench.read();
    for (int i = 0; i < 3; ++i)
        bench.decide(bench.command(fmt::format("add {}", i + 1), fmt::format("r{}", i)));
    bench.start();
    bench.step();
    bench.partition->on_ledger_out_of_range();
    EXPECT_TRUE(bench.partition->halted().starts_with("ledger_gone: "))
        << bench.partition->halted();
    EXPECT_FALSE(bench.partition->restart_inputs("try").has_value());
}

// Both topics were deleted and made again; who decided there knows better than to begin afresh.
TEST(Unfit, ALedgerThatIsEmptyAgainHaltsWhoeverReadDecisionsInIt) {
    Bench bench;
    bench.read();
    bench.decide(bench.command("add 3", "r1"));
    bench.ledger.clear();
    bench.inputs[Bench::commands] = {};
    bench.partition->on_broker_trouble();
    bench.partition->on_ledger_out_of_range();
    bench.read();
    EXPECT_TRUE(bench.partition->halted().starts_with("ledger_lost: the ledger is empty, and"))
        << bench.partition->halted();
    EXPECT_TRUE(bench.ledger.empty());
    EXPECT_TRUE(bench.partition->restart_inputs("found out").has_value());
    bench.read();
    EXPECT_EQ(bench.partition->halted(), "");
    bench.decide(bench.command("add 4", "r2"));
    EXPECT_EQ(bench.total(), 4);
}

TEST(Unfit, AnotherNumberOfPartitionsHaltsInsteadOfSpreadingRealmsAnew) {
    Bench bench;
    bench.read();
    bench.decide(bench.command("add 3", "r1"));
    bench.options.partitions = 3;
    bench.start();
    bench.read();
    EXPECT_TRUE(bench.partition->halted().starts_with(
        "wrong_partitions: toy.ledger began as one of 1 partitions"))
        << bench.partition->halted();
    EXPECT_FALSE(bench.partition->restart_inputs("try").has_value());
    bench.options.partitions = 1;
    bench.start();
    bench.read();
    EXPECT_EQ(bench.partition->halted(), "");
    EXPECT_EQ(bench.total(), 3);
}

// The upstream ledger begins, as one of so many partitions.
static void upstream_opens(Bench& bench, int partitions) {
    ledger::v1::Decision decision;
    decision.set_previous_digest(genesis_digest("up.ledger", 0));
    decision.mutable_input_restarted()->set_partitions(partitions);
    decision.mutable_input_restarted()->set_key_id(bench.keys.newest());
    *decision.mutable_decided_at() = to_proto(bench.truth());
    bench.inputs[Bench::upstream].log.push_back(
        Seal(bench.keys, "up.ledger", RecordKind::decision)
            .close(decision.SerializeAsString(), bench.keys.newest()));
}

// Before it opens its own, which would fix that number for ever.
TEST(Unfit, AnotherNumberOfPartitionsThanAnUpstreamLedgersHaltsBeforeAnythingIsWritten) {
    for (const int partitions : {1, 4}) {
        Bench bench;
        upstream_opens(bench, partitions);
        bench.read();
        if (partitions == 1) {
            EXPECT_EQ(bench.partition->halted(), "");
            EXPECT_EQ(bench.ledger.size(), 1u);
        } else {
            EXPECT_TRUE(bench.partition->halted().starts_with("wrong_partitions: up.ledger"));
            EXPECT_EQ(bench.ledger.size(), 0u);
        }
    }
}

// Its own is lost too, and an operator's word must not fix the wrong number.
TEST(Unfit, ALostLedgerIsNotOpenedAgainWithAnotherNumberOfPartitions) {
    Bench bench;
    bench.inputs[Bench::commands].log.push_back(bench.command("add 1", "r1"));
    bench.partition->on_ledger_end(0);
    bench.step();
    bench.hear();
    bench.step();
    EXPECT_TRUE(bench.partition->halted().starts_with("ledger_lost"));
    upstream_opens(bench, 4);
    bench.hear();
    EXPECT_TRUE(bench.partition->halted().starts_with("wrong_partitions"));
    EXPECT_FALSE(bench.partition->restart_inputs("try").has_value());
    bench.read();
    EXPECT_TRUE(bench.ledger.empty());
}

// What it brings is read on only once some of it is decided.
TEST(Unfit, APartitionOpensBesideALongUpstreamLedger) {
    Bench bench;
    bench.options.items_max = 10;
    bench.start();
    for (int i = 0; i < 30; ++i) bench.upstream_decides("add 1");
    for (int i = 0; i < 10; ++i) bench.read();
    EXPECT_TRUE(bench.partition->opened());
    EXPECT_EQ(bench.total(), 30);
}

// An upstream ledger was opened with another number while its own opening was refused.
TEST(Unfit, WhatWouldOpenALedgerIsNotSentAgainOnceItHalted) {
    Bench bench;
    bench.hear();
    Orders orders;
    for (int i = 0; i < 3 && orders.append.empty(); ++i) {
        orders = bench.step();
        bench.hear();
    }
    ASSERT_EQ(orders.append.size(), 1u);
    bench.partition->on_append_failed(orders.append.front().digest);
    bench.partition->halt(Halt::other, "wrong_partitions: up.ledger");
    for (int i = 0; i < 10; ++i) {
        bench.elapsed += seconds(5);
        bench.hear();
        EXPECT_TRUE(bench.step().append.empty());
    }
}

// Whoever may not write the ledger asks less and less often, with the same bytes.
TEST(Unfit, ALedgerThatIsRefusedIsOpenedAgainAfterAPause) {
    Bench bench;
    std::vector<std::string> sent;
    for (int turns = 0; turns < 1000; ++turns) {
        bench.hear();
        for (const auto& append : bench.step().append) {
            sent.push_back(append.record);
            bench.partition->on_append_failed(append.digest);
        }
        bench.elapsed += milliseconds(10);
    }
    EXPECT_GE(sent.size(), 3u);
    EXPECT_LE(sent.size(), 12u);
    for (const auto& record : sent) EXPECT_EQ(record, sent.front());
    bench.elapsed += seconds(10);
    bench.read();
    EXPECT_TRUE(bench.partition->opened());
    EXPECT_EQ(bench.ledger.size(), 1u);
}

}  // namespace tocsin::sim
