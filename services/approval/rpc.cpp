#include "approval/rpc.hpp"

namespace tocsin::approval {

using runtime::Caller;
using Reactor = ApprovalRpc::Reactor;

Reactor* ApprovalRpc::ImportRoster(Context* context, const v1::ImportRosterRequest* request,
                                   v1::ImportRosterResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, {"admin"});
}

Reactor* ApprovalRpc::SetPolicy(Context* context, const v1::SetPolicyRequest* request,
                                v1::SetPolicyResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, {"admin"});
}

// Which roles may approve is the policy's word: the decider checks it.
Reactor* ApprovalRpc::Approve(Context* context, const v1::ApproveRequest* request,
                              v1::ApproveResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, {});
}

Reactor* ApprovalRpc::RequestChanges(Context* context, const v1::RequestChangesRequest* request,
                                     v1::RequestChangesResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, {"approver", "duty-officer"});
}

Reactor* ApprovalRpc::Reject(Context* context, const v1::RejectRequest* request,
                             v1::RejectResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, {"approver", "duty-officer"});
}

Reactor* ApprovalRpc::TakeBack(Context* context, const v1::TakeBackRequest* request,
                               v1::TakeBackResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, {"author", "duty-officer"});
}

Reactor* ApprovalRpc::GetRoster(Context* context, const v1::GetRosterRequest* request,
                                v1::GetRosterResponse* response) {
    return rpc_.read(context, request, response,
                     [this](const Caller& caller, const auto&, v1::GetRosterResponse& out) {
                         return view_.read(caller.realm, [&](const Realm& realm) {
                             *out.mutable_roster() = realm.state().roster;
                             return grpc::Status::OK;
                         });
                     });
}

Reactor* ApprovalRpc::ListPolicies(Context* context, const v1::ListPoliciesRequest* request,
                                   v1::ListPoliciesResponse* response) {
    return rpc_.read(context, request, response,
                     [this](const Caller& caller, const auto&, v1::ListPoliciesResponse& out) {
                         return view_.read(caller.realm, [&](const Realm& realm) {
                             for (const auto& [key, policy] : realm.state().policies)
                                 *out.add_policies() = policy.policy;
                             return grpc::Status::OK;
                         });
                     });
}

static grpc::Status get_review(const Realm& realm, const v1::GetReviewRequest& request,
                               v1::GetReviewResponse& response) {
    const auto found = realm.state().reviews.find(request.message_id());
    if (found == realm.state().reviews.end())
        return runtime::not_found("message_id", request.message_id());
    *response.mutable_review() = found->second;
    return grpc::Status::OK;
}

static grpc::Status list_reviews(const Realm& realm, const v1::ListReviewsRequest& request,
                                 v1::ListReviewsResponse& response) {
    const auto reviews = realm.reviews(request.state());
    const auto page = runtime::page(reviews.size(), request.page_size(), request.page_token());
    if (!page) return page.error();
    for (std::size_t i = page->begin; i < page->end; ++i) *response.add_reviews() = *reviews[i];
    response.set_next_page_token(page->next_token);
    return grpc::Status::OK;
}

Reactor* ApprovalRpc::GetReview(Context* context, const v1::GetReviewRequest* request,
                                v1::GetReviewResponse* response) {
    return rpc_.read(
        context, request, response, [this](const Caller& caller, const auto& in, auto& out) {
            return view_.read(caller.realm,
                              [&](const Realm& realm) { return get_review(realm, in, out); });
        });
}

Reactor* ApprovalRpc::ListReviews(Context* context, const v1::ListReviewsRequest* request,
                                  v1::ListReviewsResponse* response) {
    return rpc_.read(
        context, request, response, [this](const Caller& caller, const auto& in, auto& out) {
            return view_.read(caller.realm,
                              [&](const Realm& realm) { return list_reviews(realm, in, out); });
        });
}

}  // namespace tocsin::approval
