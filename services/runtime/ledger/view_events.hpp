// The events of a decision, parsed: what views make of one.
#pragma once

#include "runtime/ledger/view.hpp"

#include <string>
#include <utility>
#include <vector>

namespace tocsin::runtime {

// Calls `use(Event&&)` for each. What this version cannot parse it passes over: the ledger has
// stopped before that already.
template <class Event, class Use>
void each_event(const Counted& counted, Use&& use) {
    for (const std::string& bytes : counted.decision.accepted().events()) {
        Event event;
        if (event.ParseFromString(bytes)) use(std::move(event));
    }
}

template <class Event>
std::vector<Event> events_of(const Counted& counted) {
    std::vector<Event> events;
    each_event<Event>(counted, [&](Event&& event) { events.push_back(std::move(event)); });
    return events;
}

}  // namespace tocsin::runtime
