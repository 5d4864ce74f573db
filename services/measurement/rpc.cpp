#include "measurement/rpc.hpp"

#include "runtime/base/parties.hpp"
#include "runtime/edge/page.hpp"
#include "runtime/host/clock.hpp"
#include "runtime/ledger/refusals.hpp"

#include <algorithm>

namespace tocsin::measurement {

using runtime::Caller;

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

static bool is_asked_for(const v1::ListPracticeRequest& request, const v1::PersonPractice& row) {
    const auto has = [&](const auto& roles) {
        return request.role().empty() ? !roles.empty()
                                      : std::ranges::find(roles, request.role()) != roles.end();
    };
    return (request.subject().empty() || request.subject() == row.subject()) && has(row.roles()) &&
           (!request.out_of_practice() || has(row.out_of_practice()));
}

grpc::Status MeasurementRpc::list_practice(const Caller& caller, const Realm& realm,
                                           const v1::ListPracticeRequest& asked,
                                           v1::ListPracticeResponse& answer) const {
    answer.set_days(practice_.days());
    if (const auto at = practice_.exercise_time(); at > 0)
        *answer.mutable_exercise_time() =
            runtime::to_proto(runtime::Time{std::chrono::seconds{at}});
    const auto roster = roster_.snapshot(caller.realm);
    const runtime::Time now = runtime::system_now();
    return runtime::answer_page(asked, answer, *answer.mutable_people(), [&](auto& page) {
        const std::string* after = page.after();
        roster->people(
            caller.agency, after ? *after : std::string{}, [&](const approval::v1::Person& person) {
                v1::PersonPractice row = practice_.row(caller.realm, realm.practice(), person, now);
                if (!is_asked_for(asked, row)) return page.pass(row.subject());
                return page.add(person.subject(),
                                [&](v1::PersonPractice& to) { to = std::move(row); });
            });
    });
}

MeasurementRpc::MeasurementRpc(runtime::Rpc& rpc, const MeasurementView& view,
                               const PracticeWatch& practice, const runtime::Roster& roster)
    : Edge(rpc), practice_(practice), roster_(roster) {
    read(view, get_scorecard);
    read(view, list_scorecards);
    read(view, [this](const Caller& caller, const Realm& realm,
                      const v1::ListPracticeRequest& asked, v1::ListPracticeResponse& answer) {
        return list_practice(caller, realm, asked, answer);
    });
}

}  // namespace tocsin::measurement
