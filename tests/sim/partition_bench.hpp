// One instance of the toy service beside logs that a test writes.
#pragma once

#include "runtime/ledger/partition.hpp"
#include "runtime/ledger/view.hpp"
#include "sim/toy.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tocsin::sim {

using namespace runtime;
using std::chrono::milliseconds;

struct Told : PartitionObserver {
    std::vector<std::int64_t> counted_offsets;
    std::vector<std::int64_t> upstream_offsets;
    std::vector<std::string> answers;
    int changes = 0;

    void counted(int input, std::int64_t offset, const ledger::v1::Decision&,
                 const std::string&) override {
        (input < 0 ? counted_offsets : upstream_offsets).push_back(offset);
    }
    void answered(const std::string&, const std::string&, const Remembered& answer) override {
        answers.push_back(answer.rejection ? answer.rejection->code : answer.subject);
    }
    void history_changed() override {
        ++changes;
        counted_offsets.clear();
        upstream_offsets.clear();
    }
};

inline const WorldKeys& toy_keys() {
    static const WorldKeys keys({std::string(32, 'k')});
    return keys;
}

struct Bench {
    enum : int { commands, upstream, readings };

    explicit Bench(std::string writer = "a", int partitions = 1,
                   const WorldKeys& world_keys = toy_keys(), std::int64_t incarnation = 1)
        : keys(world_keys) {
        options.service = "toy";
        options.ledger_topic = "toy.ledger";
        options.writer = std::move(writer);
        options.incarnation = incarnation;
        options.partitions = partitions;
        options.inputs.resize(3);
        options.inputs[commands] = {InputSpec::Kind::commands, "toy.commands", "toy"};
        options.inputs[upstream] = {InputSpec::Kind::ledger, "up.ledger", "up"};
        options.inputs[readings] = {InputSpec::Kind::stream, "toy.readings", "toy"};
        start();
    }
    void start() {
        told = {};
        partition = std::make_unique<Partition>(options, keys, std::make_unique<Toy>(), told);
        next = 0;
        started = false;
    }
    // Another process of the same logs.
    void join(const Bench& other) {
        ledger = other.ledger;
        for (int input = 0; input < 3; ++input) inputs[input].log = other.inputs[input].log;
        elapsed = other.elapsed;
    }

    Tick tick() const { return Tick{milliseconds{1'000'000} + elapsed}; }
    Time truth() const { return Time{std::chrono::seconds{1'750'000'000}} + elapsed; }
    Time now() const { return truth() + skew; }
    Orders step() {
        Orders orders = partition->step(now(), tick());
        if (orders.read_ledger_from) next = *orders.read_ledger_from;
        if (orders.read_inputs_again) started = false;
        for (const auto& [input, from] : orders.read_input_from) {
            inputs[input].next = from;
            inputs[input].paused = false;
        }
        for (const int input : orders.pause_inputs) inputs[input].paused = true;
        if (orders.probe_clock) {
            partition->on_clock(now(), now(), truth(), tick());
            if (partition->clock_off().empty() && !orders.read_ledger_from) return step();
        }
        return orders;
    }
    // Reads all logs to their ends and obeys what is ordered, over and over.
    void read() {
        for (int i = 0; i < 12; ++i) {
            hear();
            const Orders orders = step();
            store(orders);
            letters.insert(letters.end(), orders.dead_letters.begin(), orders.dead_letters.end());
        }
        hear();
    }
    // Reads only.
    void hear() {
        while (next < static_cast<std::int64_t>(ledger.size())) {
            const auto offset = next++;
            partition->on_ledger_record(offset, ledger[static_cast<std::size_t>(offset)], tick());
        }
        partition->on_ledger_end(next);
        if (!partition->caught_up()) return;
        if (!started) start_inputs();
        for (int input = 0; input < 3; ++input) read_input(input);
    }
    void start_inputs() {
        for (int input = 0; input < 3; ++input) {
            Log& log = inputs[input];
            partition->on_input_range(input, log.low, log.end());
            log.next = partition->input_start(input);
            log.paused = false;
        }
        started = true;
    }
    void read_input(int input) {
        Log& log = inputs[input];
        if (log.paused) return;
        if (log.next > log.end() || log.next < log.low) {
            partition->on_input_out_of_range(input);
            return;
        }
        while (log.next < log.end()) {
            const auto offset = log.next++;
            partition->on_input_record(input, offset,
                                       log.log[static_cast<std::size_t>(offset - log.low)], truth(),
                                       tick());
        }
        partition->on_input_end(input, log.next);
    }
    // Everything that is ordered lands in the log.
    std::size_t store(const Orders& orders) {
        for (const auto& append : orders.append) ledger.push_back(append.record);
        return orders.append.size();
    }
    // Asks, and has it decided, while it leads.
    void decide(const std::string& record) {
        ask(record);
        read();
    }
    void ask(const std::string& record) {
        inputs[commands].log.push_back(record);
        if (started) read_input(commands);
    }
    std::string command(const std::string& body, const std::string& id,
                        std::chrono::seconds life = std::chrono::hours(1),
                        const std::string& realm = "bow") const {
        return command_bytes({{realm, "ana", "calgary", {}, id}, opened + life, opened, "", body},
                             Seal(keys, "toy.commands", RecordKind::command), keys.newest());
    }
    std::string reading(const std::string& body) const {
        return command_bytes({{"bow", "service:toy", "", {}, ""}, opened, opened, "", body},
                             Seal(keys, "toy.readings", RecordKind::reading), keys.newest());
    }
    ledger::v1::Decision last() const { return parsed(ledger.back()); }
    ledger::v1::Decision parsed(const std::string& record) const {
        ledger::v1::Decision decision;
        const Seal seal(keys, "toy.ledger", RecordKind::decision);
        const auto body = seal.open(record);
        EXPECT_TRUE(body.has_value());
        decision.ParseFromArray(body->data(), static_cast<int>(body->size()));
        return decision;
    }
    // A decision of somebody else on the command at `offset`, which extends `previous`.
    std::string foreign(const std::string& previous, const std::string& event, std::int64_t offset,
                        const std::string& writer = "z", std::int64_t incarnation = 0) const {
        ledger::v1::Decision decision;
        decision.set_previous_digest(previous);
        decision.set_writer(writer);
        decision.set_incarnation(incarnation);
        decision.set_realm("bow");
        decision.mutable_cause()->set_topic("toy.commands");
        decision.mutable_cause()->set_offset(offset);
        const Log& log = inputs[commands];
        decision.mutable_cause()->set_record_digest(
            sha256(offset < log.end() ? log.log[static_cast<std::size_t>(offset - log.low)]
                                      : std::string("lost")));
        *decision.mutable_decided_at() = to_proto(truth());
        decision.mutable_accepted()->add_events(event);
        return Seal(keys, "toy.ledger", RecordKind::decision)
            .close(decision.SerializeAsString(), keys.newest());
    }
    // One of the upstream service, which extends its log.
    void upstream_decides(const std::string& event) {
        ledger::v1::Decision decision;
        auto& log = inputs[upstream].log;
        decision.set_previous_digest(log.empty() ? genesis_digest("up.ledger", 0)
                                                 : sha256(log.back()));
        decision.set_writer("elsewhere");
        decision.set_realm("bow");
        *decision.mutable_decided_at() = to_proto(truth());
        decision.mutable_accepted()->add_events(event);
        log.push_back(Seal(keys, "up.ledger", RecordKind::decision)
                          .close(decision.SerializeAsString(), keys.newest()));
    }
    const ToyRealm& realm(const std::string& name = "bow") const {
        static const ToyRealm nothing;
        const auto& realms = static_cast<const Toy&>(partition->fold().rules()).realms();
        return realms.contains(name) ? realms.at(name) : nothing;
    }
    std::int64_t total() const { return realm().total; }

    struct Log {
        std::int64_t low = 0;
        std::vector<std::string> log;  // the first has offset `low`
        std::int64_t next = 0;
        bool paused = false;
        std::int64_t end() const { return low + static_cast<std::int64_t>(log.size()); }
        // Retention takes everything.
        void expire() {
            low = end();
            log.clear();
        }
    };
    const WorldKeys& keys;
    PartitionOptions options;
    Told told;
    std::unique_ptr<Partition> partition;
    std::vector<std::string> ledger;
    Log inputs[3];
    std::vector<Orders::DeadLetter> letters;
    std::int64_t next = 0;
    bool started = false;
    milliseconds elapsed{0};
    std::chrono::seconds skew{0};
    Time opened{std::chrono::seconds{1'750'000'000}};
};

}  // namespace tocsin::sim
