// The readings of a record, as rules look at them. Pure.
#pragma once

#include "tocsin/trigger/v1/trigger_ledger.pb.h"
#include "trigger/sources.hpp"

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

namespace tocsin::trigger {

// A reading from further ahead is a clock gone wrong; taken, it would be the newest for as long.
inline constexpr std::chrono::minutes ahead_most{5};
// Of one record: two days of readings by the minute.
inline constexpr std::size_t window_readings_max = 3'000;

// The readings as they count: in order of time, one for each, none from ahead of `latest`, none
// that is no number.
std::vector<Reading> window_of(const v1::Readings& record, Time latest);
// Both as window_of() gives them: `later` corrects `earlier`, of which what is before `from` is
// left out, but for the last such reading, which shows how long the silence was. At most
// `window_readings_max`, the latest.
std::vector<Reading> merged(std::span<const Reading> earlier, std::span<const Reading> later,
                            Time from);

}  // namespace tocsin::trigger
