// One service of the line: its logs, its processes, the callers who wait for it, and the oracle
// that watches its ledger.
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
    void step();
    // Nobody fails any more, and one of them runs at least.
    void calm_down(bool all);
    bool settled_down();
    void check_end();

    // Somebody asks, and asks again while there is no answer or now and then all the same.
    void ask(Request request);
    void retries();
    // What nobody asked: bytes of somebody else, or broken ones.
    void spoil(const std::string& value);
    void put_reading(const std::string& value);
    // Of its commands; of its only stream.
    runtime::Seal commands_seal() const;
    runtime::Seal stream_seal() const;
    // Its ledger loses its last records; only for one that nobody follows.
    void cut_tail();

    const Topic& ledger() const { return ledger_; }
    bool opened() const { return oracle_->opened(); }
    const Oracle& watched() const { return *oracle_; }

    // Surroundings
    std::mt19937_64& random() override;
    std::int64_t tick() const override;
    Time now() const override;
    bool calm() const override;
    bool storm() const override;
    const runtime::WorldKeys& keys() const override;
    Topic& topic(int input) override {
        return input < 0 ? ledger_ : *inputs_.at(static_cast<std::size_t>(input));
    }
    Oracle& oracle() override { return *oracle_; }
    bool history_lost() const override { return history_lost_; }
    std::int64_t land(const Parcel& parcel) override;
    void to_limbo(Parcel parcel) override { limbo_.push_back(std::move(parcel)); }
    void keep_dead_letter(int input, std::int64_t offset) override;
    void answer(const std::string& request, const runtime::Remembered& answer) override;
    void count_end(const runtime::Partition::Counters& counters) override;

private:
    void start(Process& process);
    void retry(Request& request);
    void check_state(const runtime::Rules& rules);
    std::string probe(const runtime::Rules& rules, std::string_view command) const;
    Process& any();

    LineWorld& world_;
    runtime::ServiceDefinition definition_;
    Topic ledger_, commands_, stream_;
    std::vector<Topic*> inputs_;
    std::vector<runtime::InputSpec> specs_;
    DeadLetters dead_letters_;
    std::unique_ptr<Oracle> oracle_;
    std::vector<std::unique_ptr<Process>> processes_;
    std::vector<Parcel> limbo_;
    Requests requests_;
    bool history_lost_ = false;
};

}  // namespace tocsin::sim
