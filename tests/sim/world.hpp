// One seed: three instances, a Kafka that loses, delays, doubles and reorders, callers that retry
// at any age, and the oracle that watches the ledger.
#pragma once

#include "sim/instance.hpp"
#include "sim/oracle.hpp"
#include "sim/toy.hpp"

#include <array>
#include <memory>
#include <optional>
#include <random>

namespace tocsin::sim {

inline constexpr int tick_ms = 10;          // of monotonic time
inline constexpr int second_per_tick = 2;   // of the calendar
inline constexpr int lifetime_ticks = 150;  // of a command
inline constexpr int give_up_ticks = 60;    // a claim may be executed for so long
inline constexpr int margin_ticks = 10;     // then others ask the channel

struct Scenario {
    std::string name;
    bool clock_steps = false;
    bool two_realms = false;
    bool tail_lost = false;
    bool storm = false;
    bool release = false;  // played by ReleaseWorld
    bool calm_all = true;  // at the end all instances run, or one alone
    enum class Inputs { kept, shrank, gone, ledger_lost } inputs = Inputs::kept;
};

// The scenarios, one of which each seed plays.
const std::vector<Scenario>& scenarios();

struct Totals {
    std::int64_t seeds = 0, violations = 0, decisions = 0, void_records = 0, folds = 0, answers = 0,
                 effects = 0, dead_letters = 0, takeovers = 0, ticks = 0;
    void add(const Totals& other);
};

class World {
public:
    World(std::uint64_t seed, Scenario scenario, runtime::Bug bug, int steps);
    // Throws Violation.
    void run();
    const Totals& totals() const { return totals_; }
    std::string trace() const;

    // --- for instances ---
    std::mt19937_64& random() { return random_; }
    std::int64_t tick() const { return tick_; }
    Time now() const;
    bool calm() const { return calm_; }
    bool storm() const { return scenario_.storm && !calm_; }
    runtime::Bug bug() const { return bug_; }
    const runtime::Mac& mac() const { return mac_; }
    Topic& topic(int input) {
        return input < 0 ? ledger_ : *inputs_.at(static_cast<std::size_t>(input));
    }
    Topic& commands() { return commands_; }
    Oracle& oracle() { return oracle_; }
    // The history that callers and views saw may be gone.
    bool history_lost() const { return history_lost_; }
    // Returns the offset.
    std::int64_t land(const Parcel& parcel);
    void to_limbo(Parcel parcel) { limbo_.push_back(std::move(parcel)); }
    void keep_dead_letter(int input, std::int64_t offset);
    void answer(const std::string& request, const runtime::Remembered& answer);
    void perform(const std::string& realm, const std::string& delivery, int attempt,
                 const std::string& executor, const std::string& content);
    bool performed(const std::string& delivery) const { return journal_.contains(delivery); }

private:
    struct Request {
        std::string key, digest, value, realm, waits_as;
        std::optional<Settled> answer;
        bool answered_late = false;
        std::int64_t retry_at = 0;
    };

    const Toy& truth() const;
    void tick_once();
    void faults();
    void callers();
    void new_request();
    void retry(Request& request);
    void upstream_writes();
    void stream_writes();
    void cut_tail();
    void damage_inputs();
    void check_halted_and_restart();
    void calm_down();
    void retry_unanswered();
    bool settled_down();
    void check_end();
    void check_answers();
    void check_fold(Instance& instance);
    void check_effects();
    std::string some_body();
    std::string command_value(const std::string& realm, const std::string& id,
                              const std::string& body, Time expires_at);
    Instance* any_alive();
    bool chance(double probability);
    int below(int bound);

    std::mt19937_64 random_;
    Scenario scenario_;
    runtime::Bug bug_;
    int steps_;
    runtime::Mac mac_{"the world's key"};
    runtime::Mac other_mac_{"another key"};
    Topic ledger_{"sim.ledger", 0, {}};
    Topic commands_{"sim.commands", 0, {}};
    Topic upstream_{"up.ledger", 0, {}};
    Topic stream_{"sim.readings", 0, {}};
    std::array<Topic*, 3> inputs_{&commands_, &upstream_, &stream_};
    DeadLetters dead_letters_;
    Oracle oracle_;
    std::vector<std::unique_ptr<Instance>> instances_;
    std::vector<Parcel> limbo_;
    std::map<std::string, Request> requests_;
    std::vector<std::string> request_order_;
    struct Effect {
        std::string realm, content;
        int times = 0;
    };
    std::map<std::string, Effect> journal_;
    std::string upstream_head_;
    std::int64_t tick_ = 0;
    int requests_made_ = 0;
    int deliveries_made_ = 0;
    bool calm_ = false;
    bool history_lost_ = false;
    Totals totals_;
    friend class Instance;
};

}  // namespace tocsin::sim
