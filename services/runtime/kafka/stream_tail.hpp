// The last records of a stream, for a service that must know how things stood before it began: the
// ledger reads a stream on from where it was last decided, and the records before that are not met
// again.
#pragma once

#include "runtime/host/config.hpp"
#include "runtime/kafka/kafka.hpp"
#include "runtime/ledger/decider.hpp"
#include "runtime/ledger/world_key.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

namespace tocsin::runtime {

struct StreamTail {
    const RuntimeConfig& config;
    const KafkaAccess& kafka;
    const WorldKeys& keys;

    // Calls `each` with the last `most` records of every partition of the service's stream that are
    // sealed by the world, in their order. Blocks, at most `wait`: what is not there by then is
    // left out, and logged. Any thread.
    void read(const std::string& service, const std::string& stream, std::int64_t most,
              std::chrono::milliseconds wait, const std::stop_token& stop,
              const std::function<void(const Foreign&)>& each) const;
};

}  // namespace tocsin::runtime
