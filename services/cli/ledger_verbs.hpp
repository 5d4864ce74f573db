// Reading ledgers straight from Kafka: what was decided, and whether it is all there.
#pragma once

#include "cli/options.hpp"

#include <map>
#include <string>
#include <vector>

namespace tocsin::cli {

struct TailPlan {
    std::string service;
    bool from_start = false;
    bool follow = false;
};
void tail_ledger(const Options& options, const TailPlan& plan);

// True: every partition of the services is verified. `heads`: `service/partition=HEX` noted
// elsewhere; each must be among the decisions that count.
bool verify_ledgers(const Options& options, const std::vector<std::string>& services,
                    const std::vector<std::string>& heads);

}  // namespace tocsin::cli
