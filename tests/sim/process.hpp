// One process of a service from start to crash: a LedgerProcess over the world's FakeKafka, and
// checks of what it tells its views and its callers.
#pragma once

#include "sim/surroundings.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tocsin::sim {

// What it is a process of.
struct ProcessPlan {
    runtime::LedgerPlan ledger;
    std::function<std::unique_ptr<runtime::Rules>()> rules;
};

class Process : public Actor, private runtime::View {
public:
    using Heard = std::move_only_function<void(const runtime::Answer&)>;

    Process(Surroundings& around, ProcessPlan plan, std::string name);

    void start();
    // Its state is gone, whoever waits hears nothing more than that; what it sent may land later.
    void crash();
    void freeze(milliseconds time) { frozen_until_ = around_.tick() + time; }
    void set_clock(runtime::Duration skew) { clock_.skew = skew; }
    // All brokers seem down to it for a moment; a frozen one hears of it when it goes on.
    void broker_trouble() { connection_->trouble(); }

    // A call through this process; `heard` is told its end, which comes once and by its deadline.
    void submit(runtime::Submission submission, milliseconds wait, Heard heard);
    // A read with a position token: once it is reached, the fold and the views must be there.
    void await(const std::string& realm, const runtime::Position& position, milliseconds wait);
    // Throws Violation where a position of an input counts as reached before its time.
    void check_positions();

    const runtime::WorldKeys* keys() const { return keys_; }
    bool alive() const { return driver_ != nullptr; }
    bool frozen() const { return around_.tick() < frozen_until_; }
    bool ready() const { return alive() && driver_->ready(); }
    runtime::LedgerProcess& driver() { return *driver_; }
    const runtime::Partition& partition(int number) const { return driver_->partition(number); }
    int partitions() const { return static_cast<int>(around_.config().kafka_partitions); }
    // Why the first of its partitions that does stands still.
    std::string halted() const;
    std::string halted(int partition) const;
    const std::string& name() const { return config_.instance; }
    // Nothing more to come from it as things are.
    bool at_rest() const;
    // Throws Violation unless it knows what the oracles know; for one at rest.
    void check_folds();

    // Actor
    Tick due() const override;
    void turn() override;

protected:
    // What else is part of the process: made before its driver, and ended after it.
    virtual std::vector<runtime::View*> begin() { return {}; }
    virtual void end() {}
    // What it does beside deciding, after each turn of the driver.
    virtual void after_turn() {}
    virtual Tick also_due() const { return Tick::max(); }
    // A view was told: of the own ledger, or that all of it is told again.
    virtual void follow(const runtime::Counted&) {}
    virtual void forget(int /*partition*/) {}

    Time now() const { return clock_.now(); }
    const runtime::Clock& own_clock() const { return clock_; }
    const std::string& incarnation() const { return incarnation_; }
    Surroundings& around() { return around_; }

private:
    struct Told {
        std::int64_t offset = 0;
        std::size_t body = 0;
    };
    struct Call {
        int ends = 0;
        bool within = true;  // submit() has not returned
    };

    void apply(const runtime::Counted& counted) override;
    void reset(int partition) override;
    void folded(int partition) override;
    void check_told(const runtime::Counted& counted, const Chain& chain, std::size_t place);
    void ended(Call& call, bool given_up, Tick until);
    void check_calls(Tick tick);
    void reached(const std::string& service, int partition, std::int64_t offset);
    void forget_told();

    Surroundings& around_;
    ProcessPlan plan_;
    runtime::RuntimeConfig config_;
    SkewedClock clock_;
    std::string incarnation_;
    const runtime::WorldKeys* keys_ = nullptr;
    std::unique_ptr<runtime::LedgerProcess> driver_;
    FakeConnection* connection_ = nullptr;
    bool crashing_ = false;
    Tick awake_at_{};
    Tick frozen_until_{};
    std::multimap<Tick, std::shared_ptr<Call>> calls_;  // by deadline
    std::vector<std::vector<Told>> told_;               // by partition
    std::map<std::pair<std::string, int>, std::size_t> told_upstream_;
};

}  // namespace tocsin::sim
