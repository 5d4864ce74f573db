// The gRPC face of approval. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "approval/view.hpp"
#include "runtime/edge/rpc.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"

namespace tocsin::approval {

// Thread-safe; called on gRPC's threads.
class ApprovalRpc final : public v1::ApprovalService::CallbackService {
public:
    using Context = grpc::CallbackServerContext;
    using Reactor = grpc::ServerUnaryReactor;

    ApprovalRpc(runtime::Rpc& rpc, const ApprovalView& view) : rpc_(rpc), view_(view) {}

    Reactor* ImportRoster(Context* context, const v1::ImportRosterRequest* request,
                          v1::ImportRosterResponse* response) override;
    Reactor* GetRoster(Context* context, const v1::GetRosterRequest* request,
                       v1::GetRosterResponse* response) override;
    Reactor* SetPolicy(Context* context, const v1::SetPolicyRequest* request,
                       v1::SetPolicyResponse* response) override;
    Reactor* ListPolicies(Context* context, const v1::ListPoliciesRequest* request,
                          v1::ListPoliciesResponse* response) override;
    Reactor* Approve(Context* context, const v1::ApproveRequest* request,
                     v1::ApproveResponse* response) override;
    Reactor* RequestChanges(Context* context, const v1::RequestChangesRequest* request,
                            v1::RequestChangesResponse* response) override;
    Reactor* Reject(Context* context, const v1::RejectRequest* request,
                    v1::RejectResponse* response) override;
    Reactor* TakeBack(Context* context, const v1::TakeBackRequest* request,
                      v1::TakeBackResponse* response) override;
    Reactor* GetReview(Context* context, const v1::GetReviewRequest* request,
                       v1::GetReviewResponse* response) override;
    Reactor* ListReviews(Context* context, const v1::ListReviewsRequest* request,
                         v1::ListReviewsResponse* response) override;

private:
    // Answers from the caller's realm with `reader(const Realm&, request, response)`.
    template <class Request, class Response, class Reader>
    Reactor* read(Context* context, const Request* request, Response* response, Reader reader);

    runtime::Rpc& rpc_;
    const ApprovalView& view_;
};

}  // namespace tocsin::approval
