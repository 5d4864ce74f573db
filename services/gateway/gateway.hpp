// The gateway: HTTP in, gRPC out. It keeps no state; any number of them may run.
//
// Lifecycle: construct (binds), start(), stop() (drains), destroy. One thread of its own serves all
// connections, a few more read what is large; start and stop are called from one other thread.
#pragma once

#include "runtime/edge/identity.hpp"
#include "runtime/host/config.hpp"
#include "runtime/host/metrics.hpp"
#include "runtime/service.hpp"

#include "services.inc"

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <map>
#include <memory>
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

class Gateway {
public:
    // Without `tokens` only the services check them, after the body was read. Throws
    // std::runtime_error when it cannot listen, or may open too few files to be of use.
    Gateway(const GatewayConfig& config, runtime::Metrics& metrics,
            std::shared_ptr<grpc::ChannelCredentials> credentials,
            std::unique_ptr<runtime::TokenVerifier> tokens = nullptr);
    ~Gateway();
    Gateway(const Gateway&) = delete;

    int port() const;
    void start();
    // From now on it dials its own port: health says so when nobody is heard there, and in the end
    // the process ends.
    void dial_itself();
    // Takes no new connections; returns when what was under way is answered, or cut off after the
    // drain time.
    void stop();

private:
    class Core;
    std::unique_ptr<Core> core_;
};

// The gateway inside a process that hosts the services.
runtime::SidecarDefinition sidecar();

}  // namespace tocsin::gateway
