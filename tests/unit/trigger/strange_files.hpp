// Bad and strange files, each with all that is read of it: series, readings, what was skipped, and
// the first fault.
#pragma once

#include "unit/trigger/gauge_files.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

namespace tocsin::trigger::cases {

struct Strange {
    const char* what;
    std::string body;
    const char* says;
};

// The time of 1 May 2026 as `10:05`, any other in full.
inline std::string shown(Time time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    if (std::chrono::floor<std::chrono::days>(time) == utc("2026-05-01T00:00Z"))
        return fmt::format("{:%H:%M}", seconds);
    return fmt::format("{:%Y-%m-%dT%H:%M}", seconds);
}

// `A:level 10:00=1.5 10:05=2; bad_row 1; line 3: 2 columns, not 3`. Of two names of one series the
// short one.
inline std::string shown(const std::expected<Parsed, std::string>& parsed) {
    if (!parsed) return "error: " + parsed.error();
    std::vector<std::string> parts;
    for (const Series& series : parsed->series) {
        if (is_said_shorter(*parsed, series)) continue;
        std::string& part = parts.emplace_back(series.name);
        if (!series.sensor.empty()) part += '#' + series.sensor;
        for (const Reading& reading : series.readings)
            part += fmt::format(" {}={}", shown(reading.read_at), reading.value);
    }
    for (std::size_t i = 0; i < skip_names.size(); ++i)
        if (const auto count = parsed->skipped.counts[i]; count > 0)
            parts.push_back(fmt::format("{} {}", skip_names[i], count));
    if (!parsed->first_fault.empty()) parts.push_back(parsed->first_fault);
    return fmt::format("{}", fmt::join(parts, "; "));
}

inline void expect_all(const char* format, const std::vector<Strange>& files) {
    for (const Strange& file : files)
        EXPECT_EQ(shown(find_format(format)->read(file.body)), file.says) << file.what;
}

}  // namespace tocsin::trigger::cases
