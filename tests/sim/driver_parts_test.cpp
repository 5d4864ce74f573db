// What a driver is made of, each by itself.
#include "runtime/base/call_slots.hpp"
#include "runtime/ledger/clock_probe.hpp"
#include "runtime/ledger/dead_letters.hpp"
#include "runtime/ledger/ledger_sources.hpp"
#include "runtime/ledger/position_waits.hpp"
#include "runtime/ledger/refused_logs.hpp"
#include "runtime/ledger/waiters.hpp"
#include "sim/driver_client.hpp"
#include "sim/fake_handles.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace tocsin::sim {
namespace {

using runtime::Answer;
using runtime::CallSlots;
using runtime::Ledger;
using runtime::PositionWaits;
using runtime::Queued;
using runtime::RefusedLogs;
using runtime::Waiters;
using std::chrono::seconds;

TEST(CallSlots, OneRealmHasAQuarterAndOneActorHalfOfThat) {
    const auto limits = CallSlots::limits(10'000, 0);
    EXPECT_EQ(limits.realm, 2'500u);
    EXPECT_EQ(limits.actor, 1'250u);
    EXPECT_EQ(CallSlots::limits(100, 0).realm, 64u);
    EXPECT_EQ(CallSlots::limits(100, 0).actor, 32u);
    EXPECT_EQ(CallSlots::limits(100, 10).realm, 10u);
    EXPECT_EQ(CallSlots::limits(100, 10).actor, 10u);
    EXPECT_EQ(CallSlots::limits(1, 0).actor, 1u);
}

TEST(CallSlots, NobodyTakesWhatServicesNeed) {
    CallSlots slots({.all = 2, .realm = 2, .actor = 2});
    const auto one = slots.take("a", "anna"), two = slots.take("a", "bob");
    EXPECT_TRUE(one && two);
    EXPECT_FALSE(slots.take("b", "carl"));
    EXPECT_TRUE(slots.take("a", "service:publishing"));
}

TEST(CallSlots, OneRealmsTimersLeaveRoomForThoseOfOthers) {
    CallSlots slots({.all = 4, .realm = 4, .actor = 4});
    std::vector<CallSlots::Slot> held;
    for (int i = 0; i < 2; ++i) held.push_back(slots.take("a", "service:publishing"));
    EXPECT_FALSE(slots.take("a", "service:publishing"));
    EXPECT_TRUE(slots.take("b", "service:publishing"));
}

TEST(CallSlots, ASlotIsGivenBackWithItsLastCopy) {
    CallSlots slots({.all = 1, .realm = 1, .actor = 1});
    auto slot = slots.take("a", "anna");
    auto copy = slot;
    slot.reset();
    EXPECT_FALSE(slots.take("a", "anna"));
    copy.reset();
    EXPECT_TRUE(slots.take("a", "anna"));
}

TEST(CallSlots, BytesAreBoundedButOneAlwaysFits) {
    CallSlots slots({.all = 9, .realm = 9, .actor = 9, .bytes = 100});
    const auto large = slots.take("a", "anna", 1'000);
    EXPECT_TRUE(large);
    EXPECT_FALSE(slots.take("a", "anna", 1));
    EXPECT_TRUE(slots.take("a", "service:toy", 1'000));
}

TEST(CallSlots, OneRealmsBytesAreAQuarterAndOneActorsHalfOfThat) {
    CallSlots slots({.all = 99, .realm = 99, .actor = 99, .bytes = 800});
    std::vector<CallSlots::Slot> held;
    for (int i = 0; i < 2; ++i) held.push_back(slots.take("a", "anna", 50));
    EXPECT_FALSE(slots.take("a", "anna", 50)) << "half of the realm's";
    held.push_back(slots.take("a", "bob", 100));
    EXPECT_TRUE(held.back());
    EXPECT_FALSE(slots.take("a", "carl", 1)) << "a quarter of all";
    // Each realm's first fits, as long as there is room at all.
    held.push_back(slots.take("b", "dora", 500));
    EXPECT_TRUE(held.back());
    EXPECT_FALSE(slots.take("b", "dora", 1));
    EXPECT_TRUE(slots.take("c", "emil", 100));
    EXPECT_FALSE(slots.take("c", "emil", 101));
    held.clear();
    EXPECT_TRUE(slots.take("a", "carl", 100));
}

struct Called {
    int times = 0;
    Answer last;
    Ledger::Done done() {
        return [this](Answer answer) {
            ++times;
            last = std::move(answer);
        };
    }
};

TEST(Waiters, EachTakesBackItsOwn) {
    Waiters waiters;
    Called first, second;
    auto one = first.done(), two = second.done();
    const auto handle = waiters.add("key", "body", Tick(seconds(1)), {}, one);
    waiters.add("key", "body", Tick(seconds(1)), {}, two);
    waiters.take_back (*handle)({});
    EXPECT_EQ(first.times, 1);
    EXPECT_EQ(second.times, 0);
    EXPECT_FALSE(waiters.take_back(*handle));
    EXPECT_EQ(waiters.size(), 1u);
}

TEST(Waiters, TakingTheLastBackEndsTheWaitForNone) {
    Waiters waiters;
    Called call;
    auto done = call.done();
    const auto handle = waiters.add("key", "body", Tick(seconds(1)), {}, done);
    std::jthread other([&] { waiters.take_back(*handle); });
    const auto begun = std::chrono::steady_clock::now();
    waiters.wait_until_none(seconds(30));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(20));
}

TEST(Waiters, AnAnswerIsForOneBody) {
    Waiters waiters;
    Called first, second;
    auto one = first.done(), two = second.done();
    waiters.add("key", "body", Tick(seconds(1)), {}, one);
    waiters.add("key", "other", Tick(seconds(1)), {}, two);
    Answer answer;
    answer.kind = Answer::Kind::accepted;
    waiters.answer("key", "body", answer);
    EXPECT_EQ(first.times, 1);
    EXPECT_EQ(second.times, 0);
}

TEST(Waiters, ManyOfOneKeyExpireAtOnce) {
    Waiters waiters;
    Called call;
    for (int i = 0; i < 50'000; ++i) {
        auto done = call.done();
        waiters.add("key", "body", Tick(seconds(i % 2 + 1)), {}, done);
    }
    const auto begun = std::chrono::steady_clock::now();
    waiters.expire(Tick(seconds(1)), "late");
    EXPECT_EQ(call.times, 25'000);
    EXPECT_EQ(waiters.next_expiry(), Tick(seconds(2)));
    waiters.close("over");
    EXPECT_EQ(call.times, 50'000);
    // Each looking at all others would take minutes.
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(10));
}

TEST(Waiters, NobodyWaitsAfterTheEnd) {
    Waiters waiters;
    waiters.close("over");
    Called call;
    auto done = call.done();
    EXPECT_FALSE(waiters.add("key", "body", Tick(seconds(1)), {}, done));
    EXPECT_TRUE(done);
}

TEST(PositionWaits, EndsOnceAllPlacesArePassed) {
    PositionWaits waits;
    std::vector<Ledger::Awaited> ended;
    std::map<int, std::int64_t> passed;
    const auto look = [&](Tick now) { waits.look([&](int log) { return passed[log]; }, now); };
    waits.add({{0, 5}, {1, 7}, {1, 7}}, Tick(seconds(9)), {},
              [&](Ledger::Awaited how) { ended.push_back(how); });
    passed = {{0, 6}, {1, 7}};
    look(Tick(seconds(1)));
    EXPECT_TRUE(ended.empty());
    passed = {{0, 6}, {1, 8}};
    look(Tick(seconds(1)));
    EXPECT_EQ(ended, std::vector{Ledger::Awaited::reached});
    EXPECT_EQ(waits.size(), 0u);
    EXPECT_FALSE(waits.next_expiry());
}

TEST(PositionWaits, ManyEndTogether) {
    PositionWaits waits;
    int ended = 0;
    for (int i = 0; i < 50'000; ++i) {
        std::vector<PositionWaits::Place> places;
        for (int log = 0; log < 16; ++log) places.emplace_back(log, 1'000'000);
        waits.add(places, Tick(seconds(5)), {}, [&](Ledger::Awaited) { ++ended; });
    }
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < 1'000; ++i) waits.look([](int) { return 0; }, Tick(seconds(1)));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(1)) << "idle looks cost nothing";
    waits.look([](int) { return 0; }, Tick(seconds(5)));
    EXPECT_EQ(ended, 50'000);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(10));
}

// Three refusals, the last of them at `last`.
void refuse(RefusedLogs& logs, const runtime::LogName& log, bool needed, seconds last) {
    for (const seconds before : {seconds(3), seconds(1), seconds(0)})
        logs.refused(log, "nobody may", needed, Tick(last - before));
}

TEST(RefusedLogs, OneThatNobodyNeedsIsDroppedOnceNobodyWritesThere) {
    RefusedLogs logs;
    refuse(logs, {"commands", 1}, false, seconds(10));
    refuse(logs, {"ledger", 1}, true, seconds(10));
    const Tick latest = Tick(seconds(10)) + RefusedLogs::quiet_most;
    logs.drop_quiet(latest - milliseconds(1));
    ASSERT_TRUE(logs.first(latest));
    EXPECT_EQ(logs.first(latest)->name.text(), "commands/1");
    logs.drop_quiet(latest);
    ASSERT_TRUE(logs.first(latest));
    EXPECT_EQ(logs.first(latest)->name.text(), "ledger/1") << "somebody goes on trying";
    logs.drop_quiet(latest + std::chrono::hours(24));
    EXPECT_TRUE(logs.first_needed(latest));
    logs.taken({"ledger", 1});
    EXPECT_FALSE(logs.first(latest));
}

TEST(RefusedLogs, EachRefusalKeepsOneForAnotherMinute) {
    RefusedLogs logs;
    refuse(logs, {"commands", 1}, false, seconds(10));
    logs.refused({"commands", 1}, "nobody may", false, Tick(seconds(69)));
    logs.drop_quiet(Tick(seconds(128)));
    EXPECT_TRUE(logs.first(Tick(seconds(128))));
}

TEST(RefusedLogs, WhoLooksAtAPartitionHearsOfItsOwnAndOfWhatHasNone) {
    RefusedLogs logs;
    refuse(logs, {"commands", 0}, false, seconds(10));
    refuse(logs, {"commands", 1}, false, seconds(10));
    refuse(logs, {"probes"}, false, seconds(10));
    logs.refused({"ledger", 1}, "once is nothing", true, Tick(seconds(10)));
    std::vector<std::string> names;
    for (const auto& log : logs.of_partition(1, Tick(seconds(10))))
        names.push_back(log.name.text());
    EXPECT_EQ(names, (std::vector<std::string>{"commands/1", "probes"}));
}

// What the client itself may say, and how a person hears of it.
const std::vector<std::pair<Queued, std::string>> client_says{
    {Queued::full, "the queue to Kafka is full"},
    {Queued::missing, "does not exist in Kafka"},
    {Queued::refused, "the Kafka client accepts no records for"}};

// A part of the driver over one writer of Kafka, whose client may answer by itself.
class PartTest : public ::testing::Test {
protected:
    void pass(milliseconds time) {
        for (milliseconds gone{0}; gone < time; gone += milliseconds(1)) {
            clock.advance(milliseconds(1));
            kafka.advance();
            writer->poll();
            turn();
        }
    }
    virtual void turn() = 0;

    FakeClock clock;
    FakeKafka kafka{clock, 1};
    ClientAnswers answers;
    std::unique_ptr<runtime::LogBackend> backend = kafka.connect();
    std::unique_ptr<runtime::LogWriter> writer =
        std::make_unique<AnsweringWriter>(backend->writer(), answers);
    std::vector<std::string> fails;
};

class DeadLettersTest : public PartTest {
protected:
    void turn() override { letters.turn(clock.tick()); }

    std::vector<std::int64_t> kept;
    runtime::DeadLetters letters{*writer,
                                 clock,
                                 "letters",
                                 "toy",
                                 [this](int, int, std::int64_t offset) { kept.push_back(offset); },
                                 [this](const std::string& why) { fails.push_back(why); }};
};

std::string header(const runtime::Headers& headers, const std::string& name) {
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return "none";
}

TEST_F(DeadLettersTest, TheLargestRecordIsCutAndFits) {
    letters.keep({3, 0, 17, "commands", std::string(1'048'525, 'x'), std::string(5'000, 'r')});
    pass(milliseconds(10));
    EXPECT_EQ(kept, std::vector<std::int64_t>{17});
    const auto& record = kafka.log("letters", 3).at(0);
    EXPECT_EQ(record.value.size(), runtime::DeadLetters::bytes_max);
    EXPECT_EQ(header(record.headers, "tocsin_error_cut"), "true");
    EXPECT_EQ(header(record.headers, "tocsin_error_bytes"), "1048525");
    EXPECT_EQ(header(record.headers, "tocsin_error_offset"), "17");
    std::size_t headers = 0;
    for (const auto& [name, value] : record.headers) headers += name.size() + value.size() + 16;
    EXPECT_LT(record.value.size() + headers + 1'000, 1'000'000u);
}

TEST_F(DeadLettersTest, OneThatFitsIsWhole) {
    letters.keep({0, 0, 17, "commands", "abc", "why"});
    pass(milliseconds(10));
    const auto& record = kafka.log("letters", 0).at(0);
    EXPECT_EQ(record.value, "abc");
    EXPECT_EQ(header(record.headers, "tocsin_error_cut"), "none");
}

TEST_F(DeadLettersTest, AFullQueueIsTriedAgainLater) {
    kafka.queue_max = 0;
    letters.keep({0, 0, 17, "commands", "abc", "why"});
    pass(milliseconds(1'000));
    EXPECT_LE(kafka.appends["letters"], 6);
    kafka.queue_max = 10;
    pass(milliseconds(5'000));
    EXPECT_EQ(kept, std::vector<std::int64_t>{17});
}

TEST_F(DeadLettersTest, WhatTheClientSaysIsToldAsItIs) {
    for (const auto& [queued, text] : client_says) {
        fails.clear();
        answers["letters"] = queued;
        letters.keep({0, 0, 17, "commands", "abc", "why"});
        ASSERT_EQ(fails.size(), 1u) << text;
        EXPECT_TRUE(fails[0].contains(text) && fails[0].contains("letters")) << fails[0];
        letters.forget(0);
    }
    answers.clear();
    letters.keep({0, 0, 17, "commands", "abc", "why"});
    pass(milliseconds(10));
    EXPECT_EQ(kept, std::vector<std::int64_t>{17});
}

// The process ends, which is nothing that an operator does about the topic.
TEST_F(DeadLettersTest, AClientThatDiedSaysNothingOfTheTopic) {
    answers["letters"] = Queued::dead;
    letters.keep({0, 0, 17, "commands", "abc", "why"});
    pass(milliseconds(1'000));
    EXPECT_TRUE(fails.empty());
    EXPECT_EQ(letters.size(), 1u);
}

TEST_F(DeadLettersTest, AskedAgainItIsKeptOnce) {
    letters.keep({0, 0, 17, "commands", "abc", "why"});
    letters.keep({0, 0, 17, "commands", "abc", "why"});
    pass(milliseconds(100));
    EXPECT_EQ(kafka.log("letters", 0).end(), 1);
    EXPECT_EQ(kept.size(), 1u);
}

// Another instance kept the first one and decided: this one goes on to the next.
TEST_F(DeadLettersTest, ADisplacedOneIsNotSentAgainAndItsLateFailureIsNobodysMatter) {
    kafka.refused_topics.insert("letters");
    kafka.faults.delay_min = kafka.faults.delay_max = milliseconds(50);
    letters.keep({0, 0, 17, "commands", "abc", "why"});
    kafka.refused_topics.clear();
    letters.keep({0, 0, 18, "commands", "def", "why"});
    pass(milliseconds(5'000));
    ASSERT_EQ(kafka.log("letters", 0).end(), 1);
    EXPECT_EQ(kafka.log("letters", 0).at(0).value, "def");
    EXPECT_EQ(kept, std::vector<std::int64_t>{18});
    EXPECT_EQ(letters.size(), 0u);
}

TEST_F(DeadLettersTest, WhatIsForgottenIsNotSentAgain) {
    kafka.refused_topics.insert("letters");
    letters.keep({0, 0, 17, "commands", "abc", "why"});
    pass(milliseconds(100));
    letters.forget(0);
    const auto tries = kafka.appends["letters"];
    pass(milliseconds(10'000));
    EXPECT_EQ(kafka.appends["letters"], tries);
    EXPECT_EQ(letters.size(), 0u);
    EXPECT_FALSE(letters.next());
}

class SourcesTest : public ::testing::Test, protected runtime::SourceSink {
protected:
    SourcesTest() {
        sources.start(source, "log", 0, 0);
        pass(milliseconds(100), true);
    }
    // Without reading it, as under load: what is asked of the log is answered.
    void pass(milliseconds time, bool reading) {
        for (milliseconds gone{0}; gone < time; gone += milliseconds(50)) {
            clock.advance(milliseconds(50));
            kafka.advance();
            if (reading) sources.poll(1000);
            writer->poll();
            sources.tend(clock.tick(), true);
        }
    }
    std::int64_t restarts() const { return sources.restarts().sources; }

    static constexpr int source = 0;
    FakeClock clock;
    FakeKafka kafka{clock, 1};
    std::unique_ptr<runtime::LogBackend> backend = kafka.connect();
    std::unique_ptr<runtime::LogWriter> writer = backend->writer();
    runtime::LedgerSources sources{*backend, *writer, clock, *this, "toy", {}};

private:
    void read_record(int, std::int64_t, std::string_view, runtime::Time) override {}
    void read_end(int, std::int64_t) override {}
    void read_out_of_range(int) override {}
    void read_trouble(int, const std::string&) override {}
};

TEST_F(SourcesTest, WhatCameAMomentAgoIsNoStallHoweverQuietTheLogWas) {
    pass(seconds(20), true);
    sources.stored(source, kafka.put("log", 0, "", "1"));
    pass(milliseconds(2'900), false);
    EXPECT_EQ(restarts(), 0);
    // More of it changes nothing: the first has been missing for as long.
    sources.stored(source, kafka.put("log", 0, "", "2"));
    pass(milliseconds(300), false);
    EXPECT_EQ(restarts(), 1);
}

// Nobody here knew of it before the log was asked.
TEST_F(SourcesTest, WhatALookFoundHasTimeToCome) {
    pass(milliseconds(29'000), true);
    kafka.put("log", 0, "", "1");
    pass(milliseconds(3'500), false);
    EXPECT_EQ(restarts(), 0);
    pass(milliseconds(2'000), false);
    EXPECT_EQ(restarts(), 1);
}

// Somebody deleted its topic: Kafka answers, and yet not for it.
TEST_F(SourcesTest, ALogThatNobodyKnowsIsDown) {
    pass(seconds(20), true);
    EXPECT_FALSE(sources.any_down());
    kafka.missing.insert({"log", 0});
    pass(seconds(60), true);
    EXPECT_EQ(sources.first_down(), "log/0");
    EXPECT_TRUE(sources.down_since().has_value());
    kafka.missing.clear();
    pass(seconds(10), true);
    EXPECT_FALSE(sources.any_down());
    EXPECT_FALSE(sources.down_since().has_value());
}

TEST_F(SourcesTest, ALogThatNobodyWasAskedOfInTimeIsNotDown) {
    pass(seconds(20), true);
    kafka.questions_late = true;
    pass(seconds(100), true);
    EXPECT_FALSE(sources.any_down());
}

// It was whole when it was last asked, and nothing came since.
TEST_F(SourcesTest, AQuietLogThatIsGoneIsAsOldAsTheLastLookAtIt) {
    pass(seconds(100), true);
    const Tick gone = clock.tick();
    kafka.missing.insert({"log", 0});
    pass(seconds(60), true);
    ASSERT_TRUE(sources.down_since().has_value());
    EXPECT_GE(*sources.down_since(), gone - seconds(31));
}

TEST_F(SourcesTest, WhatIsReadToItsEndAfterAllIsNotDown) {
    pass(seconds(20), true);
    kafka.put("log", 0, "", "1");
    sources.stored(source, 0);
    for (int i = 0; i < 4 && !sources.any_down(); ++i) pass(seconds(5), false);
    ASSERT_TRUE(sources.any_down());
    kafka.lose_tail("log", 0, 1);
    pass(seconds(60), true);
    EXPECT_FALSE(sources.any_down());
    EXPECT_FALSE(sources.down_since().has_value());
}

class ClockProbeTest : public PartTest {
protected:
    void turn() override { probe.turn(clock.tick()); }

    int readings = 0;
    runtime::ClockProbe probe{*writer,
                              clock,
                              "probes",
                              "toy",
                              [this](const runtime::ClockReading&) { ++readings; },
                              [this](const std::string& why) { fails.push_back(why); }};
};

TEST_F(ClockProbeTest, WhatTheClientSaysIsToldAsItIs) {
    for (const auto& [queued, text] : client_says) {
        fails.clear();
        answers["probes"] = queued;
        pass(runtime::ClockProbe::again + milliseconds(1));
        ASSERT_FALSE(fails.empty()) << text;
        EXPECT_TRUE(fails.back().contains(text) && fails.back().contains("probes")) << fails.back();
    }
    answers["probes"] = Queued::dead;
    fails.clear();
    pass(runtime::ClockProbe::again * 2);
    EXPECT_TRUE(fails.empty()) << "the process ends, which says nothing of the topic";
    EXPECT_EQ(readings, 0);
    answers.clear();
    pass(runtime::ClockProbe::again + milliseconds(10));
    EXPECT_EQ(readings, 1);
}

TEST(ClockReading, IsAheadOrBehindByWhatTheRoundTripCannotExplain) {
    const Time noon{std::chrono::hours(12)};
    const auto ahead = [&](milliseconds sent, milliseconds acked, milliseconds stored) {
        return runtime::ClockReading{noon + sent, noon + acked, noon + stored, {}}.ahead();
    };
    EXPECT_EQ(ahead(milliseconds(0), milliseconds(10), milliseconds(5)), milliseconds(0));
    EXPECT_EQ(ahead(milliseconds(0), milliseconds(10), milliseconds(0)), milliseconds(0));
    EXPECT_EQ(ahead(seconds(60), seconds(61), milliseconds(0)), milliseconds(59'999));
    EXPECT_EQ(ahead(milliseconds(0), seconds(1), seconds(60)), -seconds(59));
}

}  // namespace
}  // namespace tocsin::sim
