#include "measurement/telling.hpp"

#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <algorithm>

namespace tocsin::measurement {
namespace {

namespace approving = tocsin::approval::v1;
namespace drafting = tocsin::drafting::v1;
namespace triggering = tocsin::trigger::v1;

void crossed(Telling& telling, const triggering::RuleCrossed& event) {
    const auto& crossing = event.crossing();
    if (telling.crossing_known(crossing.crossing_id())) return;
    v1::Event recorded =
        milestone(v1::MILESTONE_KIND_CROSSED, runtime::from_proto(crossing.cross_time()), {});
    v1::MilestoneReached& reached = *recorded.mutable_milestone_reached();
    reached.set_crossing_id(crossing.crossing_id());
    reached.mutable_milestone()->set_agency(event.agency_id());
    if (crossing.evidence_size() > 0) *reached.mutable_reading() = crossing.evidence(0);
    telling.record(std::move(recorded));
}

void created(Telling& telling, const std::string& message_id,
             const drafting::MessageCreated& event) {
    content::v1::Parties parties;
    *parties.mutable_agencies() = event.draft().agencies();
    *parties.mutable_incident_agencies() = event.incident_agencies();
    telling.concern(message_id, std::move(parties));
    v1::Event drafted = milestone(v1::MILESTONE_KIND_DRAFTED, telling.at(), message_id);
    v1::MilestoneReached& reached = *drafted.mutable_milestone_reached();
    reached.mutable_milestone()->set_agency(event.agency());
    reached.set_crossing_id(event.crossing_id());
    telling.reach(std::move(drafted));
}

void revised(Telling& telling, const std::string& message_id,
             const drafting::MessageRevised& event) {
    auto parties = telling.parties(message_id);
    *parties.mutable_agencies() = event.draft().agencies();
    telling.concern(message_id, std::move(parties));
}

void approved(Telling& telling, const std::string& message_id, const approving::Approval& given) {
    v1::Event reached = milestone(v1::MILESTONE_KIND_APPROVED, telling.at(), message_id);
    v1::Milestone& point = *reached.mutable_milestone_reached()->mutable_milestone();
    point.set_agency(given.agency_id());
    point.set_person(given.approver());
    telling.reach(std::move(reached));
}

void submitted(Telling& telling, const std::string& message_id,
               const drafting::MessageSubmitted& event) {
    v1::Event reached = milestone(v1::MILESTONE_KIND_SUBMITTED, telling.at(), message_id);
    v1::MilestoneReached& body = *reached.mutable_milestone_reached();
    body.mutable_milestone()->set_person(event.submitter());
    content::v1::Content content;
    body.set_corrects(content.ParseFromString(event.content()) &&
                      (content.message_type() == content::v1::MESSAGE_TYPE_UPDATE ||
                       content.message_type() == content::v1::MESSAGE_TYPE_CANCEL));
    telling.reach(std::move(reached));
}

void cleared(Telling& telling, const std::string& message_id, const approving::Cleared& event) {
    v1::Event reached = milestone(v1::MILESTONE_KIND_CLEARED, telling.at(), message_id);
    if (const auto last = std::ranges::max_element(
            event.approvals(), {},
            [](const auto& given) { return runtime::from_proto(given.approve_time()); });
        last != event.approvals().end())
        reached.mutable_milestone_reached()->mutable_milestone()->set_person(last->approver());
    telling.reach(std::move(reached));
}

}  // namespace

v1::Event milestone(v1::MilestoneKind kind, Time at, std::string message_id,
                    std::string release_id) {
    v1::Event event = event_of(std::move(message_id), std::move(release_id));
    v1::Milestone& point = *event.mutable_milestone_reached()->mutable_milestone();
    point.set_kind(kind);
    *point.mutable_at() = runtime::to_proto(at);
    return event;
}

const KeptRelease& Telling::release(const std::string& release_id) {
    touch_release(release_id);
    return changed_releases_.by_id[release_id];
}

bool Telling::crossing_known(const std::string& crossing_id) const {
    return messages_.crossings.contains(crossing_id) ||
           changed_messages_.crossings.contains(crossing_id);
}

void Telling::touch_message(const std::string& message_id) {
    if (message_id.empty() || changed_messages_.by_id.contains(message_id)) return;
    const auto found = messages_.by_id.find(message_id);
    if (found != messages_.by_id.end()) changed_messages_.by_id[message_id] = found->second;
}

void Telling::touch_release(const std::string& release_id) {
    if (release_id.empty() || changed_releases_.by_id.contains(release_id)) return;
    const auto found = releases_.by_id.find(release_id);
    if (found != releases_.by_id.end()) changed_releases_.by_id[release_id] = found->second;
}

content::v1::Parties Telling::parties(const std::string& message_id) {
    touch_message(message_id);
    const auto known = changed_messages_.by_id.find(message_id);
    return known == changed_messages_.by_id.end() ? content::v1::Parties{}
                                                  : known->second.parties.get();
}

void Telling::concern(const std::string& message_id, content::v1::Parties parties) {
    if (runtime::stable_bytes(this->parties(message_id)) == runtime::stable_bytes(parties)) return;
    v1::Event event = event_of(message_id);
    *event.mutable_parties_noted()->mutable_parties() = std::move(parties);
    record(std::move(event));
}

void Telling::reach(v1::Event reached) {
    touch_message(reached.message_id());
    const auto known = changed_messages_.by_id.find(reached.message_id());
    if (known != changed_messages_.by_id.end() && known->second.reached.contains(key_of(reached)))
        return;
    record(std::move(reached));
}

void Telling::record(v1::Event event) {
    // A copy of a message has all its milestones: not where only its release changes.
    if (!event.has_deliveries_noted() && !event.has_skew_measured())
        touch_message(event.message_id());
    touch_release(event.release_id());
    evolve(changed_messages_, event);
    evolve(changed_releases_, event);
    events_.push_back(std::move(event));
}

std::optional<Happened> Telling::done() && {
    if (events_.empty()) return std::nullopt;
    return Happened{std::move(events_), {}, {}};
}

// What is not looked for here is no milestone, whatever the other services come to decide.
void tell_trigger(Telling& telling, const runtime::Foreign& foreign) {
    foreign.each<triggering::Event>([&](const triggering::Event& event) {
        if (event.has_rule_crossed()) crossed(telling, event.rule_crossed());
    });
}

void tell_drafting(Telling& telling, const runtime::Foreign& foreign) {
    foreign.each<drafting::Event>([&](const drafting::Event& event) {
        const std::string& message_id = event.message_id();
        if (event.has_message_created()) created(telling, message_id, event.message_created());
        if (event.has_message_revised()) revised(telling, message_id, event.message_revised());
        if (event.has_message_submitted())
            submitted(telling, message_id, event.message_submitted());
    });
}

void tell_approval(Telling& telling, const runtime::Foreign& foreign) {
    foreign.each<approving::Event>([&](const approving::Event& event) {
        const std::string& message_id = event.message_id();
        if (event.has_approval_given())
            approved(telling, message_id, event.approval_given().approval());
        if (event.has_cleared()) cleared(telling, message_id, event.cleared());
    });
}

}  // namespace tocsin::measurement
