// What a killed process was in the middle of.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace tocsin::testing {

// A coroutine that waits, a task that was posted, a call that was not answered: it stays where it
// stood for ever, as in a process that is gone. Kept, so that it is not taken for a leak.
template <class Thing>
void keep_cut_off(Thing thing) {
    static std::mutex mutex;
    static auto* const kept = new std::vector<Thing>;
    const std::lock_guard lock(mutex);
    kept->push_back(std::move(thing));
}

}  // namespace tocsin::testing
