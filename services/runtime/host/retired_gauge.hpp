// What is no longer there, such as a source that was taken out of use, is removed from the metrics.
#pragma once

#include "runtime/host/metrics.hpp"

#include <limits>
#include <string>

namespace tocsin::runtime {

// The value of a gauge that this instance does not know now; no alert is raised by it.
inline constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

// Ends the series; what Metrics::gauge() gave for it must not be used again. Nothing happens where
// there is none.
void retire_gauge(Metrics& metrics, const std::string& name, const prometheus::Labels& labels);

}  // namespace tocsin::runtime
