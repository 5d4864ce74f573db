// Files that the tests of the readers share.
#pragma once

#include "trigger/sources.hpp"
#include "trigger/sources/fields.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

namespace tocsin::trigger {

inline std::string file(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    EXPECT_TRUE(stream) << path;
    return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::string test_file(const std::string& name) {
    return file(std::string(TOCSIN_SOURCE_DIR) + "/tests/data/gauges/" + name);
}

inline const Series* find_series(const Parsed& parsed, const std::string& name) {
    const auto found = std::ranges::find(parsed.series, name, &Series::name);
    return found == parsed.series.end() ? nullptr : &*found;
}

// Under the long name of its sensor a series says again what it says under the short one.
inline bool is_said_shorter(const Parsed& parsed, const Series& series) {
    const auto end = series.name.rfind(':' + series.sensor);
    if (series.sensor.empty() || end == std::string::npos) return false;
    const Series* other = find_series(parsed, series.name.substr(0, end));
    return other && other->sensor == series.sensor && other->unit == series.unit &&
           other->readings == series.readings && other->no_data == series.no_data;
}

inline Time utc(std::string_view text) {
    const auto time = parse_time(text);
    EXPECT_TRUE(time) << text;
    return time.value_or(Time{});
}

}  // namespace tocsin::trigger
