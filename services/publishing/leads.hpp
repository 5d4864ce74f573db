// How long before T0 its steps are taken: no longer than their number takes, as people wait for T0.
#pragma once

#include "runtime/base/time.hpp"

#include <chrono>

namespace tocsin::publishing {

// To decide on the claim of a delivery, to read that back, and to make its request ready.
inline constexpr std::chrono::microseconds lead_of_delivery{400};

// `base`: what a single one takes.
inline runtime::Duration lead(runtime::Duration base, int deliveries) {
    return base + std::chrono::floor<std::chrono::milliseconds>(deliveries * lead_of_delivery);
}

}  // namespace tocsin::publishing
