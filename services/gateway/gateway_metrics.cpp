#include "gateway/gateway_metrics.hpp"

#include "gateway/catalog.hpp"
#include "gateway/connect_error.hpp"
#include "gateway/limits.hpp"

#include <vector>

namespace tocsin::gateway {

GatewayMetrics::GatewayMetrics(runtime::Metrics& metrics) : metrics_(metrics) {
    connections();
    unsent_bytes();
    for (const std::string_view limit : limit_names) limited_total(limit);
    std::vector<std::string> services{"feeds", "health", "none"};
    for (const CatalogEntry& entry : catalog())
        services.push_back(entry.name.empty() ? "ledger" : entry.name);
    for (const std::string& service : services) {
        request_seconds(service);
        requests(service, "ok");
        for (int code = grpc::StatusCode::CANCELLED; code <= grpc::StatusCode::UNAUTHENTICATED;
             ++code)
            requests(service, std::string{code_name(static_cast<grpc::StatusCode>(code))});
    }
}

void GatewayMetrics::answered(const Served& served) {
    requests(served.service, served.code).Increment();
    if (!served.limited_by.empty()) limited(served.limited_by);
}

void GatewayMetrics::took(const Served& served, double seconds) {
    request_seconds(served.service).Observe(seconds);
}

void GatewayMetrics::limited(std::string_view limit) { limited_total(limit).Increment(); }

void GatewayMetrics::holds(std::size_t connections_open, std::size_t bytes) {
    connections().Set(static_cast<double>(connections_open));
    unsent_bytes().Set(static_cast<double>(bytes));
}

prometheus::Counter& GatewayMetrics::requests(const std::string& service, const std::string& code) {
    return metrics_.counter("tocsin_gateway_requests_total",
                            "Requests answered since the start, by service and code of the answer.",
                            {{"service", service}, {"code", code}});
}

prometheus::Histogram& GatewayMetrics::request_seconds(const std::string& service) {
    return metrics_.histogram(
        "tocsin_gateway_request_seconds", "Seconds to answer a request.", {{"service", service}},
        {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30});
}

prometheus::Gauge& GatewayMetrics::connections() {
    return metrics_.gauge("tocsin_gateway_connections", "Connections open now.");
}

prometheus::Gauge& GatewayMetrics::unsent_bytes() {
    return metrics_.gauge("tocsin_gateway_unsent_bytes",
                          "Bytes of response bodies that are being sent now; a body that is "
                          "sent to many counts once.");
}

prometheus::Counter& GatewayMetrics::limited_total(std::string_view limit) {
    return metrics_.counter("tocsin_gateway_limited_total",
                            "Requests refused, and connections refused or closed, since the "
                            "start, by the limit that was reached.",
                            {{"limit", std::string(limit)}});
}

}  // namespace tocsin::gateway
