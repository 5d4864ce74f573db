#include "gateway/gateway.hpp"

#include "gateway/catalog.hpp"
#include "gateway/connect.hpp"
#include "gateway/feeds.hpp"
#include "gateway/limits.hpp"
#include "runtime/base/traceparent.hpp"
#include "runtime/edge/tls.hpp"
#include "runtime/host/descriptors.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/host/self_dial.hpp"
#include "runtime/production.hpp"

#include <fmt/format.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <future>
#include <optional>
#include <thread>

namespace tocsin::gateway {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
namespace logs = runtime::logs;

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
                 "are closed without a word. 0: no limit",
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

static std::unique_ptr<ServerTls> tls_of(const GatewayConfig& config) {
    if (config.tls_cert.empty()) return nullptr;
    return std::make_unique<ServerTls>(config.tls_cert, config.tls_key);
}

static HttpLimits limits_of(const GatewayConfig& config) {
    const auto wanted = static_cast<std::size_t>(config.connections_max);
    const std::size_t limit = runtime::descriptor_limit();
    const auto fitting = runtime::connections_that_fit(wanted, limit);
    if (!fitting)
        throw std::runtime_error(fmt::format(
            "{} files may be open and {} are needed at the least: raise the limit (ulimit -n, "
            "LimitNOFILE=)",
            limit, runtime::descriptors_needed()));
    if (*fitting < wanted)
        logs::warn(
            "fewer connections than gateway-connections-max, since so many files may be open",
            {{"connections", *fitting}, {"files", limit}});
    HttpLimits limits;
    limits.connections_max = *fitting;
    limits.connections_per_address_max =
        config.connections_per_address_max > 0
            ? static_cast<std::size_t>(config.connections_per_address_max)
            : std::max<std::size_t>(*fitting / 4, 1);
    limits.new_connections_per_address =
        static_cast<double>(config.new_connections_per_address_max);
    return limits;
}

class Gateway::Core : HttpHandler {
public:
    Core(const GatewayConfig& config, runtime::Metrics& metrics,
         std::shared_ptr<grpc::ChannelCredentials> credentials,
         std::unique_ptr<runtime::TokenVerifier> tokens)
        : listen_(config.listen),
          drain_(config.drain_ms_max),
          metrics_(metrics),
          tokens_(std::move(tokens)),
          by_address_(static_cast<double>(config.requests_per_address_max)),
          upstreams_(io_, config.upstreams, std::move(credentials)),
          readers_(io_),
          writers_(io_),
          connect_(upstreams_, readers_, writers_, tokens_.get(),
                   {static_cast<double>(config.requests_per_caller_max),
                    static_cast<double>(config.refused_tokens_per_address_max),
                    static_cast<std::size_t>(config.body_bytes_max)}),
          feeds_(upstreams_),
          server_(io_, config.listen, limits_of(config), *this, tls_of(config)),
          work_(asio::make_work_guard(io_)) {
        introduce_metrics();
    }
    ~Core() override { stop(); }

    int port() const { return server_.port(); }

    void start() {
        server_.start();
        asio::post(io_, [this] { count_connections(); });
        thread_ = std::jthread([this] { io_.run(); });
    }

    void dial_itself() {
        dial_.emplace(listen_, port(), runtime::SelfDialTimes{},
                      runtime::SelfDial::Tells{[this](bool answers) { reachable_ = answers; },
                                               [this](const std::string& why) { end_deaf(why); }});
    }

    void stop() {
        if (!thread_.joinable()) return;
        dial_.reset();
        auto drained = std::make_shared<std::promise<void>>();
        auto done = drained->get_future();
        asio::post(io_, [this, drained] { server_.stop([drained] { drained->set_value(); }); });
        if (done.wait_for(drain_) == std::future_status::timeout) {
            asio::post(io_, [this] {
                upstreams_.cancel();
                server_.abort();
            });
            done.wait();
        }
        // Health checks may be under way for nobody any more; their results come to this thread.
        asio::post(io_, [this] { finish(); });
        thread_.join();
    }

private:
    std::expected<Admitted, HttpResponse> admit(const HttpHead& head, const Peer& peer) override {
        const auto begin = Clock::now();
        Served served;
        const Route route = route_of({head.target().data(), head.target().size()});
        auto admitted = admit(head, route, peer, served);
        if (admitted) return admitted;
        note(head, admitted.error(), served, Clock::now() - begin);
        return admitted;
    }

    std::expected<Admitted, HttpResponse> admit(const HttpHead& head, const Route& route,
                                                const Peer& peer, Served& served) {
        // Probes must not be hindered by whoever else is at their address, and cost nothing.
        const bool probe = route.kind == Route::Kind::health || route.kind == Route::Kind::live;
        const auto wait = probe ? std::nullopt : by_address_.take(peer.address, Clock::now());
        if (wait) {
            served.limited_by = "requests_of_address";
            if (route.kind != Route::Kind::rpc && route.kind != Route::Kind::none)
                served.service = "feeds";
            HttpResponse response =
                answer(come_again(grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS",
                                  "too many requests from this address "
                                  "(gateway-requests-per-address-max)",
                                  *wait),
                       served);
            response.keep_alive(false);
            return std::unexpected(std::move(response));
        }
        if (route.kind == Route::Kind::rpc) return connect_.admit(head, route, peer, served);
        return Admitted{other_body_bytes_max, {}};
    }

    asio::awaitable<HttpResponse> handle(const HttpRequest& request, Peer& peer) override {
        const auto begin = Clock::now();
        Served served;
        HttpResponse response;
        const Route route = route_of({request.target().data(), request.target().size()});
        try {
            response = co_await dispatch(request, route, served, peer);
        } catch (const std::exception& error) {
            logs::error(
                "request failed",
                {{"service", served.service}, {"method", served.method}, {"why", error.what()}});
            response = answer(refusal(grpc::StatusCode::INTERNAL, "INTERNAL",
                                      "the gateway failed; its log says why"),
                              served);
        }
        note(request, response, served, Clock::now() - begin);
        co_return response;
    }

    HttpResponse refuse(http::status status, const std::string& field,
                        std::string_view why) override {
        Served served;
        HttpResponse response = answer(unread(status, field, std::string(why)), served, status);
        requests(served.service, served.code).Increment();
        if (status == http::status::payload_too_large) limited("body_bytes");
        if (status == http::status::request_header_fields_too_large) limited("header_bytes");
        return response;
    }

    void limited(std::string_view limit) override { limited_total(limit).Increment(); }

    // What is too large is not read, so that no field of the request is known.
    static ConnectError unread(http::status status, const std::string& field, std::string why) {
        if (status == http::status::service_unavailable)
            return refusal(grpc::StatusCode::UNAVAILABLE, "TOO_MANY_CONNECTIONS", std::move(why));
        if (status == http::status::payload_too_large)
            return bad_field("BAD_REQUEST", field, std::move(why),
                             grpc::StatusCode::RESOURCE_EXHAUSTED);
        if (!field.empty()) return bad_field("BAD_REQUEST", field, std::move(why));
        return refusal(grpc::StatusCode::INVALID_ARGUMENT, "BAD_REQUEST", std::move(why));
    }

    asio::awaitable<HttpResponse> dispatch(const HttpRequest& request, const Route& route,
                                           Served& served, Peer& peer) {
        switch (route.kind) {
            case Route::Kind::rpc:
                co_return co_await connect_.handle(request, route, served, peer);
            case Route::Kind::feed:
            case Route::Kind::alert:
                co_return co_await feeds_.handle(request, route, served, peer);
            case Route::Kind::health:
                co_return co_await health(request, served);
            case Route::Kind::live:
                served.service = "health";
                co_return answer(http::status::ok, "application/json", R"({"status":"alive"})");
            case Route::Kind::none:
                break;
        }
        co_return answer(refusal(grpc::StatusCode::UNIMPLEMENTED, "NOT_FOUND", "no such address"),
                         served, http::status::not_found);
    }

    asio::awaitable<HttpResponse> health(const HttpRequest& request, Served& served) {
        served.service = "health";
        if (request.method() != http::verb::get && request.method() != http::verb::head)
            co_return wrong_method("GET, HEAD", served);
        const auto services = co_await upstreams_.health();
        const bool serving = reachable_ && !services.empty() &&
                             std::all_of(services.begin(), services.end(),
                                         [](const auto& one) { return one.second == "serving"; });
        const nlohmann::json body{{"status", serving ? "serving" : "not_serving"},
                                  {"services", services}};
        if (!serving) served.code = "unavailable";
        HttpResponse response =
            answer(serving ? http::status::ok : http::status::service_unavailable,
                   "application/json", body.dump());
        response.set(http::field::cache_control, "no-store");
        co_return response;
    }

    void note(const HttpHead& request, const HttpResponse& response, const Served& served,
              Clock::duration took) {
        const double seconds = std::chrono::duration<double>(took).count();
        requests(served.service, served.code).Increment();
        request_seconds(served.service).Observe(seconds);
        if (!served.limited_by.empty()) limited(served.limited_by);
        const auto method = request.method_string();
        logs::debug("request", {{"http_method", std::string(method.data(), method.size())},
                                {"service", served.service},
                                {"method", served.method},
                                {"code", served.code},
                                {"limited_by", served.limited_by},
                                {"status", response.result_int()},
                                {"seconds", seconds},
                                {"trace_id", logs::trace_id(served.traceparent)}});
    }

    // Each name in one place. `service` is one of a fixed list, `code` one of gRPC's.
    prometheus::Counter& requests(const std::string& service, const std::string& code) {
        return metrics_.counter("tocsin_gateway_requests_total",
                                "Requests answered since the start, by the service that they were "
                                "for and the code of the answer.",
                                {{"service", service}, {"code", code}});
    }
    prometheus::Histogram& request_seconds(const std::string& service) {
        return metrics_.histogram(
            "tocsin_gateway_request_seconds", "Time to answer a request.", {{"service", service}},
            {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30});
    }
    prometheus::Gauge& connections() {
        return metrics_.gauge("tocsin_gateway_connections", "Connections open now.");
    }
    prometheus::Gauge& unsent_bytes() {
        return metrics_.gauge("tocsin_gateway_unsent_bytes",
                              "Bodies of responses that are being sent now; what many are sent "
                              "counts once.");
    }
    prometheus::Counter& limited_total(std::string_view limit) {
        return metrics_.counter("tocsin_gateway_limited_total",
                                "Requests refused and connections refused or closed since the "
                                "start, by the limit that they met.",
                                {{"limit", std::string(limit)}});
    }
    // There from the start, so that a rate over them is 0 and not absent.
    void introduce_metrics() {
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

    // What runs is not to be saved by a drain: nobody can reach it, and whoever supervises the
    // process starts it again.
    void end_deaf(const std::string& why) {
        logs::error("no new connection reaches the gateway; ending the process",
                    {{"gateway_listen", listen_}, {"why", why}});
        std::_Exit(1);
    }

    void count_connections() {
        connections().Set(static_cast<double>(server_.connections()));
        unsent_bytes().Set(static_cast<double>(server_.unsent_bytes()));
        const std::size_t shed = server_.shed() - std::exchange(shed_before_, server_.shed());
        if (shed > 0)
            logs::warn("idle connections closed, so that others have room",
                       {{"closed", shed}, {"open", server_.connections()}});
        tick_.expires_after(std::chrono::seconds(1));
        tick_.async_wait([this](boost::system::error_code cancelled) {
            if (!cancelled && work_.owns_work()) count_connections();
        });
    }

    void finish() {
        tick_.cancel();
        upstreams_.cancel();
        if (!upstreams_.idle() || !readers_.idle() || !writers_.idle()) {
            tick_.expires_after(milliseconds(5));
            tick_.async_wait([this](boost::system::error_code) { finish(); });
            return;
        }
        connections().Set(0);
        unsent_bytes().Set(0);
        work_.reset();
    }

    // Of what takes no body.
    static constexpr std::size_t other_body_bytes_max = 1024;

    std::string listen_;
    milliseconds drain_;
    runtime::Metrics& metrics_;
    std::unique_ptr<runtime::TokenVerifier> tokens_;
    Rates by_address_;
    asio::io_context io_{1};
    Upstreams upstreams_;
    WorkPool readers_, writers_;
    Connect connect_;
    Feeds feeds_;
    HttpServer server_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    asio::steady_timer tick_{io_};
    std::size_t shed_before_ = 0;
    std::atomic<bool> reachable_{true};  // by new connections
    std::jthread thread_;
    std::optional<runtime::SelfDial> dial_;  // last: it uses what is above
};

Gateway::Gateway(const GatewayConfig& config, runtime::Metrics& metrics,
                 std::shared_ptr<grpc::ChannelCredentials> credentials,
                 std::unique_ptr<runtime::TokenVerifier> tokens)
    : core_(std::make_unique<Core>(config, metrics, std::move(credentials), std::move(tokens))) {}

Gateway::~Gateway() = default;

int Gateway::port() const { return core_->port(); }

void Gateway::start() { core_->start(); }

void Gateway::dial_itself() { core_->dial_itself(); }

void Gateway::stop() { core_->stop(); }

namespace {

class GatewaySidecar : public runtime::Sidecar {
public:
    GatewaySidecar(const GatewayConfig& config, const runtime::RuntimeConfig& runtime,
                   runtime::Metrics& metrics)
        : gateway_(config, metrics,
                   runtime::client_credentials(runtime.tls_ca, runtime.tls_cert, runtime.tls_key),
                   std::make_unique<runtime::TokenVerifier>(runtime::verifier_options(runtime))) {}
    void start() override {
        gateway_.start();
        gateway_.dial_itself();
    }
    void stop() override { gateway_.stop(); }
    std::map<std::string, int> ports() const override { return {{"gateway", gateway_.port()}}; }

private:
    Gateway gateway_;
};

// The host part of where this process serves gRPC, as somebody inside can reach it.
std::string reachable_host(const std::string& listen) {
    const std::string host = listen.substr(0, listen.rfind(':'));
    return host == "0.0.0.0" || host == "[::]" || host.empty() ? "127.0.0.1" : host;
}

}  // namespace

runtime::SidecarDefinition sidecar() {
    auto config = std::make_shared<GatewayConfig>();
    runtime::SidecarDefinition definition;
    definition.declare = [config](runtime::Settings& settings) {
        config->declare(settings, false);
    };
    definition.problem = [config](const runtime::RuntimeConfig& runtime) {
        return config->problem(runtime);
    };
    definition.make = [config](const runtime::RuntimeConfig& runtime, runtime::Metrics& metrics,
                               int grpc_port) {
        for (auto& [service, address] : config->upstreams)
            address = reachable_host(runtime.grpc_listen) + ":" + std::to_string(grpc_port);
        return std::make_unique<GatewaySidecar>(*config, runtime, metrics);
    };
    return definition;
}

}  // namespace tocsin::gateway
