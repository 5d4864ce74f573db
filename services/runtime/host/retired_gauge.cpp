#include "runtime/host/retired_gauge.hpp"

namespace tocsin::runtime {

void retire_gauge(Metrics& metrics, const std::string& name, const prometheus::Labels& labels) {
    // The registry gives the family that is there; its help stays.
    auto& family = prometheus::BuildGauge().Name(name).Register(metrics.registry());
    if (family.Has(labels)) family.Remove(&family.Add(labels));
}

}  // namespace tocsin::runtime
