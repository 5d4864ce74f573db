// A long history, written straight into a ledger: valid chain, macs and positions.
#pragma once

#include "bench/stage.hpp"
#include "runtime/base/time.hpp"
#include "tocsin/ledger/v1/ledger.pb.h"

#include <cstdint>

namespace tocsin::bench {

// Appends `count` decisions to drafting's ledger in `world`, which must have been opened:
// incidents, as CreateIncident decides them, one a second over the past days, of each realm in
// turn. The partitions of these realms must hold no command. The commands topic is filled to the
// positions that they record, and the topic of events says that all of it was published.
void write_history(const Stage& stage, const std::string& world, std::int64_t count,
                   const std::vector<std::string>& realms);

// The realms of a history that fills all partitions.
std::vector<std::string> many_realms();

// What drafting decides on a CreateIncident of `agency` whose cause is filled in: the events and
// the answer.
void accept_incident(ledger::v1::Decision& decision, const std::string& agency, runtime::Time at);

}  // namespace tocsin::bench
