// The gateway's settings.
#pragma once

#include "runtime/host/config.hpp"

#include "services.inc"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace tocsin::gateway {

struct GatewayConfig {
    std::string listen = "127.0.0.1:0";
    std::string tls_cert, tls_key;
    // Short service name to `host:port[,host:port...]`; empty: that service is not served here.
    std::map<std::string, std::string> upstreams{
#define TOCSIN_UPSTREAM(service) {#service, ""},
        TOCSIN_SERVICES(TOCSIN_UPSTREAM)
#undef TOCSIN_UPSTREAM
    };
    std::int64_t connections_max = 4096;
    std::int64_t connections_per_address_max = 0;
    std::int64_t requests_per_address_max = 10'000;      // a second
    std::int64_t requests_per_caller_max = 1'000;        // a second
    std::int64_t refused_tokens_per_address_max = 50;    // a second
    std::int64_t new_connections_per_address_max = 500;  // a second
    std::int64_t body_bytes_max = std::int64_t{2} << 20;
    std::int64_t drain_ms_max = 5000;

    // `with_upstreams`: false where the services live in the same process.
    void declare(runtime::Settings& settings, bool with_upstreams = true);
    // What makes the settings unusable, those that --production refuses included.
    std::optional<std::string> problem(const runtime::RuntimeConfig& runtime) const;
};

}  // namespace tocsin::gateway
