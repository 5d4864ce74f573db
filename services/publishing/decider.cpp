#include "publishing/decider.hpp"

#include "publishing/steps.hpp"
#include "texts/contains.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"

#include <fmt/format.h>

namespace tocsin::publishing {

using runtime::Because;
using runtime::Rejection;
using texts::contains;

void Turn::add(v1::Event event) {
    evolve(release, event, now);
    events.push_back(std::move(event));
}

Happened Turn::done() && {
    return {std::move(events), release.id(), fmt::format("{}", release.version)};
}

std::optional<Rejection> refuse_stranger(const runtime::Asking& asking) {
    if (asking.actor == "service:publishing") return std::nullopt;
    return Rejection{Because::permission_denied,
                     "not_an_executor",
                     "only the publishing service itself may say this",
                     {}};
}

static Rejection not_of(const std::string& agency) {
    return {Because::permission_denied,
            "other_agency",
            fmt::format("{} is not one of the agencies that publish this release", agency),
            {}};
}

std::optional<Rejection> refuse_outsider(const runtime::Asking& asking, const Release& release) {
    if (!asking.has("approver") && !asking.has("duty-officer"))
        return Rejection{Because::permission_denied,
                         "role_missing",
                         "this needs the role approver or duty-officer",
                         {}};
    if (!contains(release.head.agencies(), asking.agency)) return not_of(asking.agency);
    return std::nullopt;
}

std::unexpected<Rejection> no_release(const State& state, const runtime::Asking& asking,
                                      std::string_view release_id) {
    const auto faded = state.faded.find(std::string{release_id});
    if (faded != state.faded.end() && !asking.is_service() &&
        !contains(faded->second.get().agencies(), asking.agency))
        return std::unexpected(not_of(asking.agency));
    if (faded != state.faded.end())
        return runtime::reject(
            Because::failed_precondition, "no_retraction",
            "the message expired long ago and its texts are not kept: publish an update");
    return runtime::reject(Because::not_found, "no_such_release",
                           fmt::format("there is no release {} in this realm", release_id),
                           "release_id");
}

Verdict Decider::decide(const State& state, const runtime::Asking& asking, const Command& command,
                        Time now) {
    switch (command.body_case()) {
        case Command::kPutChannel:
            return put_channel(state, asking, command.put_channel());
        case Command::kRemoveChannel:
            return remove_channel(state, asking, command.remove_channel());
        case Command::kCancelRelease:
            return cancel_release(state, asking, command.cancel_release(), now);
        case Command::kRetractRelease:
            return retract_release(state, asking, command.retract_release(), now);
        case Command::kRecordPrepared:
            return record_prepared(state, asking, command.record_prepared(), now);
        case Command::kClaimRelease:
            return claim_release(state, asking, command.claim_release(), now);
        case Command::kRecordOutcome:
            return record_outcome(state, asking, command.record_outcome(), now);
        case Command::kReachDue:
            return reach_due(state, asking, command.reach_due(), now);
        case Command::BODY_NOT_SET:
            break;  // Sent by a newer client.
    }
    return runtime::reject(Because::unimplemented, "unknown_command",
                           "this version of publishing does not know that command");
}

std::optional<Happened> Decider::react(const State& state, const runtime::Foreign& foreign,
                                       Time now) {
    return plan(state, foreign, now);
}

bool Decider::evolve(State& state, const Event& event, Time decided_at) {
    return publishing::evolve(state, event, decided_at);
}

std::optional<runtime::Due<v1::Command>> Decider::next_due(const State& state) {
    if (state.due.empty()) return std::nullopt;
    const auto& [at, release_id] = *state.due.begin();
    runtime::Due<Command> due{at, {}};
    due.command.mutable_reach_due()->set_release_id(release_id);
    *due.command.mutable_reach_due()->mutable_due_at() = runtime::to_proto(at);
    due.command.mutable_reach_due()->set_version(state.releases.at(release_id).version);
    return due;
}

bool Decider::concerns(const runtime::Foreign& foreign) {
    using Event = approval::v1::Event;
    return runtime::has_any<Event>(foreign, {Event::kCleared});
}

}  // namespace tocsin::publishing
