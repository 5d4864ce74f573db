#include "drafting/decider.hpp"

#include "drafting/crossing.hpp"
#include "drafting/message_creation.hpp"
#include "drafting/message_revision.hpp"
#include "drafting/submission.hpp"
#include "runtime/ledger/refusals.hpp"

namespace tocsin::drafting {

static CrossingSlices crossing_slices(const State& state) {
    return {state.refused,
            state.messages,
            {state.world, state.incidents, state.templates, state.destinations}};
}

Verdict Decider::decide(const State& state, const runtime::Asking& asking,
                        const v1::Command& command, Time now) {
    switch (command.body_case()) {
        case v1::Command::kCreateIncident:
            return create_incident(state.incidents, asking, command.create_incident(), now);
        case v1::Command::kPutTemplate:
            return put_template(state.templates, state.world, asking, command.put_template(), now);
        case v1::Command::kCreateMessage:
            return create_message({state.messages, state.incidents, state.templates, state.alerts},
                                  asking, command.create_message(), now);
        case v1::Command::kReviseMessage:
            return revise_message(state.messages, state.incidents, asking,
                                  command.revise_message());
        case v1::Command::kSubmitMessage:
            return submit_message(
                {state.world, state.messages, state.incidents, state.alerts, state.destinations},
                asking, command.submit_message(), now);
        case v1::Command::kWithdrawMessage:
            return withdraw_message(state.messages, asking, command.withdraw_message());
        case v1::Command::kRetryCrossing:
            return retry_crossing(crossing_slices(state), asking, command.retry_crossing(), now);
        case v1::Command::BODY_NOT_SET:
            break;
    }
    return std::unexpected(runtime::unknown_command());
}

std::optional<Happened> Decider::react(const State& state, const runtime::Foreign& foreign,
                                       Time now) {
    Happened happened;
    follow_destinations(state.destinations, foreign, happened);
    follow_approval(state.messages, foreign, happened);
    follow_publishing(state.alerts, foreign, happened);
    take_back_released(state.messages, foreign, happened);
    follow_trigger(crossing_slices(state), foreign, now, happened);
    if (happened.events.empty()) return std::nullopt;
    return happened;
}

bool Decider::concerns(const runtime::Foreign& foreign) {
    return concerns_destinations(foreign) || concerns_crossings(foreign) ||
           concerns_alerts(foreign) || concerns_returns(foreign) || concerns_messages(foreign);
}

static bool apply(State& state, const v1::Event& event, Time decided_at) {
    const std::string& id = event.message_id();
    switch (event.body_case()) {
        case v1::Event::kIncidentOpened:
            evolve(state.incidents, event.incident_opened());
            state.refused.incident_changed(event.incident_opened().incident().incident_id(),
                                           decided_at);
            return true;
        case v1::Event::kTemplateStored:
            evolve(state.templates, event.template_stored());
            state.refused.template_changed(event.template_stored().template_().template_id(),
                                           decided_at);
            return true;
        case v1::Event::kMessageCreated:
            state.refused.drafted(event.message_created().crossing_id());
            return state.messages.evolve(id, event.message_created());
        case v1::Event::kMessageRevised:
            return state.messages.evolve(id, event.message_revised());
        case v1::Event::kMessageSubmitted:
            return state.messages.evolve(id, event.message_submitted());
        case v1::Event::kMessageWithdrawn:
            return state.messages.evolve(id, event.message_withdrawn());
        case v1::Event::kMessageReturned:
            return state.messages.evolve(id, event.message_returned());
        case v1::Event::kMessageClosed:
            return state.messages.evolve(id, event.message_closed());
        case v1::Event::kCrossingRefused:
            state.refused.refuse(event.crossing_refused(), decided_at);
            return true;
        case v1::Event::kAlertsPublished:
            evolve(state.alerts, event.alerts_published(), decided_at);
            return true;
        case v1::Event::kAlertsChanged:
            evolve(state.alerts, event.alerts_changed());
            return true;
        case v1::Event::kChannelFollowed:
            evolve(state.destinations, event.channel_followed());
            return true;
        case v1::Event::kAgenciesFollowed:
            evolve(state.destinations, event.agencies_followed());
            return true;
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return false;
}

bool Decider::evolve(State& state, const v1::Event& event, Time decided_at) {
    if (!apply(state, event, decided_at)) return false;
    state.messages.drop_expired(decided_at);
    state.refused.forget_old(decided_at);
    return true;
}

std::optional<runtime::Due<v1::Command>> Decider::next_due(const State& state) {
    return drafting::next_due(state.refused);
}

}  // namespace tocsin::drafting
