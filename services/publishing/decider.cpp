#include "publishing/decider.hpp"

#include "publishing/channel_changes.hpp"
#include "publishing/claiming.hpp"
#include "publishing/due.hpp"
#include "publishing/preparing.hpp"
#include "publishing/proceeding.hpp"
#include "publishing/repairing.hpp"
#include "publishing/settling.hpp"
#include "publishing/signing.hpp"
#include "publishing/stopping.hpp"
#include "publishing/superseding.hpp"
#include "runtime/ledger/refusals.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"

namespace tocsin::publishing {

static Verdict decided(const State& state, const runtime::Asking& asking,
                       const v1::Command& command, Time now) {
    using Command = v1::Command;
    const auto& [constants, channels, holds, budgets, releases] = state;
    switch (command.body_case()) {
        case Command::kPutChannel:
            return follow_channel(put_channel(channels, asking, command.put_channel()), channels,
                                  releases, asking, now);
        case Command::kRemoveChannel:
            return follow_channel(remove_channel(channels, asking, command.remove_channel()),
                                  channels, releases, asking, now);
        case Command::kStopRelease:
            return stop_release(releases, channels, asking, command.stop_release(), now);
        case Command::kProceedRelease:
            return proceed_release(releases, asking, command.proceed_release(), now);
        case Command::kRecordPrepared:
            return record_prepared(releases, asking, command.record_prepared(), now);
        case Command::kPlaceHold:
            return place_hold(holds, channels, asking, command.place_hold(), now);
        case Command::kLiftHold:
            return lift_hold(holds, asking, command.lift_hold());
        case Command::kRecordSignature:
            return record_signature(releases, asking, command.record_signature(), now);
        case Command::kClaimRelease:
            return claim_release(releases, holds, budgets, asking, command.claim_release(), now);
        case Command::kRecordOutcome:
            return record_outcome(releases, asking, command.record_outcome(), now);
        case Command::kRetryDelivery:
            return retry_delivery(releases, channels, asking, command.retry_delivery(), now);
        case Command::kResolveDelivery:
            return resolve_delivery(releases, asking, command.resolve_delivery(), now);
        case Command::kReachDue:
            if (!command.reach_due().hold_id().empty())
                return reach_hold_due(holds, asking, command.reach_due(), now);
            return reach_due(releases, asking, command.reach_due(), now);
        case Command::BODY_NOT_SET:
            break;  // Sent by a newer client.
    }
    return std::unexpected(runtime::unknown_command());
}

Verdict Decider::decide(const State& state, const runtime::Asking& asking, const Command& command,
                        Time now) {
    Verdict verdict = decided(state, asking, command, now);
    if (verdict) follow_ends(state.releases, now, *verdict);
    return verdict;
}

std::optional<Happened> Decider::react(const State& state, const runtime::Foreign& foreign,
                                       Time now) {
    return plan_releases(state.constants, state.channels, state.releases, foreign, now);
}

bool Decider::concerns(const runtime::Foreign& foreign) {
    using Reviewed = approval::v1::Event;
    return runtime::has_any<Reviewed>(foreign, {Reviewed::kCleared});
}

// By the header; each subject has a case for every event of its own.
bool Decider::evolve(State& state, const Event& event, Time decided_at) {
    if (event.body_case() == Event::BODY_NOT_SET) return false;  // From a newer version.
    if (is_of_hold(event)) {
        publishing::evolve(state.holds, event, decided_at);
        return true;
    }
    if (event.release_id().empty()) {
        publishing::evolve(state.channels, event);
        return true;
    }
    if (!publishing::evolve(state.releases, state.channels, event, decided_at)) return false;
    if (const Release* known = state.releases.find(event.release_id()))
        publishing::evolve(state.budgets, *known, event, decided_at);
    return true;
}

std::optional<runtime::Due<v1::Command>> Decider::next_due(const State& state) {
    auto release = publishing::next_due(state.releases);
    auto hold = publishing::next_due(state.holds);
    if (!release || (hold && hold->at < release->at)) return hold;
    return release;
}

}  // namespace tocsin::publishing
