// The gRPC face of measurement. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "measurement/practice_watch.hpp"
#include "measurement/view.hpp"
#include "runtime/edge/edge.hpp"
#include "tocsin/measurement/v1/measurement_service.grpc.pb.h"

namespace tocsin::measurement {

// Thread-safe; called on gRPC's threads.
class MeasurementRpc final : public runtime::Edge<v1::MeasurementService, v1::Command> {
public:
    MeasurementRpc(runtime::Rpc& rpc, const MeasurementView& view, const PracticeWatch& practice,
                   const runtime::Roster& roster);

private:
    grpc::Status list_practice(const runtime::Caller& caller, const Realm& realm,
                               const v1::ListPracticeRequest& asked,
                               v1::ListPracticeResponse& answer) const;

    const PracticeWatch& practice_;
    const runtime::Roster& roster_;
};

}  // namespace tocsin::measurement
