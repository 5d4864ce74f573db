// Waiting for a condition, with a deadline.
#pragma once

#include <chrono>
#include <thread>

namespace tocsin::bench {

// Looks every millisecond; false when `most` is over first.
template <class Condition>
bool wait_until(std::chrono::milliseconds most, Condition condition) {
    const auto until = std::chrono::steady_clock::now() + most;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

}  // namespace tocsin::bench
