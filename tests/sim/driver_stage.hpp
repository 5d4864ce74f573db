// One or more LedgerProcesses of the toy service over a FakeKafka, in one thread and in virtual
// time.
#pragma once

#include "runtime/ledger/ledger_process.hpp"
#include "runtime/ledger/topics.hpp"
#include "sim/driver_client.hpp"
#include "sim/fake_handles.hpp"
#include "sim/timeline.hpp"
#include "sim/toy.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::sim {

const runtime::WorldKeys& usual_keys();
const ClientAnswers& usual_client();  // it answers nothing by itself

class Member {
public:
    Member(FakeKafka& kafka, const runtime::Clock& right, const runtime::RuntimeConfig& like,
           std::string name, runtime::View* view, const runtime::WorldKeys& keys = usual_keys(),
           const ClientAnswers& answers = usual_client());
    Tick due() const;
    void turn();

    // A call and what became of it.
    struct Call {
        int answers = 0;
        runtime::Answer answer;
        bool accepted() const { return answer.kind == runtime::Answer::Kind::accepted; }
        bool unavailable() const { return answer.kind == runtime::Answer::Kind::unavailable; }
    };
    std::shared_ptr<Call> submit(const std::string& realm, const std::string& body,
                                 milliseconds wait = milliseconds(5000),
                                 const std::string& actor = "anna");

    runtime::RuntimeConfig config;
    SkewedClock clock;
    runtime::Metrics metrics{""};
    std::unique_ptr<runtime::LedgerProcess> process;
    bool frozen = false;
    std::int64_t turns = 0;
    Tick awake_at{};

private:
    FakeConnection* connection_ = nullptr;  // of the process
    int calls_ = 0;
};

class Stage final : private Actor {
public:
    static constexpr int partitions = 2;

    explicit Stage(std::uint64_t seed = 1);
    Member& add(const std::string& name, runtime::View* view = nullptr,
                const runtime::WorldKeys& keys = usual_keys());
    // Lets everybody take turns for so long. A turn that is called again at once takes a
    // millisecond.
    void run(milliseconds time) { timeline_.run(time); }
    // The same until it is so; whether it was within `most`.
    template <class Condition>
    bool run_until(Condition condition, milliseconds most) {
        for (const Tick end = clock.tick() + most; clock.tick() < end; run(milliseconds(1)))
            if (condition()) return true;
        return condition();
    }
    void freeze(Member& member, bool frozen) { member.frozen = frozen; }

    // A realm that lives in the partition.
    static std::string realm(int partition, int number = 0);
    static std::string commands() { return runtime::commands_topic("live", "toy"); }
    static std::string ledger() { return runtime::ledger_topic("live", "toy"); }
    static std::string probes() { return runtime::probes_topic("live"); }
    static std::string dead_letters() { return runtime::dead_letters_topic("live"); }

    FakeClock clock;
    FakeKafka kafka;
    runtime::RuntimeConfig config;
    ClientAnswers answers;  // of everybody's client
    std::vector<std::unique_ptr<Member>> members;

private:
    Tick due() const override;
    void turn() override;

    Timeline timeline_{clock, kafka};
};

}  // namespace tocsin::sim
