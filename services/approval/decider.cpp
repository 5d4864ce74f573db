#include "approval/decider.hpp"

#include "runtime/ledger/refusals.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

namespace tocsin::approval {

static Verdict dispatch(const State& state, const runtime::Asking& asking,
                        const v1::Command& command, Time now) {
    const auto& [roster, policies, reviews] = state;
    switch (command.body_case()) {
        case v1::Command::kImportRoster:
            return import_roster(roster, asking, command.import_roster());
        case v1::Command::kSetPolicy:
            return set_policy(policies, roster.current, asking, command.set_policy());
        case v1::Command::kApprove:
            return approve(reviews, roster.current, asking, command.approve(), now);
        case v1::Command::kRequestChanges:
            return request_changes(reviews, roster.current, asking, command.request_changes());
        case v1::Command::kReject:
            return reject_message(reviews, roster.current, asking, command.reject());
        case v1::Command::kTakeBack:
            return take_back(reviews, roster.current, asking, command.take_back());
        case v1::Command::BODY_NOT_SET:
            break;  // Sent by a newer client.
    }
    return std::unexpected(runtime::unknown_command());
}

Verdict Decider::decide(const State& state, const runtime::Asking& asking, const Command& command,
                        Time now) {
    Verdict verdict = dispatch(state, asking, command, now);
    if (verdict) check_moves(state.reviews, verdict->events);
    return verdict;
}

std::optional<Happened> Decider::react(const State& state, const runtime::Foreign& foreign, Time) {
    if (foreign.service != "drafting") return std::nullopt;
    return open_reviews(state.reviews, state.policies, state.roster.current, foreign);
}

bool Decider::concerns(const runtime::Foreign& foreign) {
    using Drafted = drafting::v1::Event;
    return runtime::has_any<Drafted>(foreign, {Drafted::kMessageSubmitted});
}

// By the header; review.cpp has a case for every event.
bool Decider::evolve(State& state, const Event& event, Time decided_at) {
    if (!event.message_id().empty()) return approval::evolve(state.reviews, event, decided_at);
    if (event.has_roster_imported())
        approval::evolve(state.roster, event.roster_imported());
    else if (event.has_policy_set())
        approval::evolve(state.policies, event.policy_set());
    else
        return false;  // From a newer version.
    return true;
}

}  // namespace tocsin::approval
