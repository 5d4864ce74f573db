// The two clocks of a driver. The simulator has its own; everything else uses SystemClock.
#pragma once

#include "runtime/base/time.hpp"

#include <chrono>

namespace tocsin::runtime {

// Monotonic time: for waits and deadlines, never recorded.
using Tick = std::chrono::steady_clock::time_point;

// Safe from any thread.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Time now() const = 0;
    virtual Tick tick() const = 0;
};

inline Time system_now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

class SystemClock final : public Clock {
public:
    Time now() const override { return system_now(); }
    Tick tick() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace tocsin::runtime
