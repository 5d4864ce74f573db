// The gRPC face of measurement. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "measurement/view.hpp"
#include "runtime/edge/rpc.hpp"
#include "tocsin/measurement/v1/measurement_service.grpc.pb.h"

namespace tocsin::measurement {

// Thread-safe; called on gRPC's threads.
class MeasurementRpc final : public v1::MeasurementService::CallbackService {
public:
    using Context = grpc::CallbackServerContext;
    using Reactor = grpc::ServerUnaryReactor;

    MeasurementRpc(runtime::Rpc& rpc, const MeasurementView& view) : rpc_(rpc), view_(view) {}

    Reactor* GetScorecard(Context* context, const v1::GetScorecardRequest* request,
                          v1::GetScorecardResponse* response) override;
    Reactor* ListScorecards(Context* context, const v1::ListScorecardsRequest* request,
                            v1::ListScorecardsResponse* response) override;
    Reactor* AddRemark(Context* context, const v1::AddRemarkRequest* request,
                       v1::AddRemarkResponse* response) override;

private:
    runtime::Rpc& rpc_;
    const MeasurementView& view_;
};

}  // namespace tocsin::measurement
