// What a series of readings means to a rule, told once more with code of its own: where its waves
// begin, when they count and where they end. See services/trigger/waves.hpp for the words.
#pragma once

#include "runtime/base/time.hpp"

#include <optional>
#include <span>
#include <vector>

namespace tocsin::sim {

using runtime::Duration;
using runtime::Time;

struct Point {
    Time at;
    double value = 0;

    bool operator==(const Point&) const = default;
};

// In order of time, one for each.
using Points = std::vector<Point>;

struct Terms {
    double threshold = 0, hysteresis = 0;
    Duration lasts{0}, gap_most{0}, age_most{0}, cooldown{0};

    bool high(double value) const { return value >= threshold; }
    bool low(double value) const { return value < threshold - hysteresis; }
    // Whether the silence between two readings ends a wave: by the hours that they lie in.
    bool silent(Time from, Time to) const;
};

struct WaveSeen {
    Time begin, met;
    std::optional<Time> end;  // of the first reading that is not in it

    bool holds(Time at) const { return at >= begin && (!end || at < *end); }
    bool overlaps(const WaveSeen& other) const {
        return (!end || other.begin < *end) && (!other.end || begin < *other.end);
    }
};

std::vector<WaveSeen> waves_of(const Terms& terms, std::span<const Point> points);
const Point* find(std::span<const Point> points, Time at);
// Those after `from` and before `to`.
std::span<const Point> between(std::span<const Point> points, Time from, Time to);
// Those not after `last`.
std::span<const Point> until(std::span<const Point> points, Time last);
// `known`, but for the time of `news`, which says all of that. What was known of that time and is
// not in it was withdrawn.
Points corrected(const Points& known, const Points& news);

}  // namespace tocsin::sim
