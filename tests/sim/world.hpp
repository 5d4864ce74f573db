// One seed: three instances, a Kafka that loses, delays, doubles and reorders, callers that retry
// at any age, and the oracle that watches the ledger.
#pragma once

#include "sim/instance.hpp"
#include "sim/oracle.hpp"
#include "sim/requests.hpp"
#include "sim/toy.hpp"

#include <array>
#include <memory>
#include <optional>
#include <random>

namespace tocsin::sim {

inline constexpr int lifetime_ticks = 150;  // of a command
inline constexpr int give_up_ticks = 60;    // a claim may be executed for so long
inline constexpr int margin_ticks = 10;     // then others ask the channel

struct Scenario {
    std::string name;
    bool clock_steps = false;
    bool two_realms = false;
    bool tail_lost = false;
    bool inputs_cut = false;    // inputs lose their tails while instances run
    bool broker_wrong = false;  // once, the broker and all instances are a month ahead
    bool versions = false;      // one instance knows less than the others
    bool namesakes = false;     // two processes of one name
    bool keys = false;          // the world's key is changed
    bool slow = false;          // every append takes longer than others wait before they step in
    bool lone_fault = false;    // nothing else goes wrong
    bool quiet = false;         // a quiet week, retention, and a restart
    int longer = 1;             // how many times as many steps
    bool storm = false;
    bool release = false;  // played by ReleaseWorld
    bool line = false;     // played by LineWorld
    bool calm_all = true;  // at the end all instances run, or one alone
    enum class Inputs { kept, gone, ledger_lost } inputs = Inputs::kept;
};

// The scenarios, one of which each seed plays.
const std::vector<Scenario>& scenarios();

struct Totals {
    std::int64_t seeds = 0, violations = 0, decisions = 0, void_records = 0, folds = 0, answers = 0,
                 effects = 0, dead_letters = 0, takeovers = 0, ticks = 0, expired = 0, rewound = 0,
                 races_lost = 0;
    void add(const Totals& other);
};

class World final : public Surroundings {
public:
    World(std::uint64_t seed, Scenario scenario, int steps);
    // Throws Violation.
    void run();
    const Totals& totals() const { return totals_; }
    std::string trace() const;

    // --- for instances ---
    std::mt19937_64& random() override { return random_; }
    std::int64_t tick() const override { return tick_; }
    Time now() const override;
    bool calm() const override { return calm_; }
    bool storm() const override { return scenario_.storm && !calm_; }
    const runtime::WorldKeys& keys() const override { return keys_; }
    // Those of an instance that starts now.
    const runtime::WorldKeys& instance_keys() const override {
        return keys_changed_ ? both_keys_ : keys_;
    }
    int version_of(const std::string& name) const {
        return scenario_.versions && name != "a" ? 2 : 1;
    }
    Topic& topic(int input) override {
        return input < 0 ? ledger_ : *inputs_.at(static_cast<std::size_t>(input));
    }
    Oracle& oracle() override { return oracle_; }
    bool history_lost() const override { return history_lost_; }
    bool upstream_lost() const override { return upstream_lost_; }
    int slowness() const override { return scenario_.slow && !calm_ ? 45 : 0; }
    bool crashes() const override { return !scenario_.lone_fault; }
    std::int64_t land(const Parcel& parcel) override;
    void to_limbo(Parcel parcel) override { limbo_.push_back(std::move(parcel)); }
    void keep_dead_letter(int input, std::int64_t offset) override;
    void answer(const std::string& request, const runtime::Remembered& answer) override;
    void count_end(const runtime::Partition::Counters& counters) override;
    // What callers and services sign with.
    const std::string& key_in_force() const;
    Topic& commands() { return commands_; }
    std::string command_value(const std::string& realm, const std::string& id,
                              const std::string& body, Time expires_at) const;
    void perform(const std::string& realm, const std::string& delivery, int attempt,
                 const std::string& executor, const std::string& content);
    bool performed(const std::string& delivery) const { return journal_.contains(delivery); }

private:
    const Toy& truth() const;
    void tick_once();
    void faults();
    void callers();
    void new_request();
    void retry(Request& request);
    void thief();
    void upstream_writes();
    void stream_writes();
    void cut_tail();
    void cut_input();
    void quiet_week();
    void check_fault_was_noticed();
    void check_folds(std::int64_t decisions) const;
    void check_tokens();
    void check_progress();
    std::string oracle_key();
    int count_of_instances() const { return static_cast<int>(instances_.size()); }
    void operators();
    void damage_inputs();
    void check_halted_and_restart();
    void calm_down();
    void retry_unanswered();
    bool settled_down();
    void check_end();
    void check_fold(Instance& instance);
    void check_effects();
    std::string some_body();
    std::string sealed(const std::string& realm, const std::string& id, const std::string& body,
                       Time expires_at, const runtime::Seal& seal) const;
    Instance* any_alive();

    std::mt19937_64 random_;
    Scenario scenario_;
    int steps_;
    const runtime::WorldKeys keys_{{"the world's key"}};
    const runtime::WorldKeys both_keys_{{"the next key", "the world's key"}};
    const runtime::WorldKeys other_keys_{{"another key"}};
    bool keys_changed_ = false;
    bool upstream_lost_ = false;
    std::int64_t folds_ = 0;
    std::chrono::seconds ahead_{0};  // of the broker's clock
    // An upstream decision that the older version cannot read, and when it was written.
    std::int64_t newer_at_ = -1, newer_tick_ = 0;
    Topic ledger_{"sim.ledger", 0, {}};
    Topic commands_{"sim.commands", 0, {}};
    Topic upstream_{"up.ledger", 0, {}};
    Topic stream_{"sim.readings", 0, {}};
    std::array<Topic*, 3> inputs_{&commands_, &upstream_, &stream_};
    DeadLetters dead_letters_;
    Oracle oracle_;
    std::vector<std::unique_ptr<Instance>> instances_;
    std::vector<Parcel> limbo_;
    Requests requests_;
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
};

}  // namespace tocsin::sim
