#include "sim/line_promises.hpp"

#include "content/content.hpp"
#include "content/publishers.hpp"
#include "runtime/base/digest.hpp"
#include "services.inc"
#include "sim/violation.hpp"
#include "texts/enum_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tocsin::sim {

using runtime::from_proto;
using texts::enum_name;

static void require(bool holds, const std::string& what, const std::string& id) {
    if (!holds) throw Violation(fmt::format("{}: {}", what, id));
}

template <class Agencies>
static std::vector<std::string> agencies_of(const Agencies& agencies) {
    return {agencies.begin(), agencies.end()};
}

template <class Event>
static Event event_of(const std::string& bytes) {
    Event event;
    require(event.ParseFromString(bytes), "an event does not parse", Event::descriptor()->name());
    return event;
}

void LinePromises::counted(const std::string& service, const ledger::v1::Decision& decision) {
    const Time at = from_proto(decision.decided_at());
    for (const std::string& bytes : decision.accepted().events()) {
#define TOCSIN_FOLLOW(name) \
    if (service == #name) follow(event_of<name::v1::Event>(bytes), at);
        TOCSIN_SERVICES(TOCSIN_FOLLOW)
#undef TOCSIN_FOLLOW
    }
}

void LinePromises::follow(const trigger::v1::Event& event, Time) {
    if (!event.has_rule_crossed()) return;
    const std::string& id = event.rule_crossed().crossing().crossing_id();
    require(crossings_.insert(id).second, "crossed twice", id);
}

void LinePromises::follow(const drafting::v1::Event& event, Time at) {
    const std::string& id = event.message_id();
    if (event.has_incident_opened()) {
        const auto& incident = event.incident_opened().incident();
        incidents_[incident.incident_id()] = agencies_of(incident.agencies());
    } else if (event.has_message_created()) {
        const auto& created = event.message_created();
        require(!messages_.contains(id), "created twice", id);
        Message& message = messages_[id];
        message.writers.insert(created.author());
        message.drafted_at = at;
        message.named.push_back(agencies_of(created.draft().agencies()));
        message.members = agencies_of(created.incident_agencies());
        require(message.members == incidents_.at(created.incident_id()),
                "of other agencies than its incident", id);
        if (created.crossing_id().empty()) return;
        require(crossings_.contains(created.crossing_id()), "of no crossing", id);
        require(crossings_drafted_.insert(created.crossing_id()).second,
                "two messages of one crossing", created.crossing_id());
        crossings_answered_.insert(created.crossing_id());
    } else if (event.has_crossing_refused()) {
        require(!crossings_drafted_.contains(event.crossing_refused().crossing_id()),
                "refused once it was drafted", event.crossing_refused().crossing_id());
        crossings_answered_.insert(event.crossing_refused().crossing_id());
    } else if (event.has_message_revised()) {
        Message& message = messages_.at(id);
        require(message.digest.empty(), "revised while it was locked", id);
        message.writers.insert(event.message_revised().author());
        message.named.push_back(agencies_of(event.message_revised().draft().agencies()));
    } else if (event.has_message_submitted()) {
        const auto& submitted = event.message_submitted();
        Message& message = messages_.at(id);
        require(!message.over && message.digest.empty(), "submitted while it was not a draft", id);
        message.writers.insert(submitted.submitter());
        require(agencies_of(submitted.incident_agencies()) == message.members,
                "submitted for other agencies than its incident's", id);
        message.digest = runtime::hex(runtime::sha256(submitted.content()));
        ++message.submitted;
        if (!message.submitted_at) message.submitted_at = at;
    } else if (event.has_message_returned()) {
        messages_.at(id).digest.clear();
    } else if (event.has_message_withdrawn()) {
        messages_.at(id).over = true;
    } else if (event.has_message_closed()) {
        messages_.at(id).over = true;
    } else if (event.has_alerts_published()) {
        for (const auto& alert : event.alerts_published().alerts()) {
            const std::string& identifier = alert.reference().identifier();
            require(alerts_.contains(identifier), "of no claim", identifier);
            require(alerts_known_.insert(identifier).second, "an alert published twice",
                    identifier);
        }
    }
}

// --- approval ---

void LinePromises::follow(const approval::v1::Event& event, Time at) {
    if (event.has_roster_imported()) {
        roster_ = event.roster_imported().roster();
    } else if (event.has_policy_set()) {
        const auto& policy = event.policy_set().policy();
        policies_[{policy.agency_id(), static_cast<int>(policy.severity())}] = {
            policy.quorum(), {policy.roles().begin(), policy.roles().end()}};
    } else if (event.has_review_opened()) {
        open(event.review_opened().review());
    } else if (event.has_approval_given()) {
        approve(event.message_id(), event.approval_given().approval());
    } else if (event.has_cleared()) {
        clear(event.message_id(), event.cleared(), at);
    }
}

void LinePromises::open(const approval::v1::Review& review) {
    Message& message = messages_.at(review.message_id());
    require(++message.reviewed <= message.submitted, "a review of nothing that was submitted",
            review.message_id());
    if (!message.cleared.empty()) {
        require(message.given_back, "reviewed again though its release did not give it back",
                review.message_id());
        message.cleared.clear();
        message.release.clear();
        message.given_back = false;
    }
    message.needs.clear();
    require(agencies_of(review.incident_agencies()) == message.members,
            "reviewed for other agencies than its incident's", review.message_id());
    content::v1::Content content;
    require(content.ParseFromString(review.content()), "unreadable", review.message_id());
    for (const std::string& agency : content.draft().agencies()) {
        const auto policy = policies_.find({agency, static_cast<int>(content.draft().severity())});
        message.needs[agency] =
            policy == policies_.end() ? Need{2, {"approver", "duty-officer"}} : policy->second;
    }
    carry(message, review);
}

void LinePromises::carry(Message& message, const approval::v1::Review& review) const {
    const auto before = std::exchange(message.approvals, {});
    const std::string digest = std::exchange(message.approved_digest, message.digest);
    for (const auto& agency : review.agencies())
        for (const auto& approval : agency.approvals()) {
            const std::string& id = review.message_id();
            const auto same = [&](const auto& one) {
                return one.approver() == approval.approver() &&
                       one.agency_id() == approval.agency_id();
            };
            require(digest == message.digest && std::ranges::any_of(before, same),
                    "begun with an approval that nobody gave", id);
            require(!message.writers.contains(approval.approver()),
                    "begun with the approval of who submitted it", id);
            require(plays(approval, message.needs.at(approval.agency_id())),
                    "begun with the approval of who may not approve", id);
            message.approvals.push_back(approval);
        }
}

// By the roster as it stands, for an agency that has a say, in a role that the policy counts.
bool LinePromises::plays(const approval::v1::Approval& approval, const Need& need) const {
    return std::ranges::any_of(roster_.people(), [&](const auto& person) {
        return person.subject() == approval.approver() &&
               person.agency_id() == approval.agency_id() &&
               std::ranges::any_of(person.roles(),
                                   [&](const auto& role) { return need.roles.contains(role); });
    });
}

void LinePromises::approve(const std::string& id, const approval::v1::Approval& approval) {
    Message& message = messages_.at(id);
    require(message.cleared.empty(), "approved after it was cleared", id);
    require(!message.writers.contains(approval.approver()), "approved by who wrote it", id);
    require(approval.digest() == message.digest, "approved other words than those submitted", id);
    const auto need = message.needs.find(approval.agency_id());
    require(need != message.needs.end() && plays(approval, need->second), "approved by who may not",
            id);
    for (const auto& other : message.approvals)
        require(other.approver() != approval.approver(), "approved twice by one person", id);
    message.approvals.push_back(approval);
    message.approvers.insert({approval.agency_id(), approval.approver()});
}

std::ptrdiff_t LinePromises::given_by(const Message& message, const std::string& agency) {
    return std::ranges::count(message.approvals, agency,
                              [](const auto& approval) { return approval.agency_id(); });
}

void LinePromises::clear(const std::string& id, const approval::v1::Cleared& cleared, Time at) {
    Message& message = messages_.at(id);
    require(message.cleared.empty(), "cleared twice", id);
    require(!message.over, "cleared although it was given up", id);
    require(runtime::hex(runtime::sha256(cleared.content())) == message.digest,
            "cleared other words than those submitted", id);
    require(!message.needs.empty(), "cleared by nobody", id);
    for (const auto& [agency, need] : message.needs) {
        require(given_by(message, agency) >= need.quorum,
                "cleared without enough approvals of " + agency, id);
    }
    message.cleared = cleared.content();
    // Measured is how long the public waited since it was cleared first.
    if (!message.cleared_at) message.cleared_at = at;
}

// --- publishing and measurement ---

void LinePromises::follow(const publishing::v1::Event& event, Time) {
    for (const auto& alert : event.deliveries_claimed().alerts())
        alerts_.insert(alert.reference().identifier());
    for (const auto* text :
         {&event.release_cancelled().returned(), &event.release_ended().returned()})
        if (const auto found = messages_.find(text->message_id());
            found != messages_.end() && found->second.release == event.release_id())
            found->second.given_back = true;
    if (!event.has_release_planned()) return;
    const auto& release = event.release_planned().release();
    const auto found = messages_.find(release.message_id());
    require(found != messages_.end() && !found->second.cleared.empty(),
            "planned what was not cleared", release.message_id());
    Message& message = found->second;
    require(message.release.empty(), "planned twice", release.message_id());
    require(release.digest() == runtime::hex(runtime::sha256(message.cleared)) &&
                event.release_planned().content() == message.cleared,
            "planned other words than those cleared", release.message_id());
    require(agencies_of(release.agencies()) == message.named.back() &&
                agencies_of(release.incident_agencies()) == message.members,
            "planned for other agencies than those it concerns", release.message_id());
    message.release = release.release_id();
    const auto content = content::parse(message.cleared);
    for (const auto& delivery : release.deliveries())
        require(delivery.state() == publishing::v1::DELIVERY_STATE_SKIPPED ||
                    content::find_target(*content, delivery.channel_id()).destination != nullptr,
                "planned for a channel that nobody approved", release.message_id());
}

void LinePromises::follow(const measurement::v1::Event& event, Time) {
    if (event.has_milestone_reached())
        reach(event.message_id(), event.release_id(), event.milestone_reached());
    if (event.has_parties_noted()) concern(event.message_id(), event.parties_noted());
}

void LinePromises::concern(const std::string& id, const measurement::v1::PartiesNoted& noted) {
    const Message& message = messages_.at(id);
    auto named = agencies_of(noted.parties().agencies());
    require(std::ranges::find(message.named, named) != message.named.end() &&
                agencies_of(noted.parties().incident_agencies()) == message.members,
            "measured for other agencies than those it concerned", id);
    measured_[id].named = std::move(named);
}

void LinePromises::reach(const std::string& id, const std::string& release,
                         const measurement::v1::MilestoneReached& reached) {
    const auto& point = reached.milestone();
    if (point.kind() == measurement::v1::MILESTONE_KIND_CROSSED) {
        require(crossings_measured_.insert(reached.crossing_id()).second, "crossed twice",
                reached.crossing_id());
        return;
    }
    Measured& measured = measured_[id];
    const bool retracts = point.purpose() == publishing::v1::PURPOSE_RETRACTION;
    const bool approved = point.kind() == measurement::v1::MILESTONE_KIND_APPROVED;
    std::string key = fmt::format("{}{}/{}/{}/{}/{}", enum_name(point.kind()),
                                  retracts ? "-retraction" : "", point.agency(), point.channel(),
                                  reached.delivery_id(), approved ? point.person() : "");
    // Each release reaches them for itself.
    if (!release.empty()) key += "/" + release;
    const bool fired = point.kind() == measurement::v1::MILESTONE_KIND_FIRED;
    Time& latest = measured.at[{point.kind(), retracts}];
    const Time at = from_proto(point.at());
    const bool first = measured.reached.insert(key).second;
    // What left earlier than was known is told again.
    require(first || (fired && at < latest), "a milestone was reached twice: " + key, id);
    latest = at;
}

void LinePromises::check_order(const std::string& id, const Measured& measured) const {
    namespace measuring = measurement::v1;
    const Message& message = messages_.at(id);
    const auto at = [&](measuring::MilestoneKind kind) -> std::optional<Time> {
        const auto found = measured.at.find({kind, false});
        return found == measured.at.end() ? std::nullopt : std::optional(found->second);
    };
    const auto agrees = [&](measuring::MilestoneKind kind, const std::optional<Time>& when) {
        require(at(kind) == when,
                fmt::format("measured otherwise than it was: {}", enum_name(kind)), id);
    };
    agrees(measuring::MILESTONE_KIND_DRAFTED, message.drafted_at);
    agrees(measuring::MILESTONE_KIND_SUBMITTED, message.submitted_at);
    agrees(measuring::MILESTONE_KIND_CLEARED, message.cleared_at);
    require(!at(measuring::MILESTONE_KIND_FIRED) || !message.release.empty(),
            "fired without a release", id);
    for (const auto& [agency, person] : message.approvers)
        require(measured.reached.contains(fmt::format("approved/{}///{}", agency, person)),
                "an approval was not measured", id);
    std::optional<Time> last;
    for (const auto kind : {measuring::MILESTONE_KIND_DRAFTED, measuring::MILESTONE_KIND_SUBMITTED,
                            measuring::MILESTONE_KIND_CLEARED, measuring::MILESTONE_KIND_ARMED,
                            measuring::MILESTONE_KIND_FIRED}) {
        if (!at(kind)) continue;
        require(!clocks_agree_ || !last || *at(kind) >= *last,
                fmt::format("{} before what it follows from", enum_name(kind)), id);
        last = at(kind);
    }
}

LinePromises::Tally LinePromises::tally() const {
    Tally tally;
    tally.messages = static_cast<int>(messages_.size());
    for (const auto& [id, message] : messages_) tally.cleared += message.cleared.empty() ? 0 : 1;
    for (const auto& [id, measured] : measured_)
        tally.fired += measured.at.contains({measurement::v1::MILESTONE_KIND_FIRED, false}) ? 1 : 0;
    return tally;
}

// What its approvals say, whatever became of it.
bool LinePromises::approved(const Message& message) {
    if (message.digest.empty() || message.over || message.needs.empty()) return false;
    return std::ranges::all_of(message.needs, [&](const auto& need) {
        return given_by(message, need.first) >= need.second.quorum;
    });
}

void LinePromises::check_end() const {
    for (const auto& [id, message] : messages_) {
        require(message.reviewed == message.submitted, "submitted and never reviewed", id);
        require(message.cleared.empty() == message.release.empty(), "cleared and never planned",
                id);
        require(!approved(message) || !message.cleared.empty(), "approved and never cleared", id);
        const auto measured = measured_.find(id);
        require(measured != measured_.end(), "never measured", id);
        require(measured->second.named == message.named.back(),
                "measured for other agencies than those it concerns", id);
        check_order(id, measured->second);
    }
    for (const auto& [id, measured] : measured_)
        require(messages_.contains(id), "measured and never drafted", id);
    require(crossings_answered_ == crossings_, "a crossing without an answer", "of drafting");
    require(crossings_measured_ == crossings_, "a crossing was not measured", "of trigger");
    require(alerts_known_ == alerts_, "an alert that nobody may refer to", "of publishing");
}

}  // namespace tocsin::sim
