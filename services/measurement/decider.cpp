#include "measurement/decider.hpp"

#include "measurement/telling.hpp"
#include "runtime/ledger/refusals.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <utility>

namespace tocsin::measurement {

Verdict Decider::decide(const State& state, const runtime::Asking& asking, const Command& command,
                        Time now) {
    switch (command.body_case()) {
        case Command::kAddRemark:
            return add_remark(state.messages, asking, command.add_remark(), now);
        case Command::BODY_NOT_SET:
            break;  // Sent by a newer client.
    }
    return std::unexpected(runtime::unknown_command());
}

std::optional<Happened> Decider::react(const State& state, const runtime::Foreign& foreign, Time) {
    Telling telling(state.messages, state.releases, foreign.at);
    if (foreign.service == "trigger") tell_trigger(telling, foreign);
    if (foreign.service == "drafting") tell_drafting(telling, foreign);
    if (foreign.service == "approval") tell_approval(telling, foreign);
    if (foreign.service == "publishing") tell_publishing(telling, foreign);
    return std::move(telling).done();
}

bool Decider::concerns(const runtime::Foreign& foreign) {
    using Drafted = drafting::v1::Event;
    using Approved = approval::v1::Event;
    using Published = publishing::v1::Event;
    using Triggered = trigger::v1::Event;
    if (foreign.service == "trigger")
        return runtime::has_any<Triggered>(foreign, {Triggered::kRuleCrossed});
    if (foreign.service == "drafting")
        return runtime::has_any<Drafted>(
            foreign,
            {Drafted::kMessageCreated, Drafted::kMessageRevised, Drafted::kMessageSubmitted});
    if (foreign.service == "approval")
        return runtime::has_any<Approved>(foreign, {Approved::kApprovalGiven, Approved::kCleared});
    return runtime::has_any<Published>(
        foreign,
        {Published::kReleasePlanned, Published::kReleaseArmed, Published::kStragglersArmed,
         Published::kDeliveriesSkipped, Published::kDeliveriesClaimed, Published::kDeliverySettled,
         Published::kReleaseCancelled, Published::kReleaseEnded, Published::kRetractionArmed,
         Published::kDeliveryUnknown, Published::kDeliveryRearmed, Published::kReleaseCompleted,
         Published::kReleaseSuperseded});
}

bool Decider::evolve(State& state, const Event& event, Time) {
    if (event.body_case() == Event::BODY_NOT_SET) return false;  // From a newer version.
    // Each has a case for every event.
    measurement::evolve(state.messages, event);
    measurement::evolve(state.releases, event);
    return true;
}

}  // namespace tocsin::measurement
