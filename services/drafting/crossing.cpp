#include "drafting/crossing.hpp"

#include "content/templates.hpp"
#include "drafting/submission.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/record_limits.hpp"
#include "texts/names.hpp"
#include "texts/times.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <expected>
#include <set>

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
    const State& state, const trigger::v1::RuleCrossed& crossed, Time now) {
    const auto found = state.templates.find(crossed.template_id());
    if (found == state.templates.end())
        return std::unexpected(
            fmt::format("template `{}` does not exist; store it, or point the "
                        "rule at another",
                        crossed.template_id()));
    if (crossed.crossing().evidence().empty())
        return std::unexpected(
            fmt::format("the crossing of rule `{}` carries no reading; write the message by hand, "
                        "and tell who runs the services",
                        crossed.crossing().rule_id()));
    const v1::Template& source = found->second;
    // Its name is checked when the rule is put. This machine may not know it all the same: then
    // times in the text are of UTC, and say so. The river does not wait.
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

// Which of the message's agencies may not be in it; empty when all may.
static std::string agencies_problem(const State& state, const trigger::v1::RuleCrossed& crossed,
                                    const content::v1::Draft& draft) {
    const auto incident = state.incidents.find(crossed.crossing().incident_id());
    if (incident == state.incidents.end())
        return fmt::format("incident `{}` does not exist; open one and point the rule at it",
                           crossed.crossing().incident_id());
    const std::vector<std::string>& members = incident->second;
    for (const std::string& agency : draft.agencies())
        if (std::ranges::find(members, agency) == members.end())
            return fmt::format(
                "agency `{}` of template `{}` does not take part in incident `{}`; store the "
                "template without it, or point the rule at an incident in which it does",
                agency, crossed.template_id(), incident->first);
    if (std::ranges::find(draft.agencies(), crossed.agency_id()) == draft.agencies().end())
        return fmt::format(
            "the rule's agency `{}` is not among the agencies of template `{}`; store the template "
            "with it, or point the rule at another",
            crossed.agency_id(), crossed.template_id());
    return {};
}

// Whoever wrote the template, the rule or the source has a hand in it.
static v1::Event created(const State& state, const trigger::v1::RuleCrossed& crossed,
                         const v1::Template& source, const std::string& message_id,
                         content::v1::Draft draft) {
    v1::Event event;
    v1::MessageCreated& body = *event.mutable_message_created();
    body.set_message_id(message_id);
    body.set_incident_id(crossed.crossing().incident_id());
    body.set_agency(crossed.agency_id());
    body.set_author(std::string(trigger_author));
    *body.mutable_draft() = std::move(draft);
    body.set_message_type(content::v1::MESSAGE_TYPE_ALERT);
    body.set_rule_id(crossed.crossing().rule_id());
    body.set_crossing_id(crossed.crossing().crossing_id());
    std::set<std::string> hands(crossed.hands().begin(), crossed.hands().end());
    hands.insert(source.hands().begin(), source.hands().end());
    body.mutable_hands()->Assign(hands.begin(), hands.end());
    const auto& members = state.incidents.at(crossed.crossing().incident_id());
    body.mutable_incident_agencies()->Assign(members.begin(), members.end());
    return event;
}

// The two events, or what to mend.
static std::expected<std::vector<v1::Event>, std::string> drafted(const State& state,
                                                                  const Attempt& attempt) {
    const trigger::v1::RuleCrossed& crossed = attempt.crossed;
    if (auto problem = age_problem(crossed, attempt.now); !problem.empty())
        return std::unexpected(std::move(problem));
    auto draft = draft_from(state, crossed, attempt.now);
    if (!draft) return std::unexpected(std::move(draft.error()));
    if (auto problem = agencies_problem(state, crossed, *draft); !problem.empty())
        return std::unexpected(std::move(problem));
    const auto against = objections(*draft, attempt.now, Decider::world, {});
    if (!against.errors.empty())
        return std::unexpected(
            fmt::format("the draft from template `{}` is incomplete; correct the template: {}",
                        crossed.template_id(), listing(against.errors)));

    const std::string id = crossing_message_id(crossed.crossing().crossing_id());
    const v1::Template& source = state.templates.at(crossed.template_id());
    std::vector<v1::Event> events{created(state, crossed, source, id, std::move(*draft))};
    // Submitted as it will stand once created: by the same fold that everybody else runs.
    State after;
    Decider::evolve(after, events[0], attempt.now);
    events.push_back(
        submitted({id, attempt.realm, after.messages.at(id), std::string(trigger_author),
                   state.incidents.at(crossed.crossing().incident_id())}));
    return events;
}

static std::size_t bytes_of(const std::vector<v1::Event>& events) {
    std::size_t all = 0;
    for (const v1::Event& event : events) all += event.ByteSizeLong();
    return all;
}

static v1::Event crossing_refused(const Attempt& attempt, std::string reason,
                                  bool no_room = false) {
    v1::Event event;
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

std::vector<v1::Event> from_crossing(const State& state, const Attempt& attempt) {
    auto events = drafted(state, attempt);
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

bool asks_otherwise(const Refused& refused, const trigger::v1::Rule& rule) {
    trigger::v1::RuleCrossed crossed;
    crossed.ParseFromString(refused.crossed);
    if (crossed.crossing().evidence().empty()) return true;
    const auto& evidence = crossed.crossing().evidence(0);
    // A rule without a unit takes that of the series. Where the reading reaches the other threshold
    // as well, it is the crossing of that one: nothing crosses anew.
    return rule.source_id() != evidence.source_id() || rule.series() != evidence.series() ||
           !content::reaches(evidence, rule.threshold()) ||
           (!rule.unit().empty() && rule.unit() != evidence.unit());
}

v1::Event crossing_given_up(const std::string& rule_id, const std::string& crossing_id,
                            bool removed) {
    v1::Event event;
    v1::CrossingRefused& body = *event.mutable_crossing_refused();
    body.set_rule_id(rule_id);
    body.set_crossing_id(crossing_id);
    body.set_reason(fmt::format(
        "nothing was drafted before rule `{}` {}, and nothing will be; write the message by hand "
        "if it is still needed",
        rule_id, removed ? "was removed" : "was put with another question"));
    return event;
}

runtime::Verdict<v1::Event> retry_crossing(const State& state, const runtime::Asking& asking,
                                           const v1::RetryCrossing& retry, Time now) {
    if (!asking.is_service())
        return runtime::reject(runtime::Because::permission_denied, "not_a_timer",
                               "only a timer may say this");
    const Refused* refused = state.refused.find(retry.crossing_id());
    // Drafted, tried or forgotten since.
    if (!refused || refused->attempts != retry.attempts() ||
        (!refused->due && now < refused->draft_until))
        return runtime::Happened<v1::Event>{{}, retry.crossing_id(), {}};
    trigger::v1::RuleCrossed crossed;
    crossed.ParseFromString(refused->crossed);
    return runtime::Happened<v1::Event>{
        from_crossing(state, {crossed, asking.realm, now}), retry.crossing_id(), {}};
}

}  // namespace tocsin::drafting
