// What should be polled.
#pragma once

#include "runtime/base/time.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tocsin::trigger {

// A source that should be polled.
struct Wanted {
    std::string realm;
    v1::Source source;
    std::int64_t revision = 0;  // see Realm
    std::int64_t address = 0;   // see Realm
    // By series that rules read: how much of the time before they need in a record.
    std::map<std::string, runtime::Duration> watched;
};

// What should be polled, and of which realms that is all: while a history is folded, nothing of its
// realms is wanted.
struct Wants {
    std::vector<Wanted> sources;
    std::function<bool(const std::string& realm)> whole;
};

}  // namespace tocsin::trigger
