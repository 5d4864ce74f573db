// How what is heard (heard.hpp) comes from the ledger's driver.
#pragma once

#include "runtime/ledger/rules.hpp"
#include "trigger/heard.hpp"

#include <memory>

namespace tocsin::trigger {

// The rules of trigger, which also report the records that they meet. The decider itself stays
// pure: nothing that it decides depends on these reports.
std::unique_ptr<runtime::Rules> listening_rules(std::shared_ptr<Heard> heard);

}  // namespace tocsin::trigger
