// One seed of publishing as a whole: three processes with the real rules, executor and channel
// adapters, on a log and a network that lose, delay and double; people who cancel and retract; and
// the promises: nothing lost, nothing twice, nothing unapproved, a cancel before the claim wins.
#pragma once

#include "sim/public_channels.hpp"
#include "sim/release_process.hpp"
#include "sim/world.hpp"

#include <functional>
#include <set>

namespace tocsin::sim {

inline constexpr int release_tick_ms = 20;

class ReleaseWorld {
public:
    ReleaseWorld(std::uint64_t seed, int steps);
    // Throws Violation.
    void run();
    const Totals& totals() const { return totals_; }
    std::string trace() const;

    // --- for processes ---
    std::mt19937_64& random() { return random_; }
    bool chance(double probability);
    int below(int bound);
    std::int64_t tick() const { return tick_; }
    Time now() const;
    runtime::Tick steady() const;
    bool calm() const { return calm_; }
    const runtime::WorldKeys& keys() const { return keys_; }
    std::string command_bytes(const runtime::Submission& submission) const {
        return runtime::command_bytes(submission, commands_seal_, keys_.newest());
    }
    runtime::Metrics& metrics();
    const std::string& credentials() const;
    // -1: the ledger, 0: approval's, 1: the commands.
    Topic& topic(int input);
    std::int64_t land(const Parcel& parcel);
    void to_limbo(Parcel parcel) { limbo_.push_back(std::move(parcel)); }
    const std::vector<std::string>& chain() const { return chain_; }
    void send(ReleaseProcess& process, int exchange, runtime::HttpRequest request);
    void count_end(const runtime::Partition& partition);

private:
    struct Wish {  // of a person
        std::string value, key, what;
        std::int64_t retry_at = 0;
        bool answered = false;
    };
    struct Armed {  // a delivery, by its key
        std::string release, delivery, body;
        std::map<std::string, int> claims;  // by executor
        std::map<std::string, int> sends;
    };

    void tick_once();
    void faults();
    void people();
    void clear_message();
    void clear_badly(const std::string& content);
    void upstream(ledger::v1::Decision decision, const runtime::WorldKeys& keys, bool counts);
    void wish(const std::string& request_id, const publishing::v1::Command& command,
              const std::string& actor, std::vector<std::string> roles);
    void ask_again();
    void appended();
    void check_decision(const ledger::v1::Decision& decision);
    void note(const publishing::v1::Event& event);
    std::string fault_of(const ReleaseProcess& process, const runtime::HttpRequest& request);
    runtime::HttpResponse serve(const runtime::HttpRequest& request, bool spoilt);
    ReleaseProcess* process_of(int life);
    ReleaseProcess* any_alive();
    void start(std::size_t place);
    void calm_down();
    bool settled_down();
    void check_end();
    void check_release(const publishing::Release& release);
    void check_retracted(const publishing::Release& release, const publishing::Item& item);

    std::mt19937_64 random_;
    int steps_;
    const runtime::WorldKeys keys_{{"the world's key"}};
    const runtime::WorldKeys other_keys_{{"another key"}};
    Topic ledger_{"tocsin.publishing.ledger.v1", 0, {}};
    Topic commands_{"tocsin.publishing.commands.v1", 0, {}};
    Topic approval_{"tocsin.approval.ledger.v1", 0, {}};
    const runtime::Seal ledger_seal_{keys_, ledger_.name, runtime::RecordKind::decision};
    const runtime::Seal commands_seal_{keys_, commands_.name, runtime::RecordKind::command};
    const runtime::Seal approval_seal_{keys_, approval_.name, runtime::RecordKind::decision};
    PublicChannels channels_;
    Totals totals_;
    std::vector<Parcel> limbo_;
    std::multimap<std::int64_t, std::function<void()>> later_;
    std::vector<std::unique_ptr<ReleaseProcess>> processes_;
    int lives_ = 0;
    std::int64_t tick_ = 0;
    bool calm_ = false;

    std::string approval_head_;
    std::set<std::string> approved_;  // digests of contents
    std::vector<std::string> releases_;
    std::vector<Wish> wishes_;
    int messages_ = 0;

    // What counted, read with code of its own.
    std::vector<std::string> chain_;
    std::string head_;
    runtime::RulesOf<publishing::Decider> rules_;
    std::map<std::string, Armed> armed_;
    std::set<std::string> cancelled_;
    std::set<std::string> answered_;  // requests that count
    std::int64_t void_ = 0;
    std::string broken_;  // a promise, inside of an adapter
};

}  // namespace tocsin::sim
