// The header of trigger's events, and the answers to its commands.
#pragma once

#include "runtime/ledger/decider.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::trigger {

using runtime::Time;
using Happened = runtime::Happened<v1::Event>;
using Verdict = runtime::Verdict<v1::Event>;

// An event about that rule.
inline v1::Event event_of(std::string rule_id) {
    v1::Event event;
    event.set_rule_id(std::move(rule_id));
    return event;
}

// The events after which their subject has that version; without any, nothing is new.
inline Happened answer(std::string subject, std::int64_t version,
                       std::vector<v1::Event> events = {}) {
    return {std::move(events), std::move(subject), std::to_string(version)};
}

}  // namespace tocsin::trigger
