// The gRPC face of measurement. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "measurement/practice_watch.hpp"
#include "measurement/view.hpp"
#include "runtime/edge/changes.hpp"
#include "tocsin/measurement/v1/measurement_service.grpc.pb.h"

namespace tocsin::measurement {

// Thread-safe; called on gRPC's threads.
class MeasurementRpc final : public runtime::Edge<v1::MeasurementService, v1::Command> {
public:
    MeasurementRpc(runtime::Rpc& rpc, const MeasurementView& view, const PracticeWatch& practice,
                   const runtime::Roster& roster)
        : Edge(rpc), view_(view), practice_(practice), roster_(roster) {}

    Reactor* GetScorecard(Context* context, const v1::GetScorecardRequest* request,
                          v1::GetScorecardResponse* response) override;
    Reactor* ListScorecards(Context* context, const v1::ListScorecardsRequest* request,
                            v1::ListScorecardsResponse* response) override;
    Reactor* ListPractice(Context* context, const v1::ListPracticeRequest* request,
                          v1::ListPracticeResponse* response) override;

private:
    const MeasurementView& view_;
    const PracticeWatch& practice_;
    const runtime::Roster& roster_;
};

}  // namespace tocsin::measurement
