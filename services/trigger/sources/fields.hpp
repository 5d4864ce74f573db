// The fields of a gauge feed, read the same way for every format.
#pragma once

#include "trigger/sources.hpp"

#include <initializer_list>
#include <limits>
#include <optional>

namespace tocsin::trigger {

std::string_view trim(std::string_view text);
// Without the byte-order mark of UTF-8 that some programs write first.
std::string_view without_mark(std::string_view text);

// A plain decimal number within what a rule can be held against (1e12 either way). Not one: `nan`,
// `inf`, hexadecimal, a decimal comma, anything after the number.
std::optional<double> parse_value(std::string_view text);

// `YYYY-MM-DDThh:mm[:ss[.fraction]]` with `Z` or `+hh:mm`, which is required: a time without an
// offset could mean any hour of the day.
std::optional<Time> parse_time(std::string_view text);

// Whether a rule can name it: letters, digits, `.`, `_` and `-`, at most 48.
bool is_name(std::string_view text);

// UTF-8 without a NUL.
bool is_text(std::string_view text);

// What a body is that is none of its format, as far as its beginning shows: `a web page or XML`.
// Empty: it does not. Says nothing of what is in it, since people who put the address read this.
std::string_view kind_of(std::string_view body);

// Stands for "no data" among readings until put_in_order().
inline constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

// By time, and one for each: of several the last stays, it is the correction. The times at which
// there is `no_value` and nothing else go to `no_data`.
void put_in_order(Series& series);

// What distinguishes a thing that was skipped from others, by its parts.
std::size_t identity(std::initializer_list<std::string_view> parts);

}  // namespace tocsin::trigger
