// The waves of a window, by what the rule says. Pure.
//
// A *wave* begins with the reading at or above the threshold whose `for` comes true, without a gap,
// and ends with the first one below `threshold - hysteresis`, or the first after a long silence
// (silence_most()). A rule crosses at most once in a wave: at its first reading that is at or above
// the threshold, young enough and outside of any cooldown.
//
// A record shows a window. What the ledger says of a wave (it crossed, the cooldown kept it back,
// it was too old) and of its end is what is left of it once the window has moved on.
#pragma once

#include "trigger/rule_state.hpp"
#include "trigger/sources.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace tocsin::trigger {

struct Wave {
    std::size_t begin = 0;           // the first reading at or above
    std::size_t met = 0;             // where `for` came true; not before `begin`
    std::optional<std::size_t> end;  // the first that is not in it; nothing while it lasts
    bool goes_on = false;            // it began before the window
    bool crossed = false;            // before the window
};

struct Waves {
    std::vector<Wave> all;               // in order of time; none overlaps the next
    std::optional<std::size_t> pending;  // since which reading `for` is running
};

// `readings` as window_of() gives them.
Waves waves_in(const RuleState& state, std::span<const Reading> readings);

bool is_high(const v1::Rule& rule, const Reading& reading);
bool is_low(const v1::Rule& rule, const Reading& reading);

// Whether there is a long silence before `begin`: since `seen` (see RuleState), or since the wave's
// own reading at `known_at`.
bool is_silent_before(const v1::Rule& rule, Time begin, Time known_at, std::optional<Time> seen);
// Whether a wave that the ledger knows goes on into a window from `begin` on.
bool goes_on_into(const RuleState& state, Time begin, const std::optional<Held>& held);
bool goes_on_into(const RuleState& state, Time begin, const Fired& fired);

}  // namespace tocsin::trigger
