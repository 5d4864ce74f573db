// The gRPC face of trigger. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "runtime/edge/rpc.hpp"
#include "tocsin/trigger/v1/trigger_service.grpc.pb.h"
#include "trigger/health.hpp"
#include "trigger/heard.hpp"
#include "trigger/view.hpp"

namespace tocsin::trigger {

// Thread-safe; called on gRPC's threads.
class TriggerRpc final : public v1::TriggerService::CallbackService {
public:
    using Context = grpc::CallbackServerContext;
    using Reactor = grpc::ServerUnaryReactor;

    // Sources polled more often than every `poll_seconds_least` are refused.
    TriggerRpc(runtime::Rpc& rpc, const TriggerView& view, const HealthBook& health,
               const Heard& heard, double poll_seconds_least)
        : rpc_(rpc),
          view_(view),
          health_(health),
          heard_(heard),
          poll_seconds_least_(poll_seconds_least) {}

    Reactor* PutSource(Context* context, const v1::PutSourceRequest* request,
                       v1::PutSourceResponse* response) override;
    Reactor* ListSources(Context* context, const v1::ListSourcesRequest* request,
                         v1::ListSourcesResponse* response) override;
    Reactor* PutRule(Context* context, const v1::PutRuleRequest* request,
                     v1::PutRuleResponse* response) override;
    Reactor* RemoveSource(Context* context, const v1::RemoveSourceRequest* request,
                          v1::RemoveSourceResponse* response) override;
    Reactor* RemoveRule(Context* context, const v1::RemoveRuleRequest* request,
                        v1::RemoveRuleResponse* response) override;
    Reactor* ListRules(Context* context, const v1::ListRulesRequest* request,
                       v1::ListRulesResponse* response) override;
    Reactor* ListCrossings(Context* context, const v1::ListCrossingsRequest* request,
                           v1::ListCrossingsResponse* response) override;

private:
    // Answers from the caller's realm with `reader(caller, const Realm&, request, response)`.
    template <class Request, class Response, class Reader>
    Reactor* read(Context* context, const Request* request, Response* response, Reader reader);

    // Of the series that rules read.
    void add_series(const std::string& of_realm, const Realm& realm, v1::SourceHealth& row) const;

    runtime::Rpc& rpc_;
    const TriggerView& view_;
    const HealthBook& health_;
    const Heard& heard_;
    const double poll_seconds_least_;
};

}  // namespace tocsin::trigger
