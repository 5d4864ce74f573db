// Another instance of drafting, as far as its leader can see: it decides the very command that the
// leader decides, and sometimes it is faster.
#pragma once

#include "bench/floor.hpp"
#include "bench/stage.hpp"
#include "runtime/ledger/record.hpp"

#include <optional>
#include <string>

namespace tocsin::bench {

class Rival {
public:
    // Rivals the leader of the partition in which `realm` lives, in the live world.
    Rival(const Stage& stage, std::string realm);

    // Learns what the ledger's last decision is. Nothing may be on its way to it.
    void catch_up();
    // Waits for the next command and appends a decision on it. When that extended the ledger, so
    // that the leader's own cannot: the time at which it was appended. Nothing when the leader was
    // faster, or no command came for 10 s.
    std::optional<Clock::time_point> decide_next();

private:
    std::string decide(const Tail::Record& command) const;

    const Stage& stage_;
    std::string realm_;
    Place commands_place_, ledger_place_;
    runtime::WorldKeys keys_;
    runtime::Seal command_seal_, seal_;
    Tail commands_, ledger_;
    runtime::KafkaWriter writer_;
    std::string head_;
    std::int64_t next_ = 0;  // offset after the ledger's last record
};

}  // namespace tocsin::bench
