// What is new in an answer, against what is known of its series. Pure.
#pragma once

#include "tocsin/trigger/v1/trigger_ledger.pb.h"
#include "trigger/sources.hpp"
#include "trigger/wanted.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tocsin::trigger {

// Records of the stream, of that source; the second with readings of a series.
v1::Readings record_of(const Wanted& wanted);
v1::Readings record_of(const Wanted& wanted, const Series& series,
                       std::span<const Reading> readings);

// Null: it is not in the answer.
const Series* find_series_in(const Parsed& parsed, const std::string& name);
// Whether it is under another, shorter name as well.
bool is_double(const Parsed& parsed, const Series& series);
std::optional<Time> newest_of(const Parsed& parsed);

// What `later` brings from `from` on that `earlier` has not, or has otherwise.
std::vector<Reading> news_in(std::span<const Reading> earlier, std::span<const Reading> later,
                             Time from);
// Takes out what stands at these times, which are in order; those of them at which something stood.
std::vector<Time> withdraw(std::vector<Reading>& readings, std::span<const Time> times);

}  // namespace tocsin::trigger
