// Of what is no longer there, such as a source that was taken out of use, nothing is told to
// Prometheus any more.
#pragma once

#include "runtime/metrics.hpp"

#include <string>

namespace tocsin::runtime {

// Ends the series; what Metrics::gauge() gave for it must not be used again. Nothing happens where
// there is none.
void retire_gauge(Metrics& metrics, const std::string& name, const prometheus::Labels& labels);

}  // namespace tocsin::runtime
