// The releases of a realm, as the decider keeps them, and the times at which it looks at them
// without a command of anybody.
#pragma once

#include "publishing/channel.hpp"
#include "publishing/release.hpp"
#include "runtime/base/parties.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace tocsin::publishing {

// What follows `by_id` changes with it, in evolve() alone.
struct Releases {
    std::map<std::string, Release> by_id;
    // By message, one of its releases that are not at rest, if there are any.
    std::map<std::string, std::string> on_way;
    // By release, its claims that are open: when each is over, and its delivery. None is empty.
    std::map<std::string, std::set<std::pair<Time, std::string>>> claims;
    // Exactly the releases with a due time, the earliest first.
    std::set<std::pair<Time, std::string>> due;
    // Exactly those whose texts are dropped at a time, the earliest first.
    std::set<std::pair<Time, std::string>> fading;
    // Those whose texts were dropped after they had been public, and whom they concern: nothing of
    // them can be changed any more, and `by_id` has none of them. The view shows what became of
    // them.
    std::map<std::string, runtime::KeptParties> faded;

    // Null: there is none, or it faded.
    const Release* find(const std::string& id) const {
        const auto known = by_id.find(id);
        return known == by_id.end() ? nullptr : &known->second;
    }
};

// ---- events

// Of an event about a release. False: one that cannot follow what happened before. O(log n) in
// deliveries and releases, for an event about one delivery.
bool evolve(Releases& releases, const Channels& channels, const v1::Event& event, Time decided_at);

// ---- due times

std::optional<runtime::Due<v1::Command>> next_due(const Releases& releases);

}  // namespace tocsin::publishing
