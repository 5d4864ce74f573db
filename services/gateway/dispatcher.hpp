// What each address of the gateway answers: calls by Connect, feeds, health. Counts and logs each
// answer.
#pragma once

#include "gateway/connect.hpp"
#include "gateway/feeds.hpp"
#include "gateway/gateway_config.hpp"
#include "gateway/gateway_metrics.hpp"
#include "gateway/http_handler.hpp"
#include "gateway/rates.hpp"
#include "gateway/route.hpp"
#include "gateway/upstreams.hpp"
#include "gateway/work_pool.hpp"
#include "runtime/edge/identity.hpp"

#include <atomic>
#include <chrono>
#include <optional>

namespace tocsin::gateway {

class Dispatcher : public HttpHandler {
public:
    // What it is given outlives it. `tokens` null: the services alone check them.
    Dispatcher(const GatewayConfig& config, GatewayMetrics& metrics, Upstreams& upstreams,
               WorkPool& readers, WorkPool& writers, runtime::TokenVerifier* tokens);

    // By new connections; from any thread.
    void reachable(bool reachable) { reachable_ = reachable; }

    std::expected<Admitted, HttpResponse> admit(const HttpHead& head, const Peer& peer) override;
    asio::awaitable<HttpResponse> handle(const HttpRequest& request, Peer& peer) override;
    HttpResponse refuse(http::status status, const std::string& field,
                        std::string_view why) override;
    void limited(std::string_view limit) override;

private:
    using Clock = std::chrono::steady_clock;

    std::optional<ConnectError> too_often(const Route& route, const Peer& peer);
    std::expected<Admitted, HttpResponse> admit(const HttpHead& head, const Route& route,
                                                const Peer& peer, Served& served);
    asio::awaitable<HttpResponse> dispatch(const HttpRequest& request, const Route& route,
                                           Served& served, Peer& peer);
    asio::awaitable<HttpResponse> health(const HttpRequest& request, Served& served);
    void note(const HttpHead& request, const HttpResponse& response, const Served& served,
              Clock::duration took);

    GatewayMetrics& metrics_;
    Rates by_address_;
    Rates probes_by_address_;
    Upstreams& upstreams_;
    Connect connect_;
    Feeds feeds_;
    std::atomic<bool> reachable_{true};
};

}  // namespace tocsin::gateway
