// One seed of the whole line: the real deciders of all services, each with two or three
// processes, and publishing's executors and channel adapters, on logs and a network that lose,
// delay and double; and the promises that hold between services.
#pragma once

#include "sim/line_gauges.hpp"
#include "sim/line_people.hpp"
#include "sim/line_promises.hpp"
#include "sim/line_readings.hpp"
#include "sim/line_service.hpp"
#include "sim/network.hpp"
#include "sim/release_promises.hpp"
#include "sim/scenario.hpp"

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace tocsin::sim {

class LineWorld {
public:
    LineWorld(std::uint64_t seed, int steps);
    // Throws Violation.
    void run();
    const Totals& totals() const { return totals_; }
    std::string trace() const;

    // --- for services and people ---
    std::mt19937_64& random() { return random_; }
    bool chance(double probability);
    int below(int bound);
    // How many steps were taken.
    std::int64_t tick() const { return totals_.ticks; }
    Time now() const { return clock_.now(); }
    const FakeClock& clock() const { return clock_; }
    FakeKafka& kafka() { return kafka_; }
    const runtime::RuntimeConfig& config() const { return config_; }
    runtime::Metrics& metrics() { return metrics_; }
    bool calm() const { return calm_; }
    bool storm() const { return storm_ && !calm_; }
    bool clocks_agree() const { return clocks_agree_; }
    const runtime::WorldKeys& keys() const { return keys_; }
    LineService& of(std::string_view service);
    const std::vector<std::unique_ptr<LineService>>& services() const { return services_; }
    ReadingPromises& readings() { return readings_; }
    // What counts in its ledger, folded.
    template <class Decider>
    const typename Decider::State& state(std::string_view service) {
        const auto& rules = of(service).watched().rules();
        return static_cast<const runtime::RulesOf<Decider>&>(rules).state(line_realm);
    }
    std::unique_ptr<Process> make_process(LineService& service, const ProcessPlan& plan,
                                          std::string name);
    void counted(const LineService& service, const ledger::v1::Decision& decision);
    // Its ledger lost its tail: what counted in it is told once more.
    void starts_over(const LineService& service);
    // Somebody reads with the token, in whichever service knows it.
    void read_with(const runtime::Position& position);
    void broken(const std::string& what) { breaches_.add(what); }
    Totals& totals() { return totals_; }
    std::vector<std::string> probes(std::string_view service) { return people_.probes(service); }

private:
    void step();
    void landed(const FakeKafka::Place& place, std::int64_t offset);
    void faults();
    void calm_down();
    bool settled_down();
    void check_end();

    std::mt19937_64 random_;
    int steps_;
    bool storm_, clocks_agree_, tail_lost_, calm_all_;
    FakeClock clock_;
    FakeKafka kafka_;
    Timeline timeline_{clock_, kafka_};
    Breaches breaches_;
    runtime::RuntimeConfig config_;
    runtime::Metrics metrics_{""};
    const runtime::WorldKeys keys_{{"the world's key"}};
    Totals totals_;
    PublicChannels channels_;
    std::unique_ptr<Network> network_;
    ReleasePromises releases_{channels_, [this]() -> const publishing::State& {
                                  return state<publishing::Decider>("publishing");
                              }};
    ReadingPromises readings_{[this](const std::string& what) { broken(what); }};
    std::vector<std::unique_ptr<LineService>> services_;
    LinePromises promises_;
    LineGauges gauges_{*this};
    LinePeople people_;
    Tick away_until_{};
    bool calm_ = false;
};

}  // namespace tocsin::sim
