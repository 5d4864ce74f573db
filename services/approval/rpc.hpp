// The gRPC face of approval. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "approval/view.hpp"
#include "runtime/edge/edge.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"

namespace tocsin::approval {

// Thread-safe; called on gRPC's threads.
class ApprovalRpc final : public runtime::Edge<v1::ApprovalService, v1::Command> {
public:
    ApprovalRpc(runtime::Rpc& rpc, const ApprovalView& view);
};

}  // namespace tocsin::approval
