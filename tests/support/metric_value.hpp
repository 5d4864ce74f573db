// What a metric says now, as a scrape would see it.
#pragma once

#include "runtime/host/metrics.hpp"

#include <optional>
#include <string>

namespace tocsin::testing {

namespace detail {

inline std::optional<prometheus::ClientMetric> find_metric(runtime::Metrics& metrics,
                                                           const std::string& name,
                                                           const prometheus::Labels& labels) {
    for (const auto& family : metrics.registry().Collect()) {
        if (family.name != name) continue;
        for (const auto& metric : family.metric) {
            prometheus::Labels found;
            for (const auto& label : metric.label) found[label.name] = label.value;
            if (found == labels) return metric;
        }
    }
    return std::nullopt;
}

}  // namespace detail

// Of a counter or a gauge; nothing where there is no such series.
inline std::optional<double> metric_value(runtime::Metrics& metrics, const std::string& name,
                                          const prometheus::Labels& labels = {}) {
    const auto metric = detail::find_metric(metrics, name, labels);
    if (!metric) return std::nullopt;
    return metric->counter.value != 0 ? metric->counter.value : metric->gauge.value;
}

struct Observed {
    std::uint64_t count = 0;
    double sum = 0;
};

// Of a histogram; nothing where there is no such series.
inline std::optional<Observed> observed(runtime::Metrics& metrics, const std::string& name,
                                        const prometheus::Labels& labels = {}) {
    const auto metric = detail::find_metric(metrics, name, labels);
    if (!metric) return std::nullopt;
    return Observed{metric->histogram.sample_count, metric->histogram.sample_sum};
}

}  // namespace tocsin::testing
