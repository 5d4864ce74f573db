#include "measurement/service.hpp"

#include "measurement/decider.hpp"
#include "measurement/rpc.hpp"

namespace tocsin::measurement {
namespace {

class MeasurementService final : public runtime::Service {
public:
    explicit MeasurementService(runtime::Surroundings& surroundings)
        : view_(static_cast<int>(surroundings.config.kafka_partitions), surroundings.metrics,
                surroundings.config.instance),
          rpc_(surroundings.rpc, view_) {
        view_.show_size(runtime::view_gauges(surroundings.metrics, "measurement"));
    }

    std::vector<grpc::Service*> endpoints() override { return {&rpc_}; }
    std::vector<runtime::View*> views() override { return {&view_}; }
    void start() override { view_.show(); }

private:
    MeasurementView view_;
    MeasurementRpc rpc_;
};

}  // namespace

runtime::ServiceDefinition service() {
    runtime::ServiceDefinition definition;
    definition.name = "measurement";
    definition.upstreams = {"drafting", "approval", "publishing", "trigger"};
    definition.rules = [](const runtime::RuntimeConfig&) {
        return std::make_unique<runtime::RulesOf<Decider>>();
    };
    definition.make = [](runtime::Surroundings& surroundings) {
        return std::make_unique<MeasurementService>(surroundings);
    };
    return definition;
}

}  // namespace tocsin::measurement
