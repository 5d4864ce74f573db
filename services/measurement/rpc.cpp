#include "measurement/rpc.hpp"

#include "runtime/base/parties.hpp"
#include "runtime/edge/page.hpp"

namespace tocsin::measurement {

using runtime::Caller;
using Reactor = MeasurementRpc::Reactor;

Reactor* MeasurementRpc::AddRemark(Context* context, const v1::AddRemarkRequest* request,
                                   v1::AddRemarkResponse* response) {
    return rpc_.change<v1::Command>(context, request, response);
}

static grpc::Status get_scorecard(const Caller& caller, const Realm& realm,
                                  const v1::GetScorecardRequest& request,
                                  v1::GetScorecardResponse& response) {
    auto card = realm.scorecard(request.message_id());
    if (!card) return runtime::not_found("message_id", request.message_id());
    if (!runtime::concerns(caller, card->parties()))
        return runtime::other_agency(caller, "message_id");
    *response.mutable_scorecard() = std::move(*card);
    return grpc::Status::OK;
}

Reactor* MeasurementRpc::GetScorecard(Context* context, const v1::GetScorecardRequest* request,
                                      v1::GetScorecardResponse* response) {
    return rpc_.read(context, request, response,
                     [this](const Caller& caller, const v1::GetScorecardRequest& asked,
                            v1::GetScorecardResponse& out) {
                         return view_.read(caller.realm, [&](const Realm& realm) {
                             return get_scorecard(caller, realm, asked, out);
                         });
                     });
}

static grpc::Status list_scorecards(const Caller& caller, const Realm& realm,
                                    const v1::ListScorecardsRequest& request,
                                    v1::ListScorecardsResponse& response) {
    return runtime::answer_page(request, response, *response.mutable_scorecards(), [&](auto& page) {
        realm.messages(page.after_place(), [&](std::int64_t place, const std::string& message_id) {
            if (!runtime::concerns(caller, realm.parties(message_id))) return page.pass(place);
            return page.add(place, [&](v1::Scorecard& row) {
                row = realm.scorecard(message_id).value_or(v1::Scorecard{});
            });
        });
    });
}

Reactor* MeasurementRpc::ListScorecards(Context* context, const v1::ListScorecardsRequest* request,
                                        v1::ListScorecardsResponse* response) {
    return rpc_.read(context, request, response,
                     [this](const Caller& caller, const v1::ListScorecardsRequest& asked,
                            v1::ListScorecardsResponse& out) {
                         return view_.read(caller.realm, [&](const Realm& realm) {
                             return list_scorecards(caller, realm, asked, out);
                         });
                     });
}

}  // namespace tocsin::measurement
