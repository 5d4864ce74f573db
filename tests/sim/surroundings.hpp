// What a process finds around itself: time, chance, Kafka, and who watches.
#pragma once

#include "runtime/ledger/ledger_process.hpp"
#include "sim/fake_handles.hpp"
#include "sim/oracle.hpp"
#include "sim/timeline.hpp"

#include <random>

namespace tocsin::sim {

// By how much an instance's clock may be off (PartitionOptions); up to 20 s it is without any
// fault.
inline constexpr std::chrono::seconds clock_tolerance{30};

class Surroundings {
public:
    virtual ~Surroundings() = default;
    virtual std::mt19937_64& random() = 0;
    virtual const FakeClock& clock() const = 0;
    virtual FakeKafka& kafka() = 0;
    // Of every process here, but for its name.
    virtual const runtime::RuntimeConfig& config() const = 0;
    // Those that a process has which starts now.
    virtual const runtime::WorldKeys& instance_keys() const = 0;
    virtual runtime::Metrics& metrics() = 0;
    // Of the own ledger.
    virtual Oracle& oracle(int partition) = 0;
    // What counts in the ledger of a service that is followed.
    virtual const Chain& chain_of(const std::string& service, int partition) = 0;
    // The history that callers and views saw may be gone.
    virtual bool history_lost(int partition) const = 0;
    // An upstream ledger lost its tail, so that views start over.
    virtual bool upstream_lost() const { return false; }
    // A broker named an end of one of its upstream ledgers that was behind, lately.
    virtual bool upstream_behind(int /*partition*/) const { return false; }
    // A process ended, or the run did.
    virtual void count_end(const runtime::Partition::Counters& counters) = 0;
    // A promise was broken where nothing may be thrown.
    virtual void broken(const std::string& what) = 0;
    // Of a process that starts: no two have the same.
    int next_life() { return ++lives_; }

    Time now() const { return clock().now(); }
    Tick tick() const { return clock().tick(); }
    bool chance(double probability) {
        return static_cast<double>(random()() >> 11) * 0x1.0p-53 < probability;
    }
    int below(int bound) {
        return static_cast<int>(random()() % static_cast<std::uint64_t>(bound));
    }

private:
    int lives_ = 0;
};

// Checks are made by it in callbacks, where it must not throw; the world throws what it kept.
class Breaches {
public:
    void add(const std::string& what) {
        if (first_.empty()) first_ = what;
    }
    void raise() const {
        if (!first_.empty()) throw Violation(first_);
    }

private:
    std::string first_;
};

}  // namespace tocsin::sim
