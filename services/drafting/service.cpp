#include "drafting/service.hpp"

#include "drafting/decider.hpp"
#include "drafting/rpc.hpp"

#include <memory>
#include <optional>
#include <string>

namespace tocsin::drafting {
namespace {

class DraftingService final : public runtime::Service {
public:
    explicit DraftingService(runtime::Surroundings& surroundings)
        : view_(static_cast<int>(surroundings.config.kafka_partitions),
                [&impossible = surroundings.metrics.counter(
                     "tocsin_lifecycle_impossible_moves_total",
                     "Moves of a message that the lifecycle does not allow; none is expected.")] {
                    impossible.Increment();
                }),
          rpc_(surroundings.rpc, view_, surroundings.config.world) {
        view_.show_size(runtime::view_gauges(surroundings.metrics, "drafting"));
    }

    std::vector<grpc::Service*> endpoints() override { return {&rpc_}; }
    std::vector<runtime::View*> views() override { return {&view_}; }
    // Streams have no end of their own: without this they would outlast the drain time.
    void stop() override {
        view_.stop();
        rpc_.stop();
    }

private:
    DraftingView view_;
    DraftingRpc rpc_;
};

}  // namespace

runtime::ServiceDefinition service() {
    runtime::ServiceDefinition definition;
    definition.name = "drafting";
    definition.upstreams = {"approval", "trigger", "publishing"};
    definition.rules = [](const runtime::RuntimeConfig& config) {
        State blank;
        blank.world = config.world;
        return std::make_unique<runtime::RulesOf<Decider>>(std::move(blank));
    };
    definition.make = [](runtime::Surroundings& surroundings) {
        return std::make_unique<DraftingService>(surroundings);
    };
    return definition;
}

}  // namespace tocsin::drafting
