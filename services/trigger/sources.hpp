// The formats of sources: what it takes to read each kind of gauge feed. A reader is pure, from the
// body of one answer to the readings in it; polling is poller.hpp.
//
// A value that is not a plain finite number, or says "no data", is skipped and counted, never taken
// for zero. A row or series that cannot be read costs itself and nothing else: what its neighbours
// say may be needed. An error is what is no such file at all, or too large: half a file must not be
// mistaken for a quiet river.
//
// A series is named by what its provider calls it, never by its place in a list: another order, or
// a sensor more, must not put a rule on another gauge.
#pragma once

#include "runtime/base/time.hpp"

#include <array>
#include <cstdint>
#include <expected>
#include <map>
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
    std::string name;  // `STATION:PARAMETER`, or `STATION:PARAMETER:SENSOR`
    std::string unit;
    std::string sensor;  // the provider's id of what measures it; empty where it has none
    std::vector<Reading> readings;  // in order of time, one per time
    // Times at which the provider says that there is no value, in order; none of a reading. What
    // stood there before is withdrawn.
    std::vector<Time> no_data;
};

// Why something that was there is no reading.
enum class Skip {
    no_data,    // the provider says that there is no value
    bad_value,  // it is no number
    bad_time,   // it could be at any time, or at none
    bad_row,    // a row, or a whole series, that cannot be read
    ahead,      // stamped later than the poller says that anything can be
};
inline constexpr std::array<std::string_view, 5> skip_names = {"no_data", "bad_value", "bad_time",
                                                               "bad_row", "ahead"};

// How often each, by Skip.
struct Skipped {
    std::array<std::int64_t, skip_names.size()> counts{};

    void add(Skip why, std::int64_t n = 1) { counts.at(static_cast<std::size_t>(why)) += n; }
    std::int64_t operator[](Skip why) const { return counts.at(static_cast<std::size_t>(why)); }
    std::int64_t total() const {
        std::int64_t sum = 0;
        for (const std::int64_t count : counts) sum += count;
        return sum;
    }
    bool operator==(const Skipped&) const = default;
};

// One of those that were skipped, distinguished from the others by a hash of what it says: an
// answer holds most of what the one before held.
struct SkippedOne {
    Skip why;
    std::size_t what = 0;
};

struct Parsed {
    std::vector<Series> series;  // by name, each once
    // Of no series, since it has no reading: as Series::no_data, by name.
    std::map<std::string, std::vector<Time>> no_data;
    Skipped skipped;
    std::vector<SkippedOne> skips;  // the first `skips_max` of them
    std::string first_fault;  // about the first bad_row, as a short sentence; empty: there is none

    void skip(const SkippedOne& one);
};

// Of one answer, so many are distinguished.
inline constexpr std::size_t skips_max = 5'000;

inline void Parsed::skip(const SkippedOne& one) {
    skipped.add(one.why);
    if (skips.size() < skips_max) skips.push_back(one);
}

// Bounds on one answer. The long ones are for a format that is read row by row: a file of a large
// province, 32 MiB and 600,000 rows, takes 0.8 s and 20 MiB beside itself; JSON would take 300.
inline constexpr std::size_t body_bytes_max = std::size_t{8} * 1024 * 1024;
inline constexpr std::int64_t rows_max = 200'000;
inline constexpr std::size_t long_body_bytes_max = 4 * body_bytes_max;
inline constexpr std::int64_t long_rows_max = 1'000'000;
inline constexpr std::size_t series_max = 2'000;

// Between two polls of one source. Where inner addresses may be polled, which is for tests, as
// little as PutSource takes.
inline double poll_seconds_least(bool allow_private_addresses) {
    return allow_private_addresses ? 0.05 : 1;
}

// `latest`: what is stamped later is counted as ahead, and left out before anything is made of it.
using ReadBody = std::expected<Parsed, std::string> (*)(std::string_view body, Time latest);

// Why the format has no series of that name, and what to write; empty: it may have one. `name` is
// what follows the station and its colon.
using SeriesProblem = std::string (*)(std::string_view station, std::string_view name);

struct SourceFormat {
    std::string_view name;    // as in PutSourceRequest.format
    std::string_view accept;  // `Accept` of the request
    ReadBody read_body;
    SeriesProblem series_problem;
    std::size_t bytes_max = body_bytes_max;

    std::expected<Parsed, std::string> read(std::string_view body,
                                            Time latest = Time::max()) const {
        return read_body(body, latest);
    }
};

// All formats: the files in sources/ that have no header.
std::span<const SourceFormat> source_formats();
// Null: there is no such format.
const SourceFormat* find_format(std::string_view name);
// Why a source of the format can have no series of this name, and what to write; empty: it can.
std::string series_problem(std::string_view format, std::string_view series);

}  // namespace tocsin::trigger
