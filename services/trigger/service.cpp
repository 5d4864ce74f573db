#include "trigger/service.hpp"

#include "runtime/aside.hpp"
#include "trigger/poller.hpp"
#include "trigger/rpc.hpp"

#include <atomic>
#include <optional>
#include <string>

namespace tocsin::trigger {
namespace {

struct TriggerConfig {
    bool allow_private_addresses = false;
};

std::optional<std::string> problem_of(const TriggerConfig& config,
                                      const runtime::RuntimeConfig& runtime) {
    if (!runtime.production || !config.allow_private_addresses) return std::nullopt;
    return "trigger-allow-private-addresses: it is for tests only; refused with --production";
}

PollerLinks links_of(runtime::Surroundings& surroundings, Heard& heard, runtime::Aside& reading) {
    runtime::HttpClient& http = surroundings.http;
    return {surroundings.ledger,
            http,
            [&http](std::move_only_function<void()> task) { http.post(std::move(task)); },
            [] { return std::chrono::floor<runtime::Duration>(std::chrono::system_clock::now()); },
            [] { return std::chrono::steady_clock::now(); },
            heard,
            [&reading](std::move_only_function<void()> task) { reading.run(std::move(task)); }};
}

class TriggerService final : public runtime::Service {
public:
    TriggerService(runtime::Surroundings& surroundings, const TriggerConfig& config, Heard& heard)
        : http_(surroundings.http),
          view_(static_cast<int>(surroundings.config.kafka_partitions)),
          health_(surroundings.metrics),
          rpc_(surroundings.rpc, view_, health_,
               poll_seconds_least(config.allow_private_addresses)),
          poller_(links_of(surroundings, heard, reading_), health_,
                  config.allow_private_addresses) {
        view_.show_size(runtime::view_gauges(surroundings.metrics, "trigger"));
        view_.on_change([this] {
            if (started_) refresh_soon();
        });
    }

    std::vector<grpc::Service*> endpoints() override { return {&rpc_}; }
    std::vector<runtime::View*> views() override { return {&view_}; }
    void start() override {
        started_ = true;
        refresh_soon();
    }
    void stop() override { poller_.stop(); }

private:
    // Many changes at once are one look at the view.
    void refresh_soon() {
        if (refresh_wanted_.exchange(true)) return;
        http_.post([this] {
            refresh_wanted_ = false;
            poller_.refresh(view_.wanted());
        });
    }

    runtime::HttpClient& http_;
    TriggerView view_;
    HealthBook health_;
    TriggerRpc rpc_;
    Poller poller_;
    // After the poller, to end before it: what it reads belongs to that. An answer waits for each
    // poll that is under way.
    runtime::Aside reading_{PollBudget::under_way_max};
    std::atomic<bool> started_ = false;
    std::atomic<bool> refresh_wanted_ = false;
};

}  // namespace

runtime::ServiceDefinition service() {
    const auto config = std::make_shared<TriggerConfig>();
    const auto heard = std::make_shared<Heard>([] { return std::chrono::steady_clock::now(); });
    runtime::ServiceDefinition definition;
    definition.name = "trigger";
    definition.streams = {"readings"};
    definition.rules = [heard] { return listening_rules(heard); };
    definition.declare = [config](runtime::Settings& settings) {
        settings.add("trigger-allow-private-addresses", config->allow_private_addresses,
                     "poll sources on loopback, private and other inner addresses; for tests only");
    };
    definition.problem = [config](const runtime::RuntimeConfig& runtime) {
        return problem_of(*config, runtime);
    };
    definition.make = [config, heard](runtime::Surroundings& surroundings) {
        return std::make_unique<TriggerService>(surroundings, *config, *heard);
    };
    return definition;
}

}  // namespace tocsin::trigger
