// One process that hosts services: built from the most general to the most specific, torn down in
// reverse. See service.hpp for what it hosts.
#pragma once

#include "runtime/edge/ledger_rpc.hpp"
#include "runtime/edge/roster.hpp"
#include "runtime/http/http.hpp"
#include "runtime/kafka/event_exporter.hpp"
#include "runtime/ledger/ledger_process.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/service.hpp"

#include <csignal>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tocsin::runtime {

class Process {
public:
    Process(const RuntimeConfig& config, std::vector<ServiceDefinition> services,
            std::vector<SidecarDefinition> sidecars);
    ~Process();

    // Serves until a signal of `stop_signals` (blocked in every thread) arrives; the exit code.
    int serve(const sigset_t& stop_signals);

private:
    struct Hosted {
        ServiceDefinition definition;
        // Each its own, so that what one fetches never goes before what another sends.
        HttpClient http;
        std::unique_ptr<LedgerProcess> ledger;
        std::unique_ptr<Roster> roster;
        std::unique_ptr<Rpc> rpc;
        std::unique_ptr<Surroundings> surroundings;
        std::unique_ptr<Service> service;
    };

    void host(ServiceDefinition definition);
    void listen();
    void export_events();
    std::vector<std::string> health_names(const Hosted& hosted) const;
    std::vector<TopicSpec> topics(const TopicPlan& plan) const;
    std::optional<std::string> try_topics();
    void reachable(bool answers);
    // With `health_mutex_`, while `health_` is there.
    void show_health();
    // False: a stop signal came first.
    bool prepare_topics(const sigset_t& stop_signals);
    void write_ports_file();
    void drain();

    const RuntimeConfig& config_;
    SystemClock clock_;
    std::string incarnation_;
    WorldKeys keys_;
    KafkaAccess kafka_;
    Metrics metrics_;
    TokenVerifier verifier_;
    LedgerRpc ledger_rpc_;
    std::unique_ptr<LiveHosts> live_hosts_;  // null in the live world
    std::vector<std::unique_ptr<Hosted>> hosted_;
    std::unique_ptr<EventExporter> event_exporter_;
    std::unique_ptr<grpc::Server> server_;
    std::mutex health_mutex_;  // ledger threads report, and the server ends
    grpc::HealthCheckServiceInterface* health_ = nullptr;  // null: not there, or stopping
    bool reachable_ = true;                                // by new connections
    int grpc_port_ = 0;
    std::vector<SidecarDefinition> sidecar_definitions_;
    std::vector<std::unique_ptr<Sidecar>> sidecars_;
};

}  // namespace tocsin::runtime
