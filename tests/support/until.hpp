// Waits for a condition, for 20 s at the most.
#pragma once

#include <chrono>
#include <thread>

namespace tocsin::testing {

template <class Condition>
bool until(Condition holds) {
    for (int i = 0; i < 4000; ++i) {
        if (holds()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
}

}  // namespace tocsin::testing
