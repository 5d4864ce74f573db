// Times as people read them in reasons and states.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <string>

namespace tocsin::texts {

// `2026-11-29 09:40 UTC`.
inline std::string minute_of(std::chrono::sys_time<std::chrono::microseconds> time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::minutes>(time - day)};
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count());
}

}  // namespace tocsin::texts
