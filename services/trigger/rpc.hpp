// The gRPC face of trigger. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "runtime/edge/edge.hpp"
#include "tocsin/trigger/v1/trigger_service.grpc.pb.h"
#include "trigger/health.hpp"
#include "trigger/heard.hpp"
#include "trigger/view.hpp"

namespace tocsin::trigger {

// Thread-safe; called on gRPC's threads.
class TriggerRpc final : public runtime::Edge<v1::TriggerService, v1::Command> {
public:
    // Sources polled more often than every `poll_seconds_least` are refused.
    TriggerRpc(runtime::Rpc& rpc, const TriggerView& view, const HealthBook& health,
               const Heard& heard, double poll_seconds_least);

private:
    grpc::Status list_sources(const runtime::Caller& caller, const Realm& realm,
                              const v1::ListSourcesRequest& in, v1::ListSourcesResponse& out) const;
    grpc::Status list_rules(const runtime::Caller& caller, const Realm& realm,
                            const v1::ListRulesRequest& in, v1::ListRulesResponse& out) const;
    // Why a rule is not taken, by what this process knows of its source; nothing: it is.
    std::optional<grpc::Status> require_sound_rule(const runtime::Rpc::Asked& asked,
                                                   const v1::PutRuleRequest& put) const;
    // Of the series that rules read.
    void add_series(const std::string& of_realm, const Realm& realm, v1::SourceHealth& row) const;

    const TriggerView& view_;
    const HealthBook& health_;
    const Heard& heard_;
};

}  // namespace tocsin::trigger
