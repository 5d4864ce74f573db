// Which rules read which series. Pure.
#pragma once

#include "runtime/base/shared_map.hpp"
#include "trigger/event.hpp"

#include <set>
#include <string>
#include <utility>

namespace tocsin::trigger {

// Ids of the rules that are on, by source and series; a series that none reads is not in it.
using Watching = runtime::SharedMap<std::pair<std::string, std::string>, std::set<std::string>>;

void watch(Watching& watching, const v1::Rule& rule);
// Does nothing for a rule that is not in it.
void unwatch(Watching& watching, const v1::Rule& rule);

// Calls `use(series, rules)` for every series of the source that rules read, until it returns
// false.
template <class Use>
void each_series_read(const Watching& watching, const std::string& source_id, const Use& use) {
    // No series has an empty name: this is before the source's first.
    const std::pair<std::string, std::string> before{source_id, ""};
    watching.ascend(&before, [&](const auto& series, const std::set<std::string>& rules) {
        return series.first == source_id && use(series.second, rules);
    });
}

// A rule that reads the source; empty: there is none.
std::string reader_of(const Watching& watching, const std::string& source_id);

}  // namespace tocsin::trigger
