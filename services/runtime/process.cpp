#include "runtime/process.hpp"

#include "runtime/base/ids.hpp"
#include "runtime/edge/received.hpp"
#include "runtime/edge/tls.hpp"
#include "runtime/host/core_dumps.hpp"
#include "runtime/host/descriptors.hpp"
#include "runtime/host/logs.hpp"
#include "runtime/host/self_dial.hpp"
#include "runtime/host/stop_signals.hpp"
#include "runtime/kafka/kafka_log.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/ledger/world_key.hpp"
#include "runtime/production.hpp"

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <thread>

namespace tocsin::runtime {

using std::chrono::milliseconds;

static constexpr int sent_bytes_max = 4 << 20;
static constexpr int metadata_bytes_max = 32 << 10;

static WorldKeys read_keys(const std::string& path) {
    auto keys = read_world_keys(path);
    if (!keys) throw std::runtime_error("mac-key-file: " + keys.error());
    return std::move(*keys);
}

static KafkaAccess kafka_access(const RuntimeConfig& config) {
    auto properties = read_properties(config.kafka_properties);
    if (!properties)
        throw std::runtime_error(fmt::format("kafka-properties: {}", properties.error()));
    return {config.kafka_bootstrap, std::move(*properties)};
}

Process::Process(const RuntimeConfig& config, std::vector<ServiceDefinition> services,
                 std::vector<SidecarDefinition> sidecars)
    : config_(config),
      incarnation_(config.instance + "-" + new_uuid_v7()),
      keys_(read_keys(config.mac_key_file)),
      kafka_(kafka_access(config)),
      metrics_(config.metrics_listen),
      verifier_(verifier_options(config)),
      ledger_rpc_(config.instance),
      sidecar_definitions_(std::move(sidecars)) {
    if (config_.world == "exercise")
        live_hosts_ = std::make_unique<LiveHosts>(config_.live_hosts_file);
    for (ServiceDefinition& definition : services) host(std::move(definition));
}

Process::~Process() { drain(); }

void Process::host(ServiceDefinition definition) {
    auto hosted = std::make_unique<Hosted>();
    if (live_hosts_)
        hosted->http.refuse([hosts = live_hosts_.get()](std::string_view host, int port) {
            return hosts->refusal(host, port);
        });
    LedgerPlan plan{definition.name, definition.upstreams, definition.followed, definition.streams};
    // Every service confirms roles by approval's ledger.
    const bool sees_approval =
        definition.name == "approval" ||
        std::count(plan.upstreams.begin(), plan.upstreams.end(), "approval") > 0 ||
        std::count(plan.followed.begin(), plan.followed.end(), "approval") > 0;
    if (!sees_approval) plan.followed.emplace_back("approval");
    hosted->ledger = std::make_unique<LedgerProcess>(
        std::move(plan), config_,
        std::make_unique<KafkaLog>(kafka_, static_cast<int>(config_.kafka_partitions)), clock_,
        keys_, definition.rules(config_), metrics_);
    hosted->roster = std::make_unique<Roster>(static_cast<int>(config_.kafka_partitions));
    const Rpc::Limits limits{milliseconds(config_.call_deadline_ms_default), milliseconds(30'000),
                             static_cast<std::size_t>(config_.command_bytes_max)};
    hosted->rpc =
        std::make_unique<Rpc>(definition.name, *hosted->ledger, verifier_, *hosted->roster, limits);
    hosted->surroundings = std::make_unique<Surroundings>(
        Surroundings{config_, incarnation_, *hosted->ledger, *hosted->rpc, metrics_, hosted->http,
                     live_hosts_.get(), *hosted->roster, StreamTail{config_, kafka_, keys_}});
    hosted->service = definition.make(*hosted->surroundings);
    hosted->ledger->add_view(hosted->roster.get());
    for (View* view : hosted->service->views()) hosted->ledger->add_view(view);
    ledger_rpc_.add({hosted->ledger.get(), hosted->rpc.get()});
    hosted->definition = std::move(definition);
    hosted_.push_back(std::move(hosted));
}

std::vector<std::string> Process::health_names(const Hosted& hosted) const {
    const std::string& name = hosted.definition.name;
    std::string camel = name;
    camel.front() = static_cast<char>(std::toupper(camel.front()));
    return {name, fmt::format("tocsin.{}.v1.{}Service", name, camel)};
}

void Process::listen() {
    grpc::EnableDefaultHealthCheckService(true);
    if (!config_.production) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(
        config_.grpc_listen,
        server_credentials(config_.tls_cert, config_.tls_key, config_.tls_client_ca), &grpc_port_);
    bound_received(builder);
    builder.SetMaxSendMessageSize(sent_bytes_max);
    // Room for the longest token, so that one that is too long is refused as such.
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, metadata_bytes_max);
    bound_connections(builder);
    // Two processes on one port would answer for each other.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.RegisterService(&ledger_rpc_);
    for (const auto& hosted : hosted_)
        for (grpc::Service* endpoint : hosted->service->endpoints())
            builder.RegisterService(endpoint);
    server_ = builder.BuildAndStart();
    if (!server_ || grpc_port_ == 0)
        throw std::runtime_error(
            fmt::format("grpc-listen {}: cannot listen there", config_.grpc_listen));
    auto* health = server_->GetHealthCheckService();
    health->SetServingStatus(false);
    health_ = health;
    for (const auto& hosted : hosted_) {
        Hosted* here = hosted.get();
        for (const std::string& name : health_names(*here)) health->SetServingStatus(name, false);
        here->ledger->on_ready([this, here, started = false](bool ready) mutable {
            const std::lock_guard guard(health_mutex_);
            if (health_ == nullptr) return;  // Stopping: the server is on its way out.
            show_health();
            if (ready && !std::exchange(started, true)) here->service->start();
        });
    }
}

// The process takes no calls any more: health checks over existing connections must show it.
void Process::reachable(bool answers) {
    const std::lock_guard guard(health_mutex_);
    if (answers)
        logs::info("new connections reach this process again");
    else
        logs::warn("no new connection reaches this process",
                   {{"grpc_listen", config_.grpc_listen}});
    reachable_ = answers;
    if (health_ != nullptr) show_health();
}

void Process::show_health() {
    bool all_serve = true;
    for (const auto& hosted : hosted_) {
        const bool serves = reachable_ && hosted->ledger->ready();
        for (const std::string& name : health_names(*hosted))
            health_->SetServingStatus(name, serves);
        all_serve = all_serve && serves;
    }
    // The process as a whole serves when all it hosts does.
    health_->SetServingStatus("", all_serve);
}

static bool stop_wanted(const sigset_t& signals, milliseconds wait) {
    const timespec time{wait.count() / 1000, (wait.count() % 1000) * 1'000'000};
    return sigtimedwait(&signals, nullptr, &time) > 0;
}

// What this process writes and follows, each once.
std::vector<TopicSpec> Process::topics(const TopicPlan& plan) const {
    std::vector<TopicSpec> topics{ledger_spec(plan, "approval")};
    for (const auto& hosted : hosted_) {
        const auto& definition = hosted->definition;
        for (TopicSpec& topic : topics_of(plan, definition.name, definition.streams))
            topics.push_back(std::move(topic));
        for (const auto* list : {&definition.upstreams, &definition.followed})
            for (const std::string& service : *list) topics.push_back(ledger_spec(plan, service));
    }
    std::sort(topics.begin(), topics.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    topics.erase(std::unique(topics.begin(), topics.end(),
                             [](const auto& a, const auto& b) { return a.name == b.name; }),
                 topics.end());
    return topics;
}

// Nothing: the topics are there. Otherwise why Kafka is not ready for them; what will not pass by
// itself is thrown.
std::optional<std::string> Process::try_topics() {
    TopicAdmin admin(kafka_);
    const auto brokers = admin.brokers(milliseconds(3000));
    if (!brokers) return brokers.error();
    if (const auto refused = brokers_problem(config_, *brokers)) throw std::runtime_error(*refused);
    const int number = static_cast<int>(brokers->size());
    // A cluster that is half up must not pass for a small one: what is there already counts, and
    // what the operator says.
    const int wanted = static_cast<int>(config_.kafka_replication);
    const int there = admin.replicas(ledger_topic(config_.world, "approval"));
    if (there == 0 && number < wanted)
        return fmt::format("{} of the {} brokers that kafka-replication needs are up", number,
                           wanted);
    const int replicas = std::max(there, wanted > 0 ? wanted : std::min(number, 3));
    const TopicPlan plan{config_.world, static_cast<int>(config_.kafka_partitions), replicas};
    const auto fits = admin.ensure(topics(plan), replicas, config_.kafka_allow_unsafe);
    if (fits) return std::nullopt;
    const auto& [kind, text] = fits.error();
    if (kind == TopicFault::Kind::away) return text;
    throw std::runtime_error(kind == TopicFault::Kind::unsafe
                                 ? text + "; --kafka-allow-unsafe goes on regardless"
                                 : text);
}

// Waits for Kafka as long as it takes: after a power cut programs start in any order.
bool Process::prepare_topics(const sigset_t& stop_signals) {
    for (std::string logged; const auto why = try_topics();) {
        if (std::exchange(logged, *why) != *why)
            logs::warn("waiting for kafka",
                       {{"bootstrap", config_.kafka_bootstrap}, {"why", *why}});
        if (stop_wanted(stop_signals, milliseconds(500))) return false;
    }
    return true;
}

void Process::write_ports_file() {
    nlohmann::json ports{{"grpc", grpc_port_}, {"metrics", metrics_.port()}};
    for (const auto& sidecar : sidecars_)
        for (const auto& [name, port] : sidecar->ports()) ports[name] = port;
    logs::info("listening", {{"ports", ports.dump()}});
    if (config_.ports_file.empty()) return;
    // Readers wait for the file to appear: it must never be seen half written.
    const std::string draft = config_.ports_file + ".new";
    std::ofstream(draft) << ports.dump() << "\n";
    std::rename(draft.c_str(), config_.ports_file.c_str());
}

void Process::export_events() {
    event_exporter_ = std::make_unique<EventExporter>(config_, kafka_, keys_, metrics_);
    for (const auto& hosted : hosted_) event_exporter_->add(hosted->ledger.get());
    event_exporter_->start();
}

// A drain would save nothing: no caller can reach the process, and its supervisor starts it again.
static void end_deaf(const std::string& listen, const std::string& why) {
    logs::error("no new connection reaches this process; ending it",
                {{"grpc_listen", listen}, {"why", why}});
    std::_Exit(1);
}

int Process::serve(const sigset_t& stop_signals) {
    listen();
    auto dial = std::make_optional<SelfDial>(
        config_.grpc_listen, grpc_port_, SelfDialTimes{},
        SelfDial::Tells{[this](bool answers) { reachable(answers); },
                        [this](const std::string& why) { end_deaf(config_.grpc_listen, why); }});
    for (const SidecarDefinition& definition : sidecar_definitions_) {
        sidecars_.push_back(definition.make(config_, metrics_, grpc_port_));
        sidecars_.back()->start();
    }
    write_ports_file();
    if (prepare_topics(stop_signals)) {
        for (const auto& hosted : hosted_) hosted->ledger->start();
        export_events();
        int signal = 0;
        sigwait(&stop_signals, &signal);
    }
    logs::info("stopping");
    dial.reset();
    drain();
    logs::info("stopped");
    return 0;
}

namespace {

// Ends the process at `until` unless it is destroyed before: closing librdkafka's handles is best
// effort and can hang while brokers are away, and nothing that was accepted depends on it.
class LastResort {
public:
    explicit LastResort(std::chrono::steady_clock::time_point until)
        : thread_([this, until] {
              std::unique_lock lock(mutex_);
              if (over_changed_.wait_until(lock, until, [this] { return over_; })) return;
              logs::warn("shutdown took too long; ending the process as it is");
              std::_Exit(0);
          }) {}
    ~LastResort() {
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        over_changed_.notify_all();
        thread_.join();
    }

private:
    std::mutex mutex_;
    std::condition_variable over_changed_;
    bool over_ = false;
    std::thread thread_;  // last: it uses the members above
};

}  // namespace

// No new work, then what runs ends, then the threads; at most `drain_ms_max` in all.
void Process::drain() {
    const auto until = std::chrono::steady_clock::now() + milliseconds(config_.drain_ms_max);
    const LastResort last_resort(until);
    const auto left = [until] {
        return std::max(
            std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now()),
            milliseconds(0));
    };
    {
        const std::lock_guard guard(health_mutex_);
        if (health_ != nullptr) health_->SetServingStatus(false);
        health_ = nullptr;
    }
    // First, so that waiting callers get the reason, through the gateway as well: gRPC would wait
    // for each call until the call's own deadline.
    const auto calls_until = std::chrono::steady_clock::now() + left() / 3;
    for (auto& hosted : hosted_)
        hosted->ledger->end_calls(std::max(std::chrono::duration_cast<milliseconds>(
                                               calls_until - std::chrono::steady_clock::now()),
                                           milliseconds(0)));
    for (auto& sidecar : sidecars_) sidecar->stop();
    sidecars_.clear();
    for (auto& hosted : hosted_) hosted->service->stop();
    if (server_) server_->Shutdown(std::chrono::system_clock::now() + left() / 2);
    server_.reset();
    for (auto& hosted : hosted_) hosted->ledger->stop(left());
    if (event_exporter_) event_exporter_->stop(std::min(left(), milliseconds(1000)));
    event_exporter_.reset();
    for (auto& hosted : hosted_) hosted->http.stop();
    hosted_.clear();
}

int run(int argc, char** argv, const std::string& program, const std::string& description,
        std::vector<ServiceDefinition> services, std::vector<SidecarDefinition> sidecars) {
    Settings settings(program, description);
    RuntimeConfig config;
    config.declare(settings);
    for (const ServiceDefinition& service : services) service.declare(settings);
    for (const SidecarDefinition& sidecar : sidecars) sidecar.declare(settings);
    if (const auto code = settings.parse(argc, argv)) return *code;
    logs::start(program, "info");
    auto problem = config.problem();
    if (!problem) problem = production_problem(config);
    for (const ServiceDefinition& service : services)
        if (!problem) problem = service.problem(config);
    for (const SidecarDefinition& sidecar : sidecars)
        if (!problem) problem = sidecar.problem(config);
    if (problem) {
        logs::error("settings refused", {{"why", *problem}, {"help", program + " --help"}});
        return 2;
    }
    logs::start(program, config.log_level);
    // Blocked before any thread starts, so that only serve() sees them.
    const sigset_t stop_signals = block_stop_signals();
    std::signal(SIGPIPE, SIG_IGN);
    if (const std::string why = raise_descriptor_limit(); !why.empty())
        logs::warn("the limit of open files cannot be raised", {{"why", why}});
    try {
        if (config.keeps_memory_private()) refuse_core_dumps();
        Process process(config, std::move(services), std::move(sidecars));
        return process.serve(stop_signals);
    } catch (const std::exception& error) {
        logs::error("cannot run", {{"why", error.what()}});
        return 1;
    }
}

}  // namespace tocsin::runtime
