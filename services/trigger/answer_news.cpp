#include "trigger/answer_news.hpp"

#include <algorithm>
#include <string_view>

namespace tocsin::trigger {

v1::Readings record_of(const Wanted& wanted) {
    v1::Readings record;
    record.set_source_id(wanted.source.source_id());
    record.set_address(wanted.address);
    return record;
}

v1::Readings record_of(const Wanted& wanted, const Series& series,
                       std::span<const Reading> readings) {
    v1::Readings record = record_of(wanted);
    record.set_series(series.name);
    record.set_unit(series.unit);
    record.set_sensor(series.sensor);
    for (const Reading& each : readings) {
        auto& reading = *record.add_readings();
        *reading.mutable_read_at() = runtime::to_proto(each.read_at);
        reading.set_value(each.value);
    }
    return record;
}

// Without the sensor, if that is part of its name.
static std::string_view short_name(const Series& series) {
    std::string_view name = series.name;
    const std::string end = ':' + series.sensor;
    if (!series.sensor.empty() && name.ends_with(end)) name.remove_suffix(end.size());
    return name;
}

const Series* find_series_in(const Parsed& parsed, const std::string& name) {
    const auto found = std::ranges::lower_bound(parsed.series, name, {}, &Series::name);
    return found == parsed.series.end() || found->name != name ? nullptr : &*found;
}

bool is_double(const Parsed& parsed, const Series& series) {
    const std::string_view name = short_name(series);
    if (name == series.name) return false;
    const Series* other = find_series_in(parsed, std::string{name});
    return other && other->sensor == series.sensor;
}

std::optional<Time> newest_of(const Parsed& parsed) {
    std::optional<Time> newest;
    for (const Series& series : parsed.series) {
        if (series.readings.empty()) continue;
        const Time last = series.readings.back().read_at;
        newest = newest ? std::max(*newest, last) : last;
    }
    return newest;
}

std::vector<Reading> news_in(std::span<const Reading> earlier, std::span<const Reading> later,
                             Time from) {
    std::vector<Reading> news;
    for (const Reading& reading : later) {
        if (reading.read_at < from) continue;
        const auto known =
            std::ranges::lower_bound(earlier, reading.read_at, {}, &Reading::read_at);
        if (known == earlier.end() || *known != reading) news.push_back(reading);
    }
    return news;
}

std::vector<Time> withdraw(std::vector<Reading>& readings, std::span<const Time> times) {
    std::vector<Time> gone;
    std::erase_if(readings, [&](const Reading& reading) {
        if (!std::ranges::binary_search(times, reading.read_at)) return false;
        gone.push_back(reading.read_at);
        return true;
    });
    return gone;
}

}  // namespace tocsin::trigger
