// One seed: three instances, a Kafka that loses, delays, doubles and reorders, callers that retry
// at any age, and the oracles that watch the partitions of the ledger.
//
// Who calls and what is written elsewhere is in world_callers.cpp, what goes wrong in
// world_faults.cpp, how it ends in world_end.cpp.
#pragma once

#include "sim/instance.hpp"
#include "sim/requests.hpp"
#include "sim/scenario.hpp"
#include "sim/toy.hpp"

#include <memory>
#include <optional>

namespace tocsin::sim {

inline constexpr std::chrono::seconds lifetime{60};       // of a command
inline constexpr std::chrono::seconds give_up{20};        // a claim may be executed for so long
inline constexpr std::chrono::seconds give_up_margin{3};  // then others ask the channel

class World final : public Surroundings {
public:
    World(std::uint64_t seed, Scenario scenario, int steps);
    // Throws Violation.
    void run();
    const Totals& totals() const { return totals_; }
    std::string trace() const;

    // Surroundings
    std::mt19937_64& random() override { return random_; }
    const FakeClock& clock() const override { return clock_; }
    FakeKafka& kafka() override { return kafka_; }
    const runtime::RuntimeConfig& config() const override { return config_; }
    const runtime::WorldKeys& instance_keys() const override {
        return keys_changed_ ? both_keys_ : keys_;
    }
    runtime::Metrics& metrics() override { return metrics_; }
    Oracle& oracle(int partition) override { return *part(partition).oracle; }
    const Chain& chain_of(const std::string&, int partition) override {
        return oracle(partition).upstream_chain(part(partition).upstream.name);
    }
    bool history_lost(int partition) const override {
        return parts_[static_cast<std::size_t>(partition)].lost;
    }
    bool upstream_lost() const override { return upstream_lost_; }
    bool upstream_behind(int partition) const override {
        const auto until = behind_until_.find(partition);
        return until != behind_until_.end() && tick() < until->second;
    }
    void count_end(const runtime::Partition::Counters& counters) override;
    void broken(const std::string& what) override { breaches_.add(what); }

    // --- for instances ---
    int version_of(const std::string& name) const {
        return scenario_.versions && name != "a" ? 2 : 1;
    }
    bool crashes() const { return !calm_ && !scenario_.lone_fault; }
    int partition_of(const std::string& realm) const;
    runtime::Submission submission(const std::string& realm, const std::string& id,
                                   const std::string& body, Time expires_at) const;
    void perform(const std::string& realm, const std::string& delivery, int attempt,
                 const std::string& executor, const std::string& content);
    bool performed(const std::string& delivery) const { return journal_.contains(delivery); }

private:
    // One partition of everything.
    struct Part {
        Topic ledger, commands, upstream, stream;
        std::unique_ptr<Oracle> oracle{};
        std::string upstream_head{};
        bool lost = false;  // its ledger lost what it held
        // An upstream decision that the older version cannot read, and when it was written.
        std::int64_t newer_at = -1;
        Tick newer_since{};
    };
    struct Effect {
        std::string realm, content;
        int times = 0;
    };

    void step();
    void steps(int count);
    void landed(const FakeKafka::Place& place, std::int64_t offset);
    Part make_part(int number);
    Part& part(int number) { return parts_[static_cast<std::size_t>(number)]; }
    Part& any_part() { return part(below(static_cast<int>(parts_.size()))); }
    const Toy& truth(int partition) { return static_cast<const Toy&>(oracle(partition).rules()); }
    Instance& any();
    Instance* any_alive();

    // world_callers.cpp
    void callers();
    void new_request(const std::string& realm);
    void forge(const Request& request);
    void retry(Request& request);
    void thief();
    const std::string& key_of(const Part& part) const;
    void heard(const std::string& name, const runtime::Answer& answer);
    std::string some_body();
    std::string some_realm();
    void upstream_writes();
    void stream_writes();
    // Signed with what is in force there.
    std::string value_of(const runtime::Submission& submission, const Part& part,
                         const runtime::Seal& seal) const;

    // world_faults.cpp
    void start();
    void play(int at);
    void faults();
    void faults_of_processes();
    void faults_of_kafka();
    void operators();
    void lose(Part& part, std::int64_t keep);
    void take_readings();
    void cut_tail();
    void cut_input();
    void name_end_behind();
    void check_tokens();
    void check_progress();
    const Part* pressed() const;
    void check_fault_was_noticed();
    void damage_inputs();
    void check_halted_and_restart();
    bool speak(int partition, runtime::LedgerProcess::Word word, const std::string& halt);

    // world_end.cpp
    void calm_down();
    void quiet_week();
    void retry_unanswered();
    bool settled_down();
    void check_end();
    void check_bounds();
    void check_effects(int partition);

    std::mt19937_64 random_;
    Scenario scenario_;
    int steps_;
    FakeClock clock_;
    FakeKafka kafka_;
    Timeline timeline_{clock_, kafka_};
    Breaches breaches_;
    runtime::RuntimeConfig config_;
    runtime::Metrics metrics_{""};
    const runtime::WorldKeys keys_{{"the world's key"}};
    const runtime::WorldKeys both_keys_{{"the next key", "the world's key"}};
    const runtime::WorldKeys other_keys_{{"another key"}};
    bool keys_changed_ = false;
    bool upstream_lost_ = false;
    std::map<int, Tick> behind_until_;
    bool calm_ = false;
    std::vector<Part> parts_;
    std::vector<std::string> realms_;
    std::vector<std::unique_ptr<Instance>> instances_;
    std::vector<int> damaged_;  // partitions
    Requests requests_;
    std::map<std::string, Effect> journal_;
    int requests_made_ = 0;
    int deliveries_made_ = 0;
    Tick away_until_{}, letters_refused_until_{};
    std::int64_t folds_ = 0;
    Totals totals_;
};

}  // namespace tocsin::sim
