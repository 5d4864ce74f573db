// A long history, written straight into a ledger: valid chain, macs and positions.
#pragma once

#include "bench/stage.hpp"

#include <cstdint>

namespace tocsin::bench {

// Appends `count` decisions to drafting's ledger in `world`, which must have been opened and hold
// nothing else: incidents of 64 realms, as CreateIncident decides them, one a second over the past
// days. The commands topic is filled to the positions that they record, and the topic of
// events says that all of it was published.
void write_history(const Stage& stage, const std::string& world, std::int64_t count);

}  // namespace tocsin::bench
