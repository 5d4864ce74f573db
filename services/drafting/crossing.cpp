#include "drafting/crossing.hpp"

#include "content/templates.hpp"
#include "runtime/ledger/refusals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace tocsin::drafting {

using runtime::Foreign;

// ---- commands

Verdict retry_crossing(const CrossingSlices& slices, const runtime::Asking& asking,
                       const v1::RetryCrossing& retry, Time now) {
    if (auto no = runtime::require_timer(asking)) return std::unexpected(*no);
    const Refused* refused = slices.refused.find(retry.crossing_id());
    // Drafted, tried or forgotten since.
    if (!refused || refused->attempts != retry.attempts() ||
        (!refused->due && now < refused->draft_until))
        return Happened{{}, retry.crossing_id(), {}};
    trigger::v1::RuleCrossed crossed;
    crossed.ParseFromString(refused->crossed);
    return Happened{
        from_crossing(slices.material, {crossed, asking.realm, now}), retry.crossing_id(), {}};
}

// ---- reactions to trigger

bool concerns_crossings(const Foreign& foreign) {
    using trigger::v1::Event;
    return foreign.service == "trigger" &&
           runtime::has_any<Event>(foreign, {Event::kRuleCrossed, Event::kCrossingRetried,
                                             Event::kRulePut, Event::kRuleRemoved});
}

// Whether there is a message of it, or the refusal that an attempt would lead to now.
static bool is_answered(const CrossingSlices& slices, const trigger::v1::RuleCrossed& crossed,
                        bool retried) {
    const std::string& id = crossed.crossing().crossing_id();
    if (slices.messages.contains(crossing_message_id(id))) return true;
    if (!retried) return slices.refused.knows(id);
    const Refused* refused = slices.refused.find(id);
    return refused && !refused->due && refused->crossed == crossed.SerializeAsString();
}

static bool is_among(const Happened& happened, const trigger::v1::RuleCrossed& crossed) {
    const std::string& id = crossed.crossing().crossing_id();
    return std::ranges::any_of(happened.events, [&](const v1::Event& event) {
        return event.message_created().crossing_id() == id ||
               event.crossing_refused().crossing_id() == id;
    });
}

static void follow_crossing(const CrossingSlices& slices, const Foreign& foreign,
                            const trigger::v1::RuleCrossed& crossed, bool retried, Time now,
                            Happened& happened) {
    if (is_answered(slices, crossed, retried) || is_among(happened, crossed)) return;
    // One reading may cross many rules, and all that they lead to is one record.
    auto events =
        from_crossing(slices.material, {crossed, foreign.realm, now, bytes_of(happened.events)});
    const bool refused = events.front().has_crossing_refused();
    const std::string& crossing_id = crossed.crossing().crossing_id();
    happened.subject = refused ? crossing_id : crossing_message_id(crossing_id);
    happened.etag = refused ? "" : std::to_string(events.size());
    for (v1::Event& each : events) happened.events.push_back(std::move(each));
}

// Whether the rule as it is now is held against another source, series, threshold or unit than the
// one that crossed.
static bool is_another_rule(const Refused& refused, const trigger::v1::Rule& rule) {
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

// A CrossingRefused that is not tried again.
static v1::Event crossing_given_up(const std::string& rule_id, const std::string& crossing_id,
                                   bool removed) {
    v1::Event event = event_of({});
    v1::CrossingRefused& body = *event.mutable_crossing_refused();
    body.set_rule_id(rule_id);
    body.set_crossing_id(crossing_id);
    body.set_reason(fmt::format(
        "nothing was drafted before rule `{}` was {}, and nothing will be; write the message by "
        "hand if it is still needed",
        rule_id, removed ? "removed" : "changed to watch for something else"));
    return event;
}

// What was refused of a rule that is gone, or watches for something else, must not be drafted hours
// later because somebody stores the template: the rule as it is now may have reported the same
// event.
static void follow_rule(const RefusedCrossings& refused, const trigger::v1::Event& event,
                        Happened& happened) {
    const bool removed = event.has_rule_removed();
    const std::string& rule_id = event.rule_id();
    for (const std::string& id : refused.of_rule(rule_id)) {
        if (!removed && !is_another_rule(*refused.find(id), event.rule_put().rule())) continue;
        happened.events.push_back(crossing_given_up(rule_id, id, removed));
        happened.subject = id;
        happened.etag.clear();
    }
}

void follow_trigger(const CrossingSlices& slices, const Foreign& foreign, Time now,
                    Happened& happened) {
    if (foreign.service != "trigger") return;
    foreign.each<trigger::v1::Event>([&](const trigger::v1::Event& event) {
        if (event.has_rule_removed() || event.has_rule_put())
            follow_rule(slices.refused, event, happened);
        if (event.has_rule_crossed())
            follow_crossing(slices, foreign, event.rule_crossed(), false, now, happened);
        if (event.has_crossing_retried())
            follow_crossing(slices, foreign, event.crossing_retried(), true, now, happened);
    });
}

// ---- due times

std::optional<runtime::Due<v1::Command>> next_due(const RefusedCrossings& refused) {
    const auto first = refused.first_due();
    if (!first) return std::nullopt;
    const auto& [at, crossing_id] = *first;
    runtime::Due<v1::Command> due{at, {}};
    due.command.mutable_retry_crossing()->set_crossing_id(crossing_id);
    due.command.mutable_retry_crossing()->set_attempts(refused.find(crossing_id)->attempts);
    return due;
}

}  // namespace tocsin::drafting
