#include "drafting/crossing_draft.hpp"

#include "content/templates.hpp"
#include "drafting/findings.hpp"
#include "drafting/submission.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/record_limits.hpp"
#include "texts/contains.hpp"
#include "texts/names.hpp"
#include "texts/times.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <expected>
#include <set>
#include <utility>

namespace tocsin::drafting {

std::string crossing_message_id(const std::string& crossing_id) {
    return runtime::derive_id("msg", {trigger_author, crossing_id});
}

// Why it is too late for any message; empty while it is not.
static std::string age_problem(const trigger::v1::RuleCrossed& crossed, Time now) {
    if (!crossed.has_draft_until() || now < runtime::from_proto(crossed.draft_until())) return {};
    return fmt::format(
        "the reading is too old: rule `{}` drafts nothing from it after {}; write the message by "
        "hand if it is still needed",
        crossed.crossing().rule_id(), texts::minute_of(runtime::from_proto(crossed.draft_until())));
}

// The draft, or why there is none.
static std::expected<content::v1::Draft, std::string> draft_from(
    const Templates& templates, const trigger::v1::RuleCrossed& crossed, Time now) {
    const auto found = templates.find(crossed.template_id());
    if (found == templates.end())
        return std::unexpected(
            fmt::format("template `{}` does not exist; store it, or point the rule at another",
                        crossed.template_id()));
    if (crossed.crossing().evidence().empty())
        return std::unexpected(
            fmt::format("the crossing of rule `{}` carries no reading; write the message by hand, "
                        "and report this to the operator",
                        crossed.crossing().rule_id()));
    const v1::Template& source = found->second;
    // The zone is checked when the rule is put. Where this machine does not know it all the same,
    // times in the text are in UTC and named so: a draft must not fail for its time zone.
    const std::string zone =
        texts::has_time_zone(crossed.time_zone()) ? crossed.time_zone() : "UTC";
    auto draft =
        content::draft_at(source.draft(), crossed.crossing().evidence(0), zone, crossed.agency_id(),
                          now + std::chrono::seconds{source.expires_after_seconds()});
    if (!draft)
        return std::unexpected(
            fmt::format("template `{}` has placeholders that a reading does not fill; store it "
                        "without: {}",
                        source.template_id(), fmt::join(draft.error(), ", ")));
    for (const auto& evidence : crossed.crossing().evidence()) *draft->add_evidence() = evidence;
    return std::move(*draft);
}

// Why the agencies of the draft may not be in it; empty where they may.
static std::string agencies_problem(const Incidents& incidents,
                                    const trigger::v1::RuleCrossed& crossed,
                                    const content::v1::Draft& draft) {
    const auto incident = incidents.find(crossed.crossing().incident_id());
    if (incident == incidents.end())
        return fmt::format("incident `{}` does not exist; open one and point the rule at it",
                           crossed.crossing().incident_id());
    const std::vector<std::string>& participants = incident->second;
    for (const std::string& agency : draft.agencies())
        if (!texts::contains(participants, agency))
            return fmt::format(
                "agency `{}` of template `{}` does not take part in incident `{}`; store the "
                "template without it, or point the rule at an incident in which it does",
                agency, crossed.template_id(), incident->first);
    if (!texts::contains(draft.agencies(), crossed.agency_id()))
        return fmt::format(
            "the rule's agency `{}` is not among the agencies of template `{}`; store the template "
            "with it, or point the rule at another",
            crossed.agency_id(), crossed.template_id());
    return {};
}

// Those who wrote the template, the rule or the source are among its editors.
static v1::Event created_message(const Material& material, const trigger::v1::RuleCrossed& crossed,
                                 const std::string& message_id, content::v1::Draft draft) {
    v1::Event event = event_of(message_id);
    v1::MessageCreated& body = *event.mutable_message_created();
    body.set_incident_id(crossed.crossing().incident_id());
    body.set_agency(crossed.agency_id());
    body.set_author(std::string(trigger_author));
    *body.mutable_draft() = std::move(draft);
    body.set_message_type(content::v1::MESSAGE_TYPE_ALERT);
    body.set_rule_id(crossed.crossing().rule_id());
    body.set_crossing_id(crossed.crossing().crossing_id());
    const v1::Template& source = material.templates.at(crossed.template_id());
    std::set<std::string> editors(crossed.editors().begin(), crossed.editors().end());
    editors.insert(source.editors().begin(), source.editors().end());
    body.mutable_editors()->Assign(editors.begin(), editors.end());
    const auto& participants = material.incidents.at(crossed.crossing().incident_id());
    body.mutable_incident_agencies()->Assign(participants.begin(), participants.end());
    return event;
}

// The two events, or what to correct.
static std::expected<std::vector<v1::Event>, std::string> drafted(const Material& material,
                                                                  const Attempt& attempt) {
    const trigger::v1::RuleCrossed& crossed = attempt.crossed;
    if (auto problem = age_problem(crossed, attempt.now); !problem.empty())
        return std::unexpected(std::move(problem));
    auto draft = draft_from(material.templates, crossed, attempt.now);
    if (!draft) return std::unexpected(std::move(draft.error()));
    if (auto problem = agencies_problem(material.incidents, crossed, *draft); !problem.empty())
        return std::unexpected(std::move(problem));
    const auto against = objections(*draft, attempt.now, material.world, {});
    if (!against.errors.empty())
        return std::unexpected(
            fmt::format("the draft from template `{}` is incomplete; correct the template: {}",
                        crossed.template_id(), listing(against.errors)));

    const std::string id = crossing_message_id(crossed.crossing().crossing_id());
    std::vector<v1::Event> events{created_message(material, crossed, id, std::move(*draft))};
    // Submitted as it will stand once created: by the fold that every instance runs.
    Messages after;
    after.evolve(id, events[0].message_created());
    const auto publishers =
        publishers_of(material.destinations, events[0].message_created().draft());
    const PublishedAlerts nothing_referred_to;
    v1::Event submission = submitted({id, attempt.realm, material.world, after.at(id),
                                      nothing_referred_to, publishers, std::string(trigger_author),
                                      material.incidents.at(crossed.crossing().incident_id())});
    if (auto problem = size_problem(submission.message_submitted()); !problem.empty())
        return std::unexpected(fmt::format("the draft from template `{}` is too large: {}",
                                           crossed.template_id(), problem));
    events.push_back(std::move(submission));
    return events;
}

std::size_t bytes_of(const std::vector<v1::Event>& events) {
    std::size_t all = 0;
    for (const v1::Event& event : events) all += event.ByteSizeLong();
    return all;
}

static v1::Event crossing_refused(const Attempt& attempt, std::string reason,
                                  bool no_room = false) {
    v1::Event event = event_of({});
    v1::CrossingRefused& body = *event.mutable_crossing_refused();
    body.set_rule_id(attempt.crossed.crossing().rule_id());
    body.set_crossing_id(attempt.crossed.crossing().crossing_id());
    body.set_reason(std::move(reason));
    body.set_crossed(attempt.crossed.SerializeAsString());
    body.set_no_room(no_room);
    // Better not tried again than not recorded at all.
    if (attempt.bytes_before + event.ByteSizeLong() > runtime::decision_events_bytes)
        body.clear_crossed();
    return event;
}

std::vector<v1::Event> from_crossing(const Material& material, const Attempt& attempt) {
    auto events = drafted(material, attempt);
    if (!events) return {crossing_refused(attempt, std::move(events.error()))};
    if (attempt.bytes_before + bytes_of(*events) <= runtime::decision_events_bytes)
        return std::move(*events);
    if (attempt.bytes_before > 0)
        return {crossing_refused(attempt,
                                 "the drafts of the other rules that the same reading crosses "
                                 "leave no room for this one; it is tried again by itself",
                                 true)};
    return {crossing_refused(
        attempt, fmt::format("the draft from template `{}` is too large for a record; make the "
                             "template smaller",
                             attempt.crossed.template_id()))};
}

}  // namespace tocsin::drafting
