// One record of a ledger in words, and as JSON: for `ledger tail`.
#pragma once

#include "cli/ledger_chain.hpp"
#include "cli/table.hpp"

#include <cstdint>
#include <string>

namespace tocsin::cli {

// `service`: whose ledger it is, hence which events it holds. Without control characters.
std::string line_of(const std::string& service, int partition, std::int64_t offset,
                    const LedgerChain::Seen& seen);
Json json_of(const std::string& service, int partition, std::int64_t offset,
             const LedgerChain::Seen& seen);

}  // namespace tocsin::cli
