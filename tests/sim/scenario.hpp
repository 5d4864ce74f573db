// What is played by a seed, and what it may cost at the most.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tocsin::sim {

struct Scenario {
    std::string name;
    bool clock_steps = false;
    bool two_realms = false;    // in each partition
    bool tail_lost = false;     // of the ledger
    bool inputs_cut = false;    // inputs lose their tails while instances run
    bool broker_wrong = false;  // once, the broker and all instances are a month ahead
    bool broker_off = false;    // once, the broker's clock alone is
    bool versions = false;      // one instance knows less than the others
    bool namesakes = false;     // two processes of one name
    bool keys = false;          // the world's key is changed
    bool slow = false;          // every append takes longer than others wait before they step in
    bool away = false;          // Kafka is, for seconds at a time
    bool stalls = false;        // partitions that are not read although they go on
    bool letters = false;       // no dead letter is taken for a while
    bool lone_fault = false;    // no process fails by itself
    bool clean = false;         // no record is lost, doubled or late
    bool quiet = false;         // a quiet week, retention, and a restart
    int longer = 1;             // how many times as many steps
    double requests = .08;      // new ones in each step
    std::size_t at_least = 0;   // so many decisions count in each partition in the end
    bool storm = false;
    bool release = false;  // played by ReleaseWorld
    bool line = false;     // played by LineWorld
    bool calm_all = true;  // at the end all instances run, or one alone
    enum class Inputs { kept, gone, ledger_lost } inputs = Inputs::kept;

    // At the most for so many decisions; what is worse is a violation. As much as the worst of some
    // hundred seeds needed, and half of it more.
    struct Bound {
        std::int64_t some = 0;
        double per_decision = 0;
        bool holds(std::int64_t count, std::int64_t decisions) const {
            return static_cast<double>(count) <=
                   static_cast<double>(some) + per_decision * static_cast<double>(decisions);
        }
    };
    Bound expired{22, .2}, folds{8, .05}, voids{24, .2};
};

// The scenarios, one of which each seed plays.
const std::vector<Scenario>& scenarios();

struct Totals {
    std::int64_t seeds = 0, violations = 0, decisions = 0, void_records = 0, folds = 0, answers = 0,
                 effects = 0, dead_letters = 0, takeovers = 0, ticks = 0, expired = 0, rewound = 0,
                 races_lost = 0;
    void add(const Totals& other);
};

}  // namespace tocsin::sim
