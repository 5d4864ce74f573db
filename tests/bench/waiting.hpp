// Waiting for a condition, with a deadline.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace tocsin::bench {

// Looks every millisecond, and less often the longer it takes: by a hundredth of that, so that the
// looks cost what is waited for nothing. False when `most` is over first.
template <class Condition>
bool wait_until(std::chrono::milliseconds most, Condition condition) {
    using std::chrono::milliseconds;
    const auto begin = std::chrono::steady_clock::now();
    while (!condition()) {
        const auto waited = std::chrono::steady_clock::now() - begin;
        if (waited >= most) return false;
        std::this_thread::sleep_for(
            std::clamp(std::chrono::duration_cast<milliseconds>(waited / 100), milliseconds(1),
                       milliseconds(50)));
    }
    return true;
}

}  // namespace tocsin::bench
