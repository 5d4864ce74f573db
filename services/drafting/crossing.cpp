#include "drafting/crossing.hpp"

#include "content/templates.hpp"
#include "drafting/submission.hpp"
#include "runtime/ids.hpp"
#include "texts/names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <expected>
#include <set>

namespace tocsin::drafting {

std::string crossing_message_id(const std::string& crossing_id) {
    return runtime::derive_id("msg", {trigger_author, crossing_id});
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
        return std::unexpected("the crossing carries no reading");
    const v1::Template& source = found->second;
    // Its name is checked when the rule is put. This machine may not know it all the same: then
    // times in the text are of UTC, and say so. The river does not wait.
    const std::string zone =
        texts::has_time_zone(crossed.time_zone()) ? crossed.time_zone() : "UTC";
    auto filled = content::fill(source.draft(), {},
                                content::reading_values(crossed.crossing().evidence(0), zone));
    if (!filled)
        return std::unexpected(
            fmt::format("template `{}` has placeholders that a reading does not "
                        "fill: {}",
                        source.template_id(), fmt::join(filled.error(), ", ")));
    content::v1::Draft draft = std::move(*filled);
    if (draft.agencies().empty()) draft.add_agencies(crossed.agency_id());
    for (const auto& evidence : crossed.crossing().evidence()) *draft.add_evidence() = evidence;
    *draft.mutable_expires() =
        runtime::to_proto(now + std::chrono::seconds{source.expires_after_seconds()});
    return draft;
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
            return fmt::format("agency `{}` of the template does not take part in incident `{}`",
                               agency, incident->first);
    if (std::ranges::find(draft.agencies(), crossed.agency_id()) == draft.agencies().end())
        return fmt::format("the rule's agency `{}` is not among the template's agencies",
                           crossed.agency_id());
    return {};
}

v1::Event crossing_refused(const trigger::v1::RuleCrossed& crossed, std::string reason) {
    v1::Event event;
    v1::CrossingRefused& body = *event.mutable_crossing_refused();
    body.set_rule_id(crossed.crossing().rule_id());
    body.set_crossing_id(crossed.crossing().crossing_id());
    body.set_reason(std::move(reason));
    return event;
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

std::vector<v1::Event> from_crossing(const State& state, const trigger::v1::RuleCrossed& crossed,
                                     const std::string& realm, Time now) {
    auto draft = draft_from(state, crossed, now);
    if (!draft) return {crossing_refused(crossed, draft.error())};
    if (auto problem = agencies_problem(state, crossed, *draft); !problem.empty())
        return {crossing_refused(crossed, std::move(problem))};
    const auto against = objections(*draft, now, Decider::world, {});
    if (!against.errors.empty())
        return {
            crossing_refused(crossed, fmt::format("the draft from template `{}` is incomplete: {}",
                                                  crossed.template_id(), listing(against.errors)))};

    const std::string id = crossing_message_id(crossed.crossing().crossing_id());
    const v1::Template& source = state.templates.at(crossed.template_id());
    std::vector<v1::Event> events{created(state, crossed, source, id, std::move(*draft))};
    // Submitted as it will stand once created: by the same fold that everybody else runs.
    State after;
    Decider::evolve(after, events[0], now);
    events.push_back(submitted({id, realm, after.messages.at(id), std::string(trigger_author),
                                state.incidents.at(crossed.crossing().incident_id())}));
    return events;
}

}  // namespace tocsin::drafting
