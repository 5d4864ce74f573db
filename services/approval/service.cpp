#include "approval/service.hpp"

#include "approval/decider.hpp"
#include "approval/review_metrics.hpp"
#include "approval/rpc.hpp"

namespace tocsin::approval {
namespace {

class ApprovalService final : public runtime::Service {
public:
    explicit ApprovalService(runtime::Surroundings& surroundings)
        : view_(static_cast<int>(surroundings.config.kafka_partitions)),
          metrics_(surroundings.metrics, view_, surroundings.config.instance,
                   static_cast<int>(surroundings.config.kafka_partitions)),
          rpc_(surroundings.rpc, view_) {
        view_.show_size(runtime::view_gauges(surroundings.metrics, "approval"));
    }

    std::vector<grpc::Service*> endpoints() override { return {&rpc_}; }
    std::vector<runtime::View*> views() override { return {&view_, &metrics_}; }
    void start() override { metrics_.show(); }

private:
    ApprovalView view_;
    ReviewMetrics metrics_;
    ApprovalRpc rpc_;
};

}  // namespace

runtime::ServiceDefinition service() {
    runtime::ServiceDefinition definition;
    definition.name = "approval";
    definition.upstreams = {"drafting"};
    definition.followed = {"trigger"};  // What reviewers see of corrected readings.
    definition.rules = [](const runtime::RuntimeConfig&) {
        return std::make_unique<runtime::RulesOf<Decider>>();
    };
    definition.make = [](runtime::Surroundings& surroundings) {
        return std::make_unique<ApprovalService>(surroundings);
    };
    return definition;
}

}  // namespace tocsin::approval
