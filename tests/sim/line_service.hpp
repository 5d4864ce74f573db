// One service of the line: its logs, its processes, the callers who wait for it, and the oracles
// that watch the partitions of its ledger.
#pragma once

#include "runtime/service.hpp"
#include "sim/process.hpp"
#include "sim/requests.hpp"

#include <memory>
#include <string>
#include <vector>

namespace tocsin::sim {

class LineWorld;

class LineService final : public Surroundings {
public:
    LineService(LineWorld& world, runtime::ServiceDefinition definition);
    // Once all services are there.
    void connect(int processes);

    const std::string& name() const { return definition_.name; }
    void start(bool all);
    void faults();
    // A record landed in a topic of the world; nothing unless it is a decision of this that counts.
    std::optional<ledger::v1::Decision> landed(const FakeKafka::Place& place, std::int64_t offset);
    void letter_kept(int partition, const std::string& topic, std::int64_t offset);
    // Nobody fails any more, and one of them runs at least.
    void calm_down(bool all);
    bool settled_down();
    void check_end();

    // Somebody asks, and asks again while there is no answer or now and then all the same.
    void ask(runtime::Submission submission);
    void retries();
    // What nobody asked: bytes of somebody else, or broken ones.
    void spoil(const std::string& value);
    // Where it lies.
    std::int64_t put_reading(const std::string& value);
    // Of its commands; of its only stream.
    runtime::Seal commands_seal() const;
    runtime::Seal stream_seal() const;
    // Its ledger loses its last records; only for one that nobody follows.
    void cut_tail();

    bool opened() const;
    // What counts where the realm of the line lives.
    const Oracle& watched() const { return *oracles_.at(home()); }
    Process* any_ready();
    std::string why_not_settled();

    // Surroundings
    std::mt19937_64& random() override;
    const FakeClock& clock() const override;
    FakeKafka& kafka() override;
    const runtime::RuntimeConfig& config() const override;
    const runtime::WorldKeys& instance_keys() const override;
    runtime::Metrics& metrics() override;
    Oracle& oracle(int partition) override {
        return *oracles_.at(static_cast<std::size_t>(partition));
    }
    const Chain& chain_of(const std::string& service, int partition) override;
    bool history_lost(int partition) const override {
        return history_lost_ && static_cast<std::size_t>(partition) == home();
    }
    void count_end(const runtime::Partition::Counters& counters) override;
    void broken(const std::string& what) override;

private:
    std::size_t home() const;
    // As the service is made with the settings that it has by itself.
    std::unique_ptr<runtime::Rules> rules() const;
    Topic topic(const std::string& topic_name) const;
    OracleLogs logs_of(int partition);
    void start(Process& process);
    void retry(Request& request);
    void heard(const std::string& request, const runtime::Answer& answer);
    void check_state(const Process& process);
    void check_topic(const runtime::Rules& rules, const Topic& topic);
    void differ(const std::string& what) const;
    std::string probe(const runtime::Rules& rules, std::string_view command) const;
    Process& any();

    LineWorld& world_;
    runtime::ServiceDefinition definition_;
    ProcessPlan plan_;
    std::string stream_;
    std::vector<std::unique_ptr<Oracle>> oracles_;
    std::vector<std::unique_ptr<Process>> processes_;
    Requests requests_;
    bool history_lost_ = false;
    std::int64_t folds_ = 0;
};

}  // namespace tocsin::sim
