// The one agency of the benchmarks: its people, known to approval's ledger.
#pragma once

#include "bench/stage.hpp"

#include <string>

namespace tocsin::bench {

inline constexpr const char* realm = "bench";

// Imports the roster through an approval service that serves.
void import_roster(const Stage& stage, const std::shared_ptr<grpc::Channel>& approval);
// Starts drafting in the live world, with the roster in approval's ledger; approval itself does not
// run any more. Serves once somebody has called await_serving().
Running start_drafting(Stage& stage);

std::string author_token(const Stage& stage);
std::string approver_token(const Stage& stage);
std::string admin_token(const Stage& stage);

}  // namespace tocsin::bench
