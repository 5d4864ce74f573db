// What a service is to the process that hosts it. Each service defines one of these; main.cpp of a
// service hosts one, tocsin-all hosts them all.
#pragma once

#include "runtime/edge/roster.hpp"
#include "runtime/edge/rpc.hpp"
#include "runtime/host/config.hpp"
#include "runtime/host/metrics.hpp"
#include "runtime/http/http.hpp"
#include "runtime/http/live_hosts.hpp"
#include "runtime/kafka/stream_tail.hpp"
#include "runtime/ledger/ledger.hpp"
#include "runtime/ledger/rules.hpp"
#include "runtime/ledger/view.hpp"

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::runtime {

// Everything a service may use, all of it living longer than the service.
struct Surroundings {
    const RuntimeConfig& config;
    const std::string& incarnation;  // names this run of this process; new at every start
    Ledger& ledger;
    Rpc& rpc;
    Metrics& metrics;
    // In the exercise world it reaches no host of `live_hosts`, which is null in the live one.
    HttpClient& http;
    LiveHosts* live_hosts;
    const Roster& roster;
    StreamTail tails;
};

// One running service. Built before history is folded, destroyed after the ledger thread ended.
class Service {
public:
    virtual ~Service() = default;
    virtual std::vector<grpc::Service*> endpoints() = 0;
    // Fed in this order, on the ledger thread.
    virtual std::vector<View*> views() = 0;
    // History is folded and calls come in.
    virtual void start() {}
    // No new work; what runs ends within the drain time.
    virtual void stop() {}
};

struct ServiceDefinition {
    std::string name;
    // Services whose ledgers are inputs of the decider.
    std::vector<std::string> upstreams;
    // Services whose ledgers only the views follow.
    std::vector<std::string> followed;
    // Streams of its own that are inputs of the decider, such as `readings`.
    std::vector<std::string> streams;
    // By the settings, once they are known to be usable.
    std::function<std::unique_ptr<Rules>(const RuntimeConfig&)> rules;
    // Settings of its own.
    std::function<void(Settings&)> declare = [](Settings&) {};
    // What makes them unusable, beginning with the setting's name.
    std::function<std::optional<std::string>(const RuntimeConfig&)> problem =
        [](const RuntimeConfig&) { return std::nullopt; };
    std::function<std::unique_ptr<Service>(Surroundings&)> make;
};

// Something else that shares the process and has no ledger: the gateway, in tocsin-all.
class Sidecar {
public:
    virtual ~Sidecar() = default;
    virtual void start() = 0;
    virtual void stop() = 0;
    // Ports it listens on, by name.
    virtual std::map<std::string, int> ports() const = 0;
};

struct SidecarDefinition {
    std::function<void(Settings&)> declare;
    std::function<std::optional<std::string>(const RuntimeConfig&)> problem =
        [](const RuntimeConfig&) { return std::nullopt; };
    // `grpc_port`: where this process serves its services.
    std::function<std::unique_ptr<Sidecar>(const RuntimeConfig&, Metrics&, int grpc_port)> make;
};

// Hosts services until a signal of stop_signals.hpp; the exit code of main(). Ends within
// `drain_ms_max`.
int run(int argc, char** argv, const std::string& program, const std::string& description,
        std::vector<ServiceDefinition> services, std::vector<SidecarDefinition> sidecars = {});

}  // namespace tocsin::runtime
