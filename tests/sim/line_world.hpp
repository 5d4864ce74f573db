// One seed of the whole line: the real deciders of the five services, each with two or three
// processes, on logs that lose, delay and double; and the promises that hold between services.
#pragma once

#include "sim/line_people.hpp"
#include "sim/line_promises.hpp"
#include "sim/line_service.hpp"
#include "sim/world.hpp"

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
    std::int64_t tick() const { return tick_; }
    Time now() const;
    bool calm() const { return calm_; }
    bool storm() const { return storm_ && !calm_; }
    bool clocks_agree() const { return clocks_agree_; }
    const runtime::WorldKeys& keys() const { return keys_; }
    LineService& of(std::string_view service);
    // What counts in its ledger, folded.
    template <class Decider>
    const typename Decider::State& state(std::string_view service) {
        const auto& rules = of(service).watched().rules();
        return static_cast<const runtime::RulesOf<Decider>&>(rules).state(line_realm);
    }
    void counted(const LineService& service, const ledger::v1::Decision& decision);
    // Its ledger lost its tail: what counted in it is told once more.
    void starts_over(const LineService& service);
    Totals& totals() { return totals_; }
    std::vector<std::string> probes(std::string_view service) { return people_.probes(service); }

private:
    void tick_once();
    void faults();
    void calm_down();
    bool settled_down();
    void check_end();

    std::mt19937_64 random_;
    int steps_;
    bool storm_, clocks_agree_, tail_lost_, calm_all_;
    const runtime::WorldKeys keys_{{"the world's key"}};
    Totals totals_;
    std::vector<std::unique_ptr<LineService>> services_;
    LinePromises promises_;
    LinePeople people_;
    std::int64_t tick_ = 0;
    bool calm_ = false;
};

}  // namespace tocsin::sim
