// A source format: what it takes to read one kind of gauge feed. A reader is pure, from the body of
// one answer to the readings in it; polling is poller.cpp.
//
// A value that is not a plain finite number, or says "no data", is skipped and counted, never taken
// for zero. A body that does not have the shape of its format is an error as a whole: half a file
// must not be mistaken for a quiet river.
#pragma once

#include "runtime/time.hpp"

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::trigger {

using runtime::Time;

struct Reading {
    Time read_at;
    double value = 0;

    bool operator==(const Reading&) const = default;
};

struct Series {
    std::string name;  // `STATION:PARAMETER`
    std::string unit;
    std::vector<Reading> readings;  // in order of time, one per time
};

struct Parsed {
    std::vector<Series> series;  // by name, each once
    std::int64_t skipped = 0;    // values that were there but are no reading
};

// Bounds on one answer, the same for every format.
inline constexpr std::size_t body_bytes_max = std::size_t{8} * 1024 * 1024;
inline constexpr std::int64_t rows_max = 200'000;
inline constexpr std::size_t series_max = 2'000;

// Between two polls of one source. Where inner addresses may be polled, which is for tests, as
// little as PutSource takes.
inline double poll_seconds_least(bool allow_private_addresses) {
    return allow_private_addresses ? 0.05 : 1;
}

using ReadBody = std::expected<Parsed, std::string> (*)(std::string_view body);

struct SourceFormat {
    std::string_view name;    // as in PutSourceRequest.format
    std::string_view accept;  // `Accept` of the request
    ReadBody read;
};

// The table of formats, in sources.cpp.
std::span<const SourceFormat> source_formats();
// Null: there is no such format.
const SourceFormat* find_format(std::string_view name);
// Why a source of the format can have no series of this name, and what to write; empty: it can.
std::string series_problem(std::string_view format, const std::string& series);

}  // namespace tocsin::trigger
