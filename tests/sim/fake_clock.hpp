// Time as the simulator makes it.
#pragma once

#include "runtime/host/clock.hpp"

namespace tocsin::sim {

using runtime::Tick;
using runtime::Time;
using std::chrono::milliseconds;

// A clock that stands still until it is moved.
class FakeClock final : public runtime::Clock {
public:
    Time now() const override { return now_ + skew; }
    Tick tick() const override { return tick_; }
    void advance(milliseconds by) {
        now_ += by;
        tick_ += by;
    }
    runtime::Duration skew{0};  // of the calendar only

private:
    Time now_{std::chrono::sys_days{std::chrono::year{2026} / 5 / 4}};
    Tick tick_{std::chrono::hours(1)};
};

// The clock of a machine whose calendar is off.
class SkewedClock final : public runtime::Clock {
public:
    explicit SkewedClock(const runtime::Clock& right) : right_(right) {}
    Time now() const override { return right_.now() + skew; }
    Tick tick() const override { return right_.tick(); }
    runtime::Duration skew{0};

private:
    const runtime::Clock& right_;
};

}  // namespace tocsin::sim
