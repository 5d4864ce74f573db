#include "gateway/gateway.hpp"
#include "runtime/edge/tls.hpp"
#include "runtime/host/core_dumps.hpp"
#include "runtime/host/descriptors.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/host/stop_signals.hpp"
#include "runtime/production.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdio>
#include <fstream>

namespace runtime = tocsin::runtime;
namespace logs = tocsin::runtime::logs;

static void tell_ports(const std::string& path, int gateway, int metrics) {
    const nlohmann::json ports{{"gateway", gateway}, {"metrics", metrics}};
    logs::info("listening", {{"ports", ports.dump()}});
    if (path.empty()) return;
    // Readers wait for the file to appear: it must never be seen half written.
    std::ofstream(path + ".new") << ports.dump() << "\n";
    std::rename((path + ".new").c_str(), path.c_str());
}

int main(int argc, char** argv) {
    runtime::Settings settings("tocsin-gateway", "Tocsin's gateway: HTTP in, gRPC out");
    runtime::RuntimeConfig config;
    tocsin::gateway::GatewayConfig gateway_config;
    config.declare_edge(settings);
    gateway_config.declare(settings);
    if (const auto code = settings.parse(argc, argv)) return *code;
    logs::start("tocsin-gateway", "info");
    auto problem = config.edge_problem();
    if (!problem) problem = runtime::production_edge_problem(config);
    if (!problem) problem = gateway_config.problem(config);
    if (!problem && config.jwks.empty())
        problem = "jwks: is required; the file or URL of the key set for tokens";
    if (problem) {
        logs::error("settings refused", {{"why", *problem}, {"help", "tocsin-gateway --help"}});
        return 2;
    }
    logs::start("tocsin-gateway", config.log_level);
    // Blocked before any thread starts, so that only sigwait below sees them.
    const sigset_t stop_signals = runtime::block_stop_signals();
    std::signal(SIGPIPE, SIG_IGN);
    if (const std::string why = runtime::raise_descriptor_limit(); !why.empty())
        runtime::logs::warn("the limit of open files cannot be raised", {{"why", why}});
    try {
        if (config.keeps_memory_private()) runtime::refuse_core_dumps();
        runtime::Metrics metrics(config.metrics_listen);
        const auto gateway = tocsin::gateway::make_gateway(
            gateway_config, metrics,
            runtime::client_credentials(config.tls_ca, config.tls_cert, config.tls_key),
            std::make_unique<runtime::TokenVerifier>(runtime::verifier_options(config)));
        gateway->start();
        gateway->dial_itself();
        tell_ports(config.ports_file, gateway->ports().at("gateway"), metrics.port());
        int signal = 0;
        sigwait(&stop_signals, &signal);
        logs::info("stopping");
        gateway->stop();
        logs::info("stopped");
        return 0;
    } catch (const std::exception& error) {
        logs::error("cannot run", {{"why", error.what()}});
        return 1;
    }
}
