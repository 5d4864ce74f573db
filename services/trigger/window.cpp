#include "trigger/window.hpp"

#include "runtime/base/planted.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin::trigger {

std::vector<Reading> window_of(const v1::Readings& record, Time latest) {
    std::vector<Reading> readings;
    readings.reserve(static_cast<std::size_t>(record.readings_size()));
    for (const v1::Reading& reading : record.readings()) {
        const Time at = runtime::from_proto(reading.read_at());
        if (std::isfinite(reading.value()) && at <= latest + ahead_most)
            readings.push_back({at, reading.value()});
    }
    if (!runtime::planted(runtime::Bug::unsorted))
        std::ranges::stable_sort(readings, {}, &Reading::read_at);
    // Of several with one time the last stays: it is the correction.
    const auto gone =
        std::unique(readings.rbegin(), readings.rend(),
                    [](const Reading& a, const Reading& b) { return a.read_at == b.read_at; });
    readings.erase(readings.begin(), gone.base());
    return readings;
}

std::vector<Reading> merged(std::span<const Reading> earlier, std::span<const Reading> later,
                            Time from) {
    std::vector<Reading> all;
    auto old = earlier.begin(), fresh = later.begin();
    while (old != earlier.end() || fresh != later.end()) {
        const bool take_old =
            fresh == later.end() || (old != earlier.end() && old->read_at < fresh->read_at);
        if (!take_old && old != earlier.end() && old->read_at == fresh->read_at) ++old;
        all.push_back(take_old ? *old++ : *fresh++);
    }
    const auto kept = std::ranges::lower_bound(all, from, {}, &Reading::read_at);
    if (kept - all.begin() > 1) all.erase(all.begin(), kept - 1);
    if (all.size() > window_readings_max)
        all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(window_readings_max));
    return all;
}

}  // namespace tocsin::trigger
