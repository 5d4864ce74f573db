#include "trigger/poll_pace.hpp"

#include "runtime/http/asked_wait.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace tocsin::trigger {

using std::chrono::milliseconds;

static constexpr milliseconds backoff_most{300'000};
static constexpr milliseconds retry_after_most{3'600'000};
static constexpr int stand_in_polls = 5;
static constexpr milliseconds stand_in_least{60'000};

milliseconds milliseconds_of(double seconds) {
    return milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

milliseconds retry_after(const std::string& header, Time now) {
    const auto wait = runtime::read_wait(header, now).value_or(runtime::Duration{});
    return std::min(std::chrono::ceil<milliseconds>(wait), retry_after_most);
}

milliseconds backoff(int failures, double poll_seconds) {
    const milliseconds first = milliseconds_of(std::clamp(poll_seconds, 0.5, 5.0));
    return std::min(backoff_most, first * (std::int64_t{1} << std::clamp(failures - 1, 0, 16)));
}

milliseconds stand_in_patience(double poll_seconds) {
    return std::max(stand_in_least, stand_in_polls * milliseconds_of(poll_seconds));
}

std::string why_later(const PollBudget::Wait& wait) {
    constexpr auto mebi = [](std::size_t bytes) { return bytes >> 20; };
    switch (wait.why) {
        case PollBudget::Why::its_bytes:
            return fmt::format(
                "polled later: a source may bring {} MiB a minute, and this one brought more; poll "
                "it less often, or smaller files",
                mebi(PollBudget::source_bytes_per_minute));
        case PollBudget::Why::realm_bytes:
            return fmt::format(
                "polled later: the sources of a realm may bring {} MiB a minute, and brought more, "
                "source `{}` most of it; poll less often, or smaller files",
                mebi(PollBudget::realm_bytes_per_minute), wait.largest);
        case PollBudget::Why::turn:
            break;
    }
    return fmt::format(
        "polled later: {} polls of a realm may be under way at a time, and this one has waited for "
        "longer than three of its intervals; poll the realm's sources less often",
        PollBudget::of_realm_max);
}

}  // namespace tocsin::trigger
