#include "sim/line_waves.hpp"

#include <algorithm>

namespace tocsin::sim {

bool Terms::silent(Time from, Time to) const {
    using std::chrono::floor, std::chrono::hours;
    return floor<hours>(to) - floor<hours>(from) > std::max<Duration>(hours(24), 3 * age_most);
}

std::vector<WaveSeen> waves_of(const Terms& terms, std::span<const Point> points) {
    std::vector<WaveSeen> waves;
    std::optional<Time> high_since;
    bool inside = false;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const auto& [at, value] = points[i];
        const Duration silence = i == 0 ? Duration{0} : at - points[i - 1].at;
        if (inside && (terms.low(value) || (i > 0 && terms.silent(points[i - 1].at, at)))) {
            waves.back().end = at;
            inside = false;
        }
        if (inside) continue;
        if (!terms.high(value)) {
            high_since.reset();
            continue;
        }
        if (!high_since || silence > terms.gap_most) high_since = at;
        if (at - *high_since < terms.lasts) continue;
        waves.push_back({*high_since, at, std::nullopt});
        inside = true;
        high_since.reset();
    }
    return waves;
}

const Point* find(std::span<const Point> points, Time at) {
    const auto found = std::ranges::lower_bound(points, at, {}, &Point::at);
    return found != points.end() && found->at == at ? &*found : nullptr;
}

std::span<const Point> between(std::span<const Point> points, Time from, Time to) {
    const auto first = std::ranges::upper_bound(points, from, {}, &Point::at);
    const auto last = std::ranges::lower_bound(points, to, {}, &Point::at);
    return first < last ? std::span(first, last) : std::span<const Point>{};
}

std::span<const Point> until(std::span<const Point> points, Time last) {
    return {points.begin(), std::ranges::upper_bound(points, last, {}, &Point::at)};
}

Points corrected(const Points& known, const Points& news) {
    if (news.empty()) return known;
    Points all;
    all.reserve(known.size() + news.size());
    for (const Point& point : known)
        if (point.at < news.front().at) all.push_back(point);
    all.insert(all.end(), news.begin(), news.end());
    for (const Point& point : known)
        if (point.at > news.back().at) all.push_back(point);
    return all;
}

}  // namespace tocsin::sim
