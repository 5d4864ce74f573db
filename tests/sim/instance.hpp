// One process of the service: a Partition with its reader, its producer and an executor of effects.
#pragma once

#include "runtime/partition.hpp"
#include "sim/log.hpp"

#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace tocsin::sim {

class World;

class Instance final : public runtime::PartitionObserver {
public:
    Instance(World& world, std::string name) : world_(world), name_(std::move(name)) {}

    void start();
    // Its state is gone; what its producer held may land much later.
    void crash();
    void freeze(int ticks) { frozen_ = ticks; }
    void set_clock(std::chrono::seconds skew) { skew_ = skew; }
    void step();
    // A part of what the producer holds lands, twice, late or never.
    void deliver();
    void broker_trouble() { partition_->on_broker_trouble(); }
    // A caller asks through this instance and waits here.
    void submit(const std::string& request, Topic& to, const std::string& value);

    bool alive() const { return partition_ != nullptr; }
    bool frozen() const { return frozen_ > 0; }
    // Nothing more to come from it as things are.
    bool at_rest() const;
    runtime::Partition& partition() { return *partition_; }
    const std::vector<std::string>& told() const { return told_; }

    void counted(int input, std::int64_t offset, const ledger::v1::Decision& decision,
                 const std::string& digest) override;
    void answered(const std::string& key, const std::string& body_digest,
                  const runtime::Remembered& answer) override;
    void history_changed() override;

    static std::vector<runtime::InputSpec> inputs();

private:
    struct Report {
        std::int64_t due = 0;
        std::string digest;
        std::int64_t offset = -1;  // -1: failed
    };
    struct Claim {
        int attempt = 0;
        std::int64_t seen = 0;
        bool mine = false;  // to be executed
    };

    void read_some();
    void read_ledger();
    void read_input(int input);
    void obey(runtime::Orders orders);
    void take_reports();
    void report(const std::string& digest, bool landed, std::int64_t offset);
    void execute();
    bool dies(double probability);
    bool may_ask(const std::string& delivery);
    void resolve(const std::string& delivery, const Claim& claim);
    void ask(const std::string& realm, const std::string& id, const std::string& body,
             Time expires_at);
    void follow(const std::string& realm, const std::string& event);
    runtime::Time now() const;
    runtime::Tick tick() const;
    bool chance(double probability);
    int below(int bound);

    World& world_;
    std::string name_;
    int incarnation_ = 0;
    std::string executor_;
    std::unique_ptr<runtime::Partition> partition_;
    int frozen_ = 0;
    bool dying_ = false;  // in the middle of a step
    std::chrono::seconds skew_{0};
    std::int64_t ledger_next_ = 0;
    std::vector<std::int64_t> input_next_;
    bool inputs_started_ = false;
    std::deque<Parcel> wire_;
    std::vector<Report> reports_;
    std::vector<runtime::Orders::DeadLetter> letters_;
    std::set<std::string> waiting_;
    std::vector<std::string> told_;
    std::vector<std::string> told_upstream_;
    // The executor: what may be claimed, what is claimed, and when it first asked for a claim.
    std::map<std::string, std::string> realm_of_;
    std::map<std::string, int> armed_;
    std::map<std::string, Claim> claimed_;
    std::map<std::pair<std::string, int>, std::int64_t> asked_at_;
    std::map<std::string, std::int64_t> ask_again_at_;
    int asked_ = 0;
};

}  // namespace tocsin::sim
