// The one agency of the benchmarks: its people, known to approval's ledger.
#pragma once

#include "bench/stage.hpp"

#include <string>
#include <vector>

namespace tocsin::bench {

inline constexpr const char* realm = "bench";

// Imports the roster through an approval service that serves.
void import_roster(const Stage& stage, const std::shared_ptr<grpc::Channel>& approval,
                   const std::string& of_realm = realm);
// Starts drafting in the live world, with the roster of each realm in approval's ledger; approval
// itself does not run any more. The realms must live in partitions of their own. Serves once
// somebody has called await_serving().
Running start_drafting(Stage& stage, const std::vector<std::string>& realms = {realm});

std::string author_token(const Stage& stage, const std::string& of_realm = realm);
std::string approver_token(const Stage& stage);
std::string operator_token(const Stage& stage);
std::string admin_token(const Stage& stage, const std::string& of_realm = realm);

}  // namespace tocsin::bench
