// The fields of a gauge feed, read the same way for every format.
#pragma once

#include "trigger/source.hpp"

#include <map>
#include <optional>

namespace tocsin::trigger {

std::string_view trim(std::string_view text);

// A plain decimal number within what a rule can be held against (1e12 either way). Not one: `nan`,
// `inf`, hexadecimal, a decimal comma, anything after the number.
std::optional<double> parse_value(std::string_view text);

// `YYYY-MM-DDThh:mm[:ss[.fraction]]` with `Z` or `+hh:mm`, which is required: a time without an
// offset could mean any hour of the day.
std::optional<Time> parse_time(std::string_view text);

// Whether a rule can name it: letters, digits, `.`, `_` and `-`, at most 48.
bool is_name(std::string_view text);

// Readings by series while a body is read. A time that comes twice keeps its last value.
class Collected {
public:
    // Nothing to do when there are more than series_max: false.
    bool open(const std::string& series, std::string_view unit);
    void take(const std::string& series, Reading reading);
    bool has(const std::string& series) const { return series_.contains(series); }
    Parsed finish(std::int64_t skipped) &&;

private:
    std::map<std::string, Series> series_;
};

}  // namespace tocsin::trigger
