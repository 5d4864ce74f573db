// What the simulator's checks throw.
#pragma once

#include <stdexcept>

namespace tocsin::sim {

// A promise was broken.
struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace tocsin::sim
