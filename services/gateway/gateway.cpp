#include "gateway/gateway.hpp"

#include "gateway/dispatcher.hpp"
#include "gateway/http_server.hpp"
#include "runtime/edge/tls.hpp"
#include "runtime/host/descriptors.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/host/self_dial.hpp"

#include <fmt/format.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <optional>
#include <thread>

namespace tocsin::gateway {

using std::chrono::milliseconds;
namespace logs = runtime::logs;

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

namespace {

class HttpGateway : public Gateway {
public:
    HttpGateway(const GatewayConfig& config, runtime::Metrics& metrics,
                const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                std::unique_ptr<runtime::TokenVerifier> tokens)
        : listen_(config.listen),
          drain_(config.drain_ms_max),
          tokens_(std::move(tokens)),
          upstreams_(io_, config.upstreams, credentials),
          readers_(io_),
          writers_(io_),
          metrics_(metrics),
          dispatcher_(config, metrics_, upstreams_, readers_, writers_, tokens_.get()),
          server_(io_, config.listen, limits_of(config), dispatcher_, tls_of(config)),
          work_(asio::make_work_guard(io_)) {}
    ~HttpGateway() override { HttpGateway::stop(); }

    std::map<std::string, int> ports() const override { return {{"gateway", server_.port()}}; }

    void start() override {
        server_.start();
        asio::post(io_, [this] { count_connections(); });
        thread_ = std::jthread([this] { io_.run(); });
    }

    void dial_itself() override {
        const auto answers = [this](bool reachable) { dispatcher_.reachable(reachable); };
        const auto deaf = [this](const std::string& why) { end_deaf(why); };
        const auto accepted = [this] { return server_.accepted(); };
        dial_.emplace(listen_, server_.port(), runtime::SelfDialTimes{},
                      runtime::SelfDial::Tells{answers, deaf, accepted});
    }

    void stop() override {
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
    // A drain would save nothing: no caller can reach the process, and its supervisor starts it
    // again.
    void end_deaf(const std::string& why) {
        logs::error("no new connection reaches the gateway; ending the process",
                    {{"gateway_listen", listen_}, {"why", why}});
        std::_Exit(1);
    }

    void count_connections() {
        metrics_.holds(server_.connections(), server_.unsent_bytes());
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
        metrics_.holds(0, 0);
        work_.reset();
    }

    std::string listen_;
    milliseconds drain_;
    std::unique_ptr<runtime::TokenVerifier> tokens_;
    asio::io_context io_{1};
    Upstreams upstreams_;
    WorkPool readers_, writers_;
    GatewayMetrics metrics_;
    Dispatcher dispatcher_;
    HttpServer server_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    asio::steady_timer tick_{io_};
    std::size_t shed_before_ = 0;
    std::jthread thread_;
    std::optional<runtime::SelfDial> dial_;  // last: it uses what is above
};

}  // namespace

std::unique_ptr<Gateway> make_gateway(const GatewayConfig& config, runtime::Metrics& metrics,
                                      const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                      std::unique_ptr<runtime::TokenVerifier> tokens) {
    return std::make_unique<HttpGateway>(config, metrics, credentials, std::move(tokens));
}

// The host part of where this process serves gRPC, as somebody inside can reach it.
static std::string reachable_host(const std::string& listen) {
    const std::string host = listen.substr(0, listen.rfind(':'));
    return host == "0.0.0.0" || host == "[::]" || host.empty() ? "127.0.0.1" : host;
}

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
        auto gateway = make_gateway(
            *config, metrics,
            runtime::client_credentials(runtime.tls_ca, runtime.tls_cert, runtime.tls_key),
            std::make_unique<runtime::TokenVerifier>(runtime::verifier_options(runtime)));
        gateway->dial_itself();
        return gateway;
    };
    return definition;
}

}  // namespace tocsin::gateway
