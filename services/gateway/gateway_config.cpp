#include "gateway/gateway_config.hpp"

#include "runtime/edge/tls.hpp"
#include "runtime/production.hpp"

namespace tocsin::gateway {

void GatewayConfig::declare(runtime::Settings& settings, bool with_upstreams) {
    settings.add("gateway-listen", listen, "where the gateway serves HTTP, host:port");
    settings.add("gateway-tls-cert", tls_cert,
                 "certificate chain (PEM) of its HTTP; read again when it changes");
    settings.add("gateway-tls-key", tls_key, "private key (PEM) of that certificate");
    settings.add("gateway-connections-max", connections_max, "most connections at a time", 1,
                 100'000);
    settings.add("gateway-connections-per-address-max", connections_per_address_max,
                 "of those, from one address (IPv6: /64); 0: a quarter. Behind a proxy, all come "
                 "from one",
                 0, 100'000);
    settings.add("gateway-requests-per-address-max", requests_per_address_max,
                 "most requests a second from one address, twice as many at once; 0: no limit, as "
                 "behind a proxy that has one",
                 0, 1'000'000);
    settings.add("gateway-requests-per-caller-max", requests_per_caller_max,
                 "the same of one caller, by realm and subject of the token; 0: no limit", 0,
                 1'000'000);
    settings.add("gateway-refused-tokens-per-address-max", refused_tokens_per_address_max,
                 "most tokens a second from one address that are refused, twice as many at once; "
                 "then its unknown tokens are answered 429 unchecked. 0: no limit",
                 0, 1'000'000);
    settings.add("gateway-new-connections-per-address-max", new_connections_per_address_max,
                 "most new connections a second from one address, twice as many at once; others "
                 "are closed without an answer. 0: no limit",
                 0, 1'000'000);
    settings.add("gateway-body-bytes-max", body_bytes_max,
                 "longest request body, bytes, of calls that take a text or a roster (others: 128 "
                 "KiB); well above the services' command-bytes-max, so that they name the field "
                 "that is too long",
                 1024, 4 << 20);
    settings.add("gateway-drain-ms-max", drain_ms_max,
                 "how long requests under way may take when it stops, ms", 0, 60'000);
    if (!with_upstreams) return;
    for (auto& [service, addresses] : upstreams)
        settings.add("upstream-" + service, addresses,
                     "gRPC address of " + service + ", host:port[,host:port...]");
}

std::optional<std::string> GatewayConfig::problem(const runtime::RuntimeConfig& runtime) const {
    if (tls_cert.empty() != tls_key.empty())
        return "gateway-tls-cert, gateway-tls-key: both or "
               "neither";
    if (!runtime.tls_cert.empty() && runtime.tls_ca.empty())
        return "tls-ca: is required with tls-cert: the gateway calls the services by TLS";
    if (!runtime.production) return std::nullopt;
    if (runtime.tls_ca.empty())
        return "tls-ca: without it the gateway calls the services in plain text; refused with "
               "--production";
    if (tls_cert.empty() && !runtime::is_loopback(listen))
        return "gateway-tls-cert: without it tokens pass in plain text; refused with --production "
               "unless gateway-listen is of this machine only (127.0.0.1:PORT), behind a proxy";
    if (tls_key.empty()) return std::nullopt;
    if (const auto why = runtime::secret_problem(tls_key); !why.empty())
        return "gateway-tls-key: " + why + "; refused with --production";
    return std::nullopt;
}

}  // namespace tocsin::gateway
