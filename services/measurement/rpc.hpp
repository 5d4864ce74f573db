// The gRPC face of measurement. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "measurement/view.hpp"
#include "runtime/edge/changes.hpp"
#include "tocsin/measurement/v1/measurement_service.grpc.pb.h"

namespace tocsin::measurement {

// Thread-safe; called on gRPC's threads.
class MeasurementRpc final : public runtime::Edge<v1::MeasurementService, v1::Command> {
public:
    MeasurementRpc(runtime::Rpc& rpc, const MeasurementView& view) : Edge(rpc), view_(view) {}

    Reactor* GetScorecard(Context* context, const v1::GetScorecardRequest* request,
                          v1::GetScorecardResponse* response) override;
    Reactor* ListScorecards(Context* context, const v1::ListScorecardsRequest* request,
                            v1::ListScorecardsResponse* response) override;

private:
    const MeasurementView& view_;
};

}  // namespace tocsin::measurement
