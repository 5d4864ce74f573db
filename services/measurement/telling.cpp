#include "measurement/telling.hpp"

#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

namespace tocsin::measurement {
namespace {

namespace approving = tocsin::approval::v1;
namespace drafting = tocsin::drafting::v1;
namespace triggering = tocsin::trigger::v1;

void crossed(Telling& telling, const triggering::RuleCrossed& event) {
    const auto& crossing = event.crossing();
    if (telling.crossing_known(crossing.crossing_id())) return;
    auto reached = milestone("crossed", runtime::from_proto(crossing.cross_time()), {});
    reached.set_crossing_id(crossing.crossing_id());
    reached.mutable_milestone()->set_agency(event.agency_id());
    if (crossing.evidence_size() > 0) *reached.mutable_reading() = crossing.evidence(0);
    v1::Event recorded;
    *recorded.mutable_milestone_reached() = std::move(reached);
    telling.record(std::move(recorded));
}

void created(Telling& telling, const drafting::MessageCreated& event) {
    content::v1::Parties parties;
    *parties.mutable_agencies() = event.draft().agencies();
    *parties.mutable_incident_agencies() = event.incident_agencies();
    telling.concern(event.message_id(), std::move(parties));
    auto reached = milestone("drafted", telling.at(), event.message_id());
    reached.mutable_milestone()->set_agency(event.agency());
    reached.set_crossing_id(event.crossing_id());
    telling.reach(std::move(reached));
}

void revised(Telling& telling, const drafting::MessageRevised& event) {
    auto parties = telling.parties(event.message_id());
    *parties.mutable_agencies() = event.draft().agencies();
    telling.concern(event.message_id(), std::move(parties));
}

void approved(Telling& telling, const approving::ApprovalGiven& event) {
    auto reached = milestone("approved", telling.at(), event.message_id());
    reached.mutable_milestone()->set_agency(event.approval().agency_id());
    reached.mutable_milestone()->set_text(event.approval().approver());
    telling.reach(std::move(reached));
}

}  // namespace

v1::MilestoneReached milestone(std::string kind, Time at, const std::string& message_id) {
    v1::MilestoneReached reached;
    reached.set_message_id(message_id);
    reached.mutable_milestone()->set_kind(std::move(kind));
    *reached.mutable_milestone()->mutable_at() = runtime::to_proto(at);
    return reached;
}

const ReleaseState& Telling::release(const std::string& release_id) {
    touch_release(release_id);
    return changed_.releases[release_id];
}

bool Telling::crossing_known(const std::string& crossing_id) const {
    return state_.crossings.contains(crossing_id) || changed_.crossings.contains(crossing_id);
}

void Telling::touch_message(const std::string& message_id) {
    if (message_id.empty() || changed_.messages.contains(message_id)) return;
    const auto found = state_.messages.find(message_id);
    if (found != state_.messages.end()) changed_.messages[message_id] = found->second;
}

void Telling::touch_release(const std::string& release_id) {
    if (release_id.empty() || changed_.releases.contains(release_id)) return;
    const auto found = state_.releases.find(release_id);
    if (found != state_.releases.end()) changed_.releases[release_id] = found->second;
}

void Telling::touch(const v1::Event& event) {
    switch (event.body_case()) {
        case v1::Event::kMilestoneReached:
            touch_message(event.milestone_reached().message_id());
            touch_release(event.milestone_reached().release_id());
            return;
        case v1::Event::kRemarkAdded:
            touch_message(event.remark_added().message_id());
            return;
        case v1::Event::kSkewMeasured:
            touch_release(event.skew_measured().release_id());
            return;
        case v1::Event::kDeliveriesNoted:
            touch_release(event.deliveries_noted().release_id());
            return;
        case v1::Event::kPartiesNoted:
            touch_message(event.parties_noted().message_id());
            return;
        case v1::Event::BODY_NOT_SET:
            return;
    }
}

content::v1::Parties Telling::parties(const std::string& message_id) {
    touch_message(message_id);
    const auto known = changed_.messages.find(message_id);
    return known == changed_.messages.end() ? content::v1::Parties{} : known->second.parties.get();
}

void Telling::concern(const std::string& message_id, content::v1::Parties parties) {
    if (runtime::stable_bytes(this->parties(message_id)) == runtime::stable_bytes(parties)) return;
    v1::Event event;
    event.mutable_parties_noted()->set_message_id(message_id);
    *event.mutable_parties_noted()->mutable_parties() = std::move(parties);
    record(std::move(event));
}

void Telling::reach(v1::MilestoneReached reached) {
    touch_message(reached.message_id());
    const auto known = changed_.messages.find(reached.message_id());
    if (known != changed_.messages.end() && known->second.reached.contains(key_of(reached))) return;
    v1::Event event;
    *event.mutable_milestone_reached() = std::move(reached);
    record(std::move(event));
}

void Telling::record(v1::Event event) {
    touch(event);
    Decider::evolve(changed_, event, at_);
    events_.push_back(std::move(event));
}

std::optional<runtime::Happened<v1::Event>> Telling::done() && {
    if (events_.empty()) return std::nullopt;
    return runtime::Happened<v1::Event>{std::move(events_), {}, {}};
}

void tell_trigger(Telling& telling, const runtime::Foreign& foreign) {
    using triggering::Event;
    for (const std::string& bytes : foreign.events) {
        const auto event = runtime::parse_foreign<Event>(bytes);
        if (!event) continue;
        switch (event->body_case()) {
            case Event::kRuleCrossed:
                crossed(telling, event->rule_crossed());
                break;
            case Event::kSourcePut:
            case Event::kRulePut:
            case Event::kRuleRemoved:
            case Event::kSourceRemoved:
            case Event::kSeriesBound:
            case Event::kReadingPassed:
            case Event::kEvidenceRevised:
            case Event::kCrossingRetried:
            case Event::kRuleReset:
            case Event::kCrossingSuppressed:
            case Event::BODY_NOT_SET:
                break;
        }
    }
}

void tell_drafting(Telling& telling, const runtime::Foreign& foreign) {
    using drafting::Event;
    for (const std::string& bytes : foreign.events) {
        const auto event = runtime::parse_foreign<Event>(bytes);
        if (!event) continue;
        switch (event->body_case()) {
            case Event::kMessageCreated:
                created(telling, event->message_created());
                break;
            case Event::kMessageSubmitted:
                telling.reach(
                    milestone("submitted", telling.at(), event->message_submitted().message_id()));
                break;
            case Event::kMessageRevised:
                revised(telling, event->message_revised());
                break;
            case Event::kIncidentOpened:
            case Event::kTemplateStored:
            case Event::kMessageWithdrawn:
            case Event::kMessageReturned:
            case Event::kMessageClosed:
            case Event::kCrossingRefused:
            case Event::kAlertsPublished:
            case Event::BODY_NOT_SET:
                break;
        }
    }
}

void tell_approval(Telling& telling, const runtime::Foreign& foreign) {
    using approving::Event;
    for (const std::string& bytes : foreign.events) {
        const auto event = runtime::parse_foreign<Event>(bytes);
        if (!event) continue;
        switch (event->body_case()) {
            case Event::kApprovalGiven:
                approved(telling, event->approval_given());
                break;
            case Event::kCleared:
                telling.reach(milestone("cleared", telling.at(), event->cleared().message_id()));
                break;
            case Event::kRosterImported:
            case Event::kPolicySet:
            case Event::kReviewOpened:
            case Event::kAgencyCleared:
            case Event::kReviewReturned:
            case Event::kReviewRejected:
            case Event::BODY_NOT_SET:
                break;
        }
    }
}

}  // namespace tocsin::measurement
