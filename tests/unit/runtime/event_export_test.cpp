#include "runtime/ledger/event_export.hpp"

#include "runtime/ledger/record.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <set>

namespace tocsin::runtime {
namespace {

const WorldKeys keys({"the world's key"});
const std::string ledger_name = "tocsin.drafting.ledger.v1";
const Seal seal(keys, ledger_name, RecordKind::decision);
const PublicSource source{"live", "drafting", 0};

template <class Record>
struct Log {
    std::int64_t low = 0;
    std::vector<Record> records;  // the first one has offset `low`
    std::int64_t end() const { return low + static_cast<std::int64_t>(records.size()); }
    const Record& at(std::int64_t offset) const {
        return records.at(static_cast<std::size_t>(offset - low));
    }
};

// A ledger and the topic of events.
struct Logs {
    std::string decide(int happened, const std::string& previous) {
        ledger::v1::Decision decision;
        decision.set_previous_digest(previous);
        decision.set_realm("bow");
        decision.mutable_accepted()->set_subject("message-" + std::to_string(made_++));
        drafting::v1::Event event;
        event.mutable_message_submitted();
        for (int i = 0; i < happened; ++i)
            decision.mutable_accepted()->add_events(event.SerializeAsString());
        return seal.close(decision.SerializeAsString(), keys.newest());
    }
    void count(int happened = 1) {
        ledger.records.push_back(decide(happened, head()));
        counted.emplace_back(ledger.end() - 1, sha256(ledger.records.back()), happened);
    }
    void add_void() { ledger.records.push_back(decide(1, sha256("elsewhere"))); }
    void add_foreign() { ledger.records.push_back("not ours"); }
    void lose_tail(std::int64_t keep) {
        ledger.records.resize(static_cast<std::size_t>(keep));
        std::erase_if(counted, [&](const auto& one) { return std::get<0>(one) >= keep; });
        ++history;
    }
    std::string head() const {
        return counted.empty() ? genesis_digest(ledger_name, 0) : std::get<1>(counted.back());
    }
    std::vector<std::string> wanted() const {
        std::vector<std::string> all;
        for (const auto& [offset, digest, happened] : counted)
            for (int i = 0; i < happened; ++i) all.push_back(hex(digest) + "-" + std::to_string(i));
        return all;
    }
    // Stores a record of another service that shares the topic.
    void others(int number) {
        for (int i = 0; i < number; ++i)
            store({{"ce_source", "/tocsin/live/approval"}, {"ce_id", "other"}});
    }
    void store(const PublicHeaders& headers) {
        events.records.push_back(headers);
        if (const auto trace = trace_of(source, headers)) ids.push_back(trace->id);
    }

    Log<std::string> ledger;
    Log<PublicHeaders> events;
    std::vector<std::tuple<std::int64_t, std::string, int>> counted;
    std::vector<std::string> ids;  // of all that was ever stored, in order
    std::uint32_t history = 0;
    int made_ = 0;
};

// What event_exporter.cpp does, on the logs above. `fate` says what becomes of a record.
struct Instance {
    enum class Fate { stored, stored_unsaid, lost, lost_silently, late };

    explicit Instance(Logs& all) : logs(all) { start(); }

    void start() {
        EventExport::Options options;
        options.source = source;
        options.ledger_topic = ledger_name;
        options.bytes_max = bytes_max;
        options.look_back = 4;
        event_export = std::make_unique<EventExport>(options, keys);
        ledger_next = events_next = -1;
    }

    void read(int most) {
        for (int i = 0; i < most && events_next >= 0 && !events_stuck; ++i) {
            if (events_next >= logs.events.end()) {
                event_export->on_events_end(events_next);
                break;
            }
            if (events_next < logs.events.low) {
                event_export->on_trouble();
                break;
            }
            event_export->on_events_record(events_next, logs.events.at(events_next));
            ++events_next;
        }
        for (int i = 0; i < most && ledger_next >= 0 && !ledger_stuck; ++i) {
            if (ledger_next > logs.ledger.end()) {
                event_export->on_ledger_out_of_range();
                break;
            }
            if (ledger_next == logs.ledger.end()) {
                event_export->on_ledger_end(ledger_next);
                break;
            }
            event_export->on_ledger_record(ledger_next, logs.ledger.at(ledger_next));
            ++ledger_next;
        }
    }

    void obey() {
        auto orders = event_export->step(EventExport::Tick{std::chrono::milliseconds(now)});
        if (orders.stop_events) events_next = -1;
        if (orders.stop_ledger) ledger_next = -1;
        for (auto& order : orders.append) {
            unanswered += order.record.value.size();
            most_unanswered = std::max(most_unanswered, unanswered);
            const Fate fate = fate_of(order.record.id);
            const bool stored = fate == Fate::stored || fate == Fate::stored_unsaid;
            if (stored) logs.store(order.record.headers);
            if (fate == Fate::late) limbo.push_back(order.record.headers);
            if (fate == Fate::lost_silently) continue;
            unanswered -= order.record.value.size();
            event_export->on_stored(order.ticket, fate == Fate::stored);
        }
        if (orders.read_ledger_from) {
            ledger_next = *orders.read_ledger_from;
            ledger_stuck = false;
        }
        if (orders.read_events_from) {
            events_next = *orders.read_events_from;
            events_stuck = false;
        }
        if (orders.ask_range) event_export->on_events_range(logs.events.low, logs.events.end());
    }

    void turn(bool leads = true) {
        now += 100;
        event_export->lead(leads, logs.history, logs.ledger.end());
        read(3);
        obey();
    }

    void run(int turns = 200) {
        for (int i = 0; i < turns; ++i) turn();
    }

    Logs& logs;
    std::size_t bytes_max = 1 << 20;
    std::function<Fate(const std::string&)> fate_of = [](const std::string&) {
        return Fate::stored;
    };
    std::unique_ptr<EventExport> event_export;
    std::int64_t ledger_next = -1, events_next = -1;
    bool ledger_stuck = false, events_stuck = false;  // nothing comes until it is started anew
    std::int64_t now = 0;
    std::vector<PublicHeaders> limbo;  // may be stored much later
    std::size_t unanswered = 0, most_unanswered = 0;
};

TEST(EventExport, WhatCountsIsExportedOnceAndInOrder) {
    Logs logs;
    logs.count(0);
    logs.count(2);
    logs.add_void();
    logs.add_foreign();
    logs.count();
    Instance instance(logs);
    instance.run();
    EXPECT_EQ(logs.ids, logs.wanted());
    EXPECT_EQ(instance.event_export->exported_before(), logs.ledger.end());
    logs.count();
    instance.run();
    EXPECT_EQ(logs.ids, logs.wanted());
}

TEST(EventExport, WhoDoesNotLeadExportsNothing) {
    Logs logs;
    logs.count();
    Instance instance(logs);
    for (int i = 0; i < 50; ++i) instance.turn(false);
    EXPECT_TRUE(logs.ids.empty());
}

TEST(EventExport, ARestartGoesOnWhereTheTopicStands) {
    Logs logs;
    for (int i = 0; i < 20; ++i) logs.count();
    Instance(logs).run();
    for (int i = 0; i < 20; ++i) logs.count();
    Instance(logs).run();
    EXPECT_EQ(logs.ids, logs.wanted());
}

TEST(EventExport, ItLooksBackPastTheRecordsOfOtherServices) {
    Logs logs;
    logs.others(10);
    for (int i = 0; i < 5; ++i) logs.count();
    Instance(logs).run();
    logs.others(1000);
    logs.count();
    Instance(logs).run(2000);
    EXPECT_EQ(logs.ids, logs.wanted());
}

TEST(EventExport, ARecordThatWasLostComesAgainWithWhatFollowedIt) {
    Logs logs;
    for (int i = 0; i < 6; ++i) logs.count();
    const auto wanted = logs.wanted();
    Instance instance(logs);
    instance.fate_of = [&, lost = false](const std::string& id) mutable {
        if (id != wanted[3] || std::exchange(lost, true)) return Instance::Fate::stored;
        return Instance::Fate::lost;
    };
    instance.run();
    EXPECT_EQ(std::set(logs.ids.begin(), logs.ids.end()), std::set(wanted.begin(), wanted.end()));
}

// Nothing tells the next one but the records themselves: the last of them is not how far it came.
TEST(EventExport, AGapThatACrashLeftIsFilled) {
    Logs logs;
    for (int i = 0; i < 6; ++i) logs.count();
    const auto wanted = logs.wanted();
    Instance first(logs);
    first.fate_of = [&](const std::string& id) {
        return id == wanted[3] ? Instance::Fate::lost_silently : Instance::Fate::stored;
    };
    first.run();
    EXPECT_EQ(logs.ids.size(), 5u);
    Instance(logs).run();
    EXPECT_EQ(std::set(logs.ids.begin(), logs.ids.end()), std::set(wanted.begin(), wanted.end()));
    EXPECT_EQ(logs.ids.size(), 6u) << "what was stored behind the gap comes again";
}

TEST(EventExport, AFrozenLeaderThatThawsDoesNotTurnItBack) {
    Logs logs;
    for (int i = 0; i < 3; ++i) logs.count();
    Instance(logs).run();
    const PublicHeaders early = logs.events.at(0);
    for (int i = 0; i < 20; ++i) logs.count();
    Instance(logs).run();
    logs.store(early);
    logs.ids.pop_back();
    Instance(logs).run();
    EXPECT_EQ(logs.ids, logs.wanted());
}

TEST(EventExport, AfterALostTailItGoesOnFromWhatIsStillThere) {
    Logs logs;
    for (int i = 0; i < 30; ++i) logs.count();
    Instance instance(logs);
    instance.run();
    logs.lose_tail(25);
    for (int i = 0; i < 10; ++i) logs.count();
    const std::size_t before = logs.ids.size();
    instance.run(2000);
    const auto wanted = logs.wanted();
    const std::set<std::string> stored(logs.ids.begin(), logs.ids.end());
    for (const std::string& id : wanted) EXPECT_TRUE(stored.contains(id));
    EXPECT_LT(logs.ids.size(), before + 25) << "it did not begin at the ledger's beginning";
}

TEST(EventExport, ALedgerThatEndsBeforeThePlaceIsReadFromAnOlderOne) {
    Logs logs;
    for (int i = 0; i < 30; ++i) logs.count();
    Instance(logs).run();
    logs.lose_tail(20);
    Instance again(logs);
    again.run(2000);
    logs.count();
    again.run();
    EXPECT_EQ(logs.ids.back(), logs.wanted().back());
}

// Other services look back in the same partition of the topic of events, one after another.
TEST(EventExport, BeforeItLooksForAnOlderPlaceItAsksForTheTopicOnceMore) {
    Logs logs;
    for (int i = 0; i < 30; ++i) logs.count();
    Instance(logs).run();
    logs.lose_tail(20);
    EventExport again({.source = source, .ledger_topic = ledger_name, .look_back = 4}, keys);
    again.lead(true, logs.history, 20);
    EXPECT_TRUE(again.step({}).ask_range);
    again.on_events_range(0, logs.events.end());
    EXPECT_TRUE(again.looking());
    again.step({});
    for (std::int64_t at = logs.events.end() - 4; at < logs.events.end(); ++at)
        again.on_events_record(at, logs.events.at(at));
    EXPECT_FALSE(again.looking());
    EXPECT_TRUE(again.step({}).read_ledger_from);
    again.on_ledger_end(20);
    EXPECT_FALSE(again.looking());
    const auto orders = again.step({});
    EXPECT_TRUE(orders.ask_range);
    EXPECT_FALSE(orders.read_events_from);
}

TEST(EventExport, AReaderThatStandsStillIsStartedAnew) {
    Logs logs;
    for (int i = 0; i < 10; ++i) logs.count();
    Instance instance(logs);
    instance.run();
    logs.count();
    instance.ledger_stuck = true;
    instance.run(50);
    EXPECT_NE(logs.ids, logs.wanted());
    instance.run(200);
    EXPECT_EQ(logs.ids, logs.wanted());

    logs.count();
    Instance again(logs);
    while (!again.event_export->looking()) again.turn();
    again.turn();
    again.events_stuck = true;
    again.run(50);
    EXPECT_TRUE(again.event_export->looking());
    again.run(200);
    EXPECT_EQ(logs.ids, logs.wanted());
}

TEST(EventExport, AHandleThatStandsStillIsReplaced) {
    Logs logs;
    for (int i = 0; i < 10; ++i) logs.count();
    Instance instance(logs);
    instance.run();
    EXPECT_FALSE(instance.event_export->take_stuck());
    logs.count();
    bool stuck = false;
    for (int i = 0; i < 400 && !stuck; ++i) {
        instance.ledger_stuck = instance.events_stuck = true;
        instance.turn();
        stuck = instance.event_export->take_stuck();
    }
    EXPECT_TRUE(stuck);
    EXPECT_FALSE(instance.event_export->take_stuck()) << "only once";
    instance.ledger_stuck = instance.events_stuck = false;
    instance.run(200);
    EXPECT_EQ(logs.ids, logs.wanted());
    EXPECT_FALSE(instance.event_export->take_stuck());
}

TEST(EventExport, WhatIsHandedOverIsBounded) {
    Logs logs;
    for (int i = 0; i < 100; ++i) logs.count();
    Instance instance(logs);
    instance.bytes_max = 2000;
    instance.start();
    bool answering = false;
    instance.fate_of = [&](const std::string&) {
        return answering ? Instance::Fate::stored : Instance::Fate::lost_silently;
    };
    instance.run();
    EXPECT_GT(instance.most_unanswered, 1000u);
    EXPECT_LT(instance.most_unanswered, 3000u);
    answering = true;
    instance.event_export->on_trouble();
    instance.run(2000);
    EXPECT_EQ(logs.ids, logs.wanted());
}

// An outage of any kind is one kind: a pause, and it begins anew.
TEST(EventExport, ItRestsBeforeItBeginsAnew) {
    Logs logs;
    Instance instance(logs);
    instance.run(20);
    instance.event_export->on_trouble();
    instance.event_export->on_trouble();
    instance.obey();
    EXPECT_FALSE(instance.event_export
                     ->step(EventExport::Tick{std::chrono::milliseconds(instance.now + 100)})
                     .ask_range);
    EXPECT_TRUE(instance.event_export
                    ->step(EventExport::Tick{std::chrono::milliseconds(instance.now + 600)})
                    .ask_range);
}

TEST(EventExport, AnEventOfANewerVersionStopsIt) {
    Logs logs;
    logs.count();
    ledger::v1::Decision decision;
    decision.set_previous_digest(logs.head());
    decision.mutable_accepted()->add_events("");
    logs.ledger.records.push_back(seal.close(decision.SerializeAsString(), keys.newest()));
    Instance instance(logs);
    instance.run();
    EXPECT_EQ(logs.ids, logs.wanted());
    EXPECT_NE(instance.event_export->stopped(), "");
}

// Three instances of which any may lead, crash or lose what it sent, over logs that lose their tail
// or their oldest records.
class Storm {
public:
    explicit Storm(unsigned seed) : random_(seed) {
        for (int i = 0; i < 3; ++i) instances_.push_back(std::make_unique<Instance>(logs_));
        for (auto& instance : instances_) {
            instance->bytes_max = 3000;
            instance->start();
            instance->fate_of = [this](const std::string&) { return fate(); };
        }
    }

    void play() {
        for (int i = 0; i < 400; ++i) step();
        calm_ = true;
        for (auto& instance : instances_)
            for (const auto& headers : std::exchange(instance->limbo, {})) logs_.store(headers);
        instances_[0]->start();
        for (int i = 0; i < 3000; ++i) instances_[0]->turn();
        const auto wanted = logs_.wanted();
        const std::set<std::string> stored(logs_.ids.begin(), logs_.ids.end());
        for (std::size_t i = 0; i < wanted.size(); ++i)
            ASSERT_TRUE(stored.contains(wanted[i])) << "event " << i << " was left out";
        if (logs_.history > 0) return;
        ASSERT_EQ(stored, std::set(wanted.begin(), wanted.end()));
    }

private:
    int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }

    Instance::Fate fate() {
        if (calm_ || below(10) > 0) return Instance::Fate::stored;
        using enum Instance::Fate;
        static constexpr Instance::Fate fates[] = {stored_unsaid, lost, lost_silently, late};
        return fates[below(4)];
    }

    void step() {
        if (below(3) == 0) logs_.count(below(3));
        if (below(15) == 0) logs_.add_void();
        if (below(20) == 0) logs_.others(below(30));
        if (below(200) == 0 && logs_.ledger.end() > 6)
            logs_.lose_tail(logs_.ledger.end() - 1 - below(5));
        if (below(150) == 0) drop_oldest();
        Instance& one = *instances_[static_cast<std::size_t>(below(3))];
        if (below(60) == 0) one.start();
        if (below(60) == 0) one.event_export->on_trouble();
        if (!one.limbo.empty() && below(10) == 0) {
            logs_.store(one.limbo.back());
            one.limbo.pop_back();
        }
        leader_ = below(20) == 0 ? below(3) : leader_;
        for (std::size_t i = 0; i < instances_.size(); ++i)
            if (below(4) > 0) instances_[i]->turn(static_cast<int>(i) == leader_ || below(40) == 0);
    }

    void drop_oldest() {
        auto& events = logs_.events;
        const auto gone = events.records.size() / 2;
        events.records.erase(events.records.begin(),
                             events.records.begin() + static_cast<std::ptrdiff_t>(gone));
        events.low += static_cast<std::int64_t>(gone);
    }

    std::mt19937 random_;
    Logs logs_;
    std::vector<std::unique_ptr<Instance>> instances_;
    int leader_ = 0;
    bool calm_ = false;
};

TEST(EventExport, NothingIsLeftOutWhateverHappens) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Storm(seed).play();
        if (HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace tocsin::runtime
