// The gateway's metrics. All are there from the start, so that a rate over them is 0 and not
// absent.
#pragma once

#include "gateway/http_answers.hpp"
#include "runtime/host/metrics.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin::gateway {

class GatewayMetrics {
public:
    // `metrics` outlives it.
    explicit GatewayMetrics(runtime::Metrics& metrics);

    void answered(const Served& served);
    void took(const Served& served, double seconds);
    // One of limit_names.
    void limited(std::string_view limit);
    void holds(std::size_t connections, std::size_t unsent_bytes);

private:
    // Each name in one place. `service` is one of a fixed list, `code` one of gRPC's.
    prometheus::Counter& requests(const std::string& service, const std::string& code);
    prometheus::Histogram& request_seconds(const std::string& service);
    prometheus::Gauge& connections();
    prometheus::Gauge& unsent_bytes();
    prometheus::Counter& limited_total(std::string_view limit);

    runtime::Metrics& metrics_;
};

}  // namespace tocsin::gateway
