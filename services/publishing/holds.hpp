// Holds: nothing new goes out on some channels until a second person lifts it.
//
// A hold keeps claims back and nothing else. Channels are prepared and releases armed beside it, so
// that all that is left to do when it ends is to send; and what it keeps back can be stopped, left
// out or superseded, and expires, as if it were not there.
#pragma once

#include "publishing/channel.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::publishing {

// Of a realm, in force at a time, and of those placed for one agency: none takes all.
inline constexpr std::size_t holds_max = 20;
inline constexpr std::size_t holds_of_agency_max = holds_max / 2;
// And known once they ended.
inline constexpr std::size_t ended_holds_max = 50;

struct Holds {
    std::map<std::string, v1::Hold> in_force;  // by id
    // The last one to end is the last.
    std::vector<v1::Hold> ended;

    // Whether it ended or not; null: it is not known, or not any more.
    const v1::Hold* find(const std::string& id) const;

    // One that keeps `delivery` back; null: none does. A retraction is never kept back.
    const v1::Hold* on(const v1::Delivery& delivery) const;
};

// ---- commands

Verdict place_hold(const Holds& holds, const Channels& channels, const runtime::Asking& asking,
                   const v1::PlaceHoldRequest& request, Time now);
Verdict lift_hold(const Holds& holds, const runtime::Asking& asking,
                  const v1::LiftHoldRequest& request);
// Of one whose reminder or end is due.
Verdict reach_hold_due(const Holds& holds, const runtime::Asking& asking, const v1::ReachDue& due,
                       Time now);

// ---- events

// Whether an event is about a hold.
bool is_of_hold(const v1::Event& event);
// Nothing changes by another event. The view folds with it too.
void evolve(Holds& holds, const v1::Event& event, Time decided_at);

// ---- views

// As people see them, those in force first, of each the newest first.
std::vector<const v1::Hold*> listed(const Holds& holds);

// ---- due times

std::optional<runtime::Due<v1::Command>> next_due(const Holds& holds);

}  // namespace tocsin::publishing
