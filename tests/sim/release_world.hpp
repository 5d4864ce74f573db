// One seed of publishing as a whole: three processes with the real rules, executor and channel
// adapters, on a log and a network that lose, delay and double; people who stop and repair; and
// the promises: nothing lost, nothing twice, nothing unapproved, a cancel before the claim wins.
#pragma once

#include "sim/publishing_process.hpp"
#include "sim/release_promises.hpp"
#include "sim/requests.hpp"
#include "sim/scenario.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::sim {

class ReleaseWorld final : public Surroundings {
public:
    ReleaseWorld(std::uint64_t seed, int steps);
    // Throws Violation.
    void run();
    const Totals& totals() const { return totals_; }
    std::string trace() const;

    // Surroundings
    std::mt19937_64& random() override { return random_; }
    const FakeClock& clock() const override { return clock_; }
    FakeKafka& kafka() override { return kafka_; }
    const runtime::RuntimeConfig& config() const override { return config_; }
    const runtime::WorldKeys& instance_keys() const override { return keys_; }
    runtime::Metrics& metrics() override { return metrics_; }
    Oracle& oracle(int partition) override {
        return *oracles_[static_cast<std::size_t>(partition)];
    }
    const Chain& chain_of(const std::string&, int partition) override {
        return oracle(partition).upstream_chain(approval_.name);
    }
    bool history_lost(int) const override { return false; }
    void count_end(const runtime::Partition::Counters& counters) override;
    void broken(const std::string& what) override { breaches_.add(what); }

private:
    void step(int ms_most);
    void landed(const FakeKafka::Place& place, std::int64_t offset);
    void faults();
    void people();
    void repair(const std::string& release_id);
    void put_channels();
    // As every message names it, but for what is added to its URL and its credential.
    void put_channel(const std::string& id, const std::string& url_more,
                     const std::string& credential_more);
    void change_channel();
    void proceed(const std::string& release_id);
    void place_hold();
    void lift_hold();
    void clear_message();
    std::vector<content::Reference> something_in_force();
    void clear_again();
    void clear_badly(const std::string& content);
    void upstream(const approval::v1::Event& event, const runtime::WorldKeys& keys, bool counts);
    void wish(const std::string& request_id, const publishing::v1::Command& command,
              const std::string& actor, std::vector<std::string> roles);
    void ask_again();
    void ask(Request& request);
    PublishingProcess& any();
    PublishingProcess* any_ready();
    void start(PublishingProcess& process);
    const publishing::State& state();
    void calm_down();
    bool settled_down();
    void check_end();

    std::mt19937_64 random_;
    int steps_;
    FakeClock clock_;
    FakeKafka kafka_;
    Timeline timeline_{clock_, kafka_};
    Breaches breaches_;
    runtime::RuntimeConfig config_;
    runtime::Metrics metrics_{""};
    const runtime::WorldKeys keys_{{"the world's key"}};
    const runtime::WorldKeys other_keys_{{"another key"}};
    Topic approval_;  // of the realm's partition
    std::vector<std::unique_ptr<Oracle>> oracles_;
    PublicChannels channels_;
    Network network_{*this, channels_};
    ReleasePromises promises_{channels_, [this]() -> const publishing::State& { return state(); }};
    std::vector<std::unique_ptr<PublishingProcess>> processes_;
    Totals totals_;
    bool calm_ = false;

    std::string approval_head_;
    std::vector<std::string> releases_;
    std::set<std::pair<std::string, std::int64_t>> rounds_;  // messages cleared again
    Requests requests_;
    int messages_ = 0;
};

}  // namespace tocsin::sim
