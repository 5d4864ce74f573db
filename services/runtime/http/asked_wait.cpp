#include "runtime/http/asked_wait.hpp"

#include <absl/time/time.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace tocsin::runtime {

static std::optional<Duration> until(absl::Time when, Time now) {
    const Time there{std::chrono::microseconds{absl::ToUnixMicros(when)}};
    return std::max(Duration{}, there - now);
}

std::optional<Duration> read_wait(const std::string& text, Time now) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) {
        if (number < 0) return std::nullopt;
        // Thirty years of waiting and the present moment cannot be confused.
        constexpr std::int64_t surely_a_date = 946'684'800;
        if (number < surely_a_date) return std::chrono::seconds{number};
        return until(absl::FromUnixSeconds(number), now);
    }
    absl::Time when;
    if (absl::ParseTime(absl::RFC3339_full, text, &when, nullptr)) return until(when, now);
    if (absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", text, absl::UTCTimeZone(), &when, nullptr))
        return until(when, now);
    return std::nullopt;
}

}  // namespace tocsin::runtime
