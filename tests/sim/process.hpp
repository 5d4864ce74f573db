// One process of a service: a Partition with its reader and its producer, over logs that the world
// around it keeps, with that world's faults.
#pragma once

#include "runtime/partition.hpp"
#include "sim/log.hpp"
#include "sim/oracle.hpp"

#include <deque>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace tocsin::sim {

inline constexpr int second_per_tick = 2;
inline constexpr int tick_ms = 1000 * second_per_tick;
// Clocks are off by up to 20 s without any fault.
inline constexpr std::chrono::seconds clock_tolerance{30};

// What a process finds around itself: time, chance, the logs, and who watches.
class Surroundings {
public:
    virtual ~Surroundings() = default;
    virtual std::mt19937_64& random() = 0;
    virtual std::int64_t tick() const = 0;
    virtual Time now() const = 0;
    virtual bool calm() const = 0;
    virtual bool storm() const = 0;
    virtual const runtime::WorldKeys& keys() const = 0;
    // Those that a process has which starts now.
    virtual const runtime::WorldKeys& instance_keys() const { return keys(); }
    std::int64_t next_incarnation() { return ++incarnations_; }
    // -1: the ledger.
    virtual Topic& topic(int input) = 0;
    virtual Oracle& oracle() = 0;
    // The history that callers and views saw may be gone.
    virtual bool history_lost() const = 0;
    // An upstream ledger lost its tail, so that views start over.
    virtual bool upstream_lost() const { return false; }
    // How many ticks the ledger's disk takes for a record.
    virtual int slowness() const { return 0; }
    // Processes die between two steps of what they do.
    virtual bool crashes() const { return true; }
    // Returns the offset.
    virtual std::int64_t land(const Parcel& parcel) = 0;
    virtual void to_limbo(Parcel parcel) = 0;
    virtual void keep_dead_letter(int input, std::int64_t offset) = 0;
    virtual void answer(const std::string& request, const runtime::Remembered& answer) = 0;
    virtual void count_end(const runtime::Partition::Counters& counters) = 0;

    bool chance(double probability);
    int below(int bound);

private:
    std::int64_t incarnations_ = 0;
};

// What it is a process of.
struct ProcessPlan {
    std::string service;
    std::vector<runtime::InputSpec> inputs;
    std::size_t record_bytes_max = 900'000;
    std::function<std::unique_ptr<runtime::Rules>()> rules;
};

class Process : public runtime::PartitionObserver {
public:
    Process(Surroundings& around, ProcessPlan plan, std::string name)
        : around_(around), name_(std::move(name)), plan_(std::move(plan)) {}

    virtual void start();
    // Its state is gone; what its producer held may land much later.
    virtual void crash();
    void freeze(int ticks) { frozen_ = ticks; }
    void set_clock(std::chrono::seconds skew) { skew_ = skew; }
    void step();
    // A part of what the producer holds lands, twice, late or never.
    void deliver();
    // A frozen one hears of it when it goes on, before anything else.
    void broker_trouble() { trouble_ = true; }
    // A caller asks through this process and waits here.
    void submit(const std::string& request, Topic& to, const std::string& value);

    bool alive() const { return partition_ != nullptr; }
    bool frozen() const { return frozen_ > 0; }
    std::size_t waiting_to_leave() const { return wire_.size(); }
    // Nothing more to come from it as things are.
    bool at_rest() const;
    runtime::Partition& partition() { return *partition_; }
    // Throws Violation unless it knows what the oracle knows; for one at rest.
    void check_fold();

    void counted(int input, std::int64_t offset, const ledger::v1::Decision& decision,
                 const std::string& digest) override;
    void answered(const std::string& key, const std::string& body_digest,
                  const runtime::Remembered& answer) override;
    void history_changed() override;

protected:
    // What it does beside deciding, once in each step in which it could.
    virtual void act() {}
    virtual void follow(const ledger::v1::Decision&) {}
    virtual std::string command_of(const runtime::Orders::Fire& fire);

    // Whether it dies now: what it was about to do after this is never done.
    bool dies(double probability);
    void send(Topic& to, std::string value) { wire_.push_back({&to, std::move(value), {}}); }
    runtime::Time now() const { return around_.now() + skew_; }
    bool chance(double probability) { return around_.chance(probability); }
    std::int64_t incarnation() const { return incarnation_; }
    const std::string& name() const { return name_; }

private:
    struct Report {
        std::int64_t due = 0;
        std::string digest;
        std::int64_t offset = -1;  // -1: failed
    };

    void start_inputs();
    void store_letters();
    void read_some();
    void read_ledger();
    void read_input(int input);
    void obey(runtime::Orders orders);
    void probe_clock();
    void take_reports();
    void report(const std::string& digest, bool landed, std::int64_t offset);
    void forget_told();
    runtime::Tick tick() const;
    Topic& commands();

    Surroundings& around_;
    std::string name_;
    ProcessPlan plan_;
    std::int64_t incarnation_ = 0;
    std::unique_ptr<runtime::Partition> partition_;
    int frozen_ = 0;
    bool trouble_ = false;
    bool dying_ = false;  // in the middle of a step
    std::chrono::seconds skew_{0};
    std::int64_t ledger_next_ = 0;
    std::vector<std::int64_t> input_next_;
    std::vector<bool> input_paused_;
    bool inputs_started_ = false;
    std::deque<Parcel> wire_;
    std::vector<Report> reports_;
    std::vector<runtime::Orders::DeadLetter> letters_;
    std::set<std::string> waiting_;
    std::vector<std::string> told_;
    std::vector<std::size_t> told_upstream_;  // how many, by input
};

}  // namespace tocsin::sim
