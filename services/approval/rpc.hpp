// The gRPC face of approval. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "approval/view.hpp"
#include "runtime/edge/changes.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"

namespace tocsin::approval {

// Thread-safe; called on gRPC's threads.
class ApprovalRpc final : public runtime::Edge<v1::ApprovalService, v1::Command> {
public:
    ApprovalRpc(runtime::Rpc& rpc, const ApprovalView& view) : Edge(rpc), view_(view) {}

    Reactor* GetRoster(Context* context, const v1::GetRosterRequest* request,
                       v1::GetRosterResponse* response) override;
    Reactor* ListPolicies(Context* context, const v1::ListPoliciesRequest* request,
                          v1::ListPoliciesResponse* response) override;
    Reactor* GetReview(Context* context, const v1::GetReviewRequest* request,
                       v1::GetReviewResponse* response) override;
    Reactor* ListReviews(Context* context, const v1::ListReviewsRequest* request,
                         v1::ListReviewsResponse* response) override;

private:
    const ApprovalView& view_;
};

}  // namespace tocsin::approval
