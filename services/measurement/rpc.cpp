#include "measurement/rpc.hpp"

#include "runtime/base/parties.hpp"
#include "runtime/edge/page.hpp"
#include "runtime/ledger/refusals.hpp"

namespace tocsin::measurement {

using runtime::Caller;
using Reactor = MeasurementRpc::Reactor;

static grpc::Status get_scorecard(const Caller& caller, const Realm& realm,
                                  const v1::GetScorecardRequest& request,
                                  v1::GetScorecardResponse& response) {
    auto card = realm.scorecard(request.message_id());
    if (!card)
        return runtime::status_of(runtime::no_such("message", request.message_id(), "message_id"));
    if (!runtime::concerns(caller, card->parties()))
        return runtime::status_of(runtime::not_concerned(caller, "message_id"));
    *response.mutable_scorecard() = std::move(*card);
    return grpc::Status::OK;
}

Reactor* MeasurementRpc::GetScorecard(Context* context, const v1::GetScorecardRequest* request,
                                      v1::GetScorecardResponse* response) {
    return read(view_, context, request, response, get_scorecard);
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
    return read(view_, context, request, response, list_scorecards);
}

}  // namespace tocsin::measurement
