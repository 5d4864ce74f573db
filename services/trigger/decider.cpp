#include "trigger/decider.hpp"

#include "content/graphemes.hpp"
#include "content/hands.hpp"
#include "content/templates.hpp"
#include "runtime/ledger/topics.hpp"
#include "texts/contains.hpp"
#include "trigger/source.hpp"

#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>

namespace tocsin::trigger {
namespace {

using google::protobuf::util::MessageDifferencer;
using runtime::Asking;
using runtime::Because;
using runtime::reject;
using Happened = runtime::Happened<v1::Event>;
using Verdict = runtime::Verdict<v1::Event>;

// Every source is a connection and a metric, every rule on a series is weighed at each reading.
constexpr std::size_t sources_max = 200;
constexpr std::size_t rules_max = 2000;
// Of these, one agency's: it leaves room for the others.
constexpr std::size_t sources_of_agency_max = sources_max / 2;
constexpr std::size_t rules_of_agency_max = rules_max / 2;
// Of either: so many are remembered after they were removed, with whose they were.
constexpr std::size_t removed_max = 1000;
constexpr std::size_t rules_per_series_max = 20;
// Many providers publish by the hour.
constexpr double stale_seconds_usual = 2 * 3600;

std::optional<runtime::Rejection> not_on_duty(const Asking& asking) {
    if (asking.has("admin") || asking.has("duty-officer")) return std::nullopt;
    return runtime::Rejection{Because::permission_denied,
                              "role_missing",
                              "this needs the role admin or duty-officer",
                              {}};
}

std::unexpected<runtime::Rejection> too_many_hands(std::string field) {
    return reject(Because::resource_exhausted, "too_many_hands",
                  fmt::format("{} people have put it, and none of them may approve what it leads "
                              "to: put it anew under another id",
                              content::hands_max),
                  std::move(field));
}

Verdict nothing_new(std::string id, std::int64_t version) {
    return Happened{{}, std::move(id), fmt::format("{}", version)};
}

// As the edge takes them: scheme and `://` are there.
bool names_only_a_host(const std::string& url) {
    const std::string rest = url.substr(url.find("://") + 3);
    const std::string authority = rest.substr(0, rest.find_first_of("/?#"));
    return !authority.empty() && !authority.contains('@');
}

// How many of the agency's are in use.
template <class Known, class Thing>
std::size_t in_use(const Known& known, const std::string& agency, const Thing& thing) {
    std::size_t number = 0;
    known.ascend(nullptr, [&](const std::string&, const auto& each) {
        number += thing(each).active() && thing(each).agency_id() == agency ? 1 : 0;
        return true;
    });
    return number;
}

// The version that a put follows. What was forgotten had none later than `forgotten_version`.
template <class Known>
std::int64_t last_version(const State& state, const Known* known) {
    return known ? known->version : state.forgotten_version;
}

// Calls `each` with every series of the source that rules read, and one of those, until it returns
// false.
template <class Each>
void each_series_read(const State& state, const std::string& source_id, const Each& each) {
    // No series has an empty name: this is before the source's first.
    const std::pair<std::string, std::string> before{source_id, ""};
    state.watching.ascend(&before, [&](const auto& series, const auto& rules) {
        return series.first == source_id && each(series.second, *rules.begin());
    });
}

// A rule that reads it would see no reading any more.
std::optional<runtime::Rejection> unreadable_for_rules(const State& state,
                                                       const v1::PutSourceRequest& request) {
    std::optional<runtime::Rejection> refused;
    const auto check = [&](const std::string& series, const std::string& rule) {
        if (series_problem(request.format(), series).empty()) return true;
        refused = runtime::Rejection{
            Because::failed_precondition, "source_in_use",
            fmt::format("the rule {} reads {}, which has no such name in {}: remove that first, or "
                        "point it elsewhere",
                        rule, series, request.format()),
            "format"};
        return false;
    };
    each_series_read(state, request.source_id(), check);
    return refused;
}

Verdict put_source(const State& state, const Asking& asking, const v1::PutSourceRequest& request) {
    if (auto refused = not_on_duty(asking)) return std::unexpected(std::move(*refused));
    const SourceState* known = state.sources.find(request.source_id());
    if (known && known->source.agency_id() != asking.agency)
        return reject(
            Because::permission_denied, "other_agency",
            fmt::format("it belongs to {}, which alone may replace it", known->source.agency_id()),
            "source_id");
    if (find_format(request.format()) == nullptr)
        return reject(Because::invalid_argument, "unknown_format",
                      "the format is one of usgs-json and eccc-csv", "format");
    // Everyone of the realm reads it, and it stays in the ledger.
    if (!names_only_a_host(request.url()))
        return reject(Because::invalid_argument, "url_with_secret",
                      "the URL must name a host, and no user or password before it", "url");
    if (auto refused = unreadable_for_rules(state, request)) return std::unexpected(*refused);
    const bool is_used = known && known->source.active();
    if (!is_used && state.sources.size() - state.removed_sources.ids.size() >= sources_max)
        return reject(Because::resource_exhausted, "too_many_sources",
                      fmt::format("a realm has at most {} sources: remove one", sources_max),
                      "source_id");
    const auto source_in = [](const SourceState& each) -> const v1::Source& { return each.source; };
    if (!is_used && in_use(state.sources, asking.agency, source_in) >= sources_of_agency_max)
        return reject(Because::resource_exhausted, "too_many_sources",
                      fmt::format("an agency has at most {} of the realm's {} sources: remove one",
                                  sources_of_agency_max, sources_max),
                      "source_id");
    v1::Source source;
    source.set_source_id(request.source_id());
    source.set_agency_id(asking.agency);
    source.set_format(request.format());
    source.set_url(request.url());
    source.set_poll_seconds(request.poll_seconds());
    source.set_stale_seconds(request.stale_seconds() > 0
                                 ? request.stale_seconds()
                                 : std::max(stale_seconds_usual, 3 * request.poll_seconds()));
    source.set_active(true);
    const std::int64_t version = last_version(state, known);
    if (known) *source.mutable_hands() = known->source.hands();
    if (known && MessageDifferencer::Equals(source, known->source))
        return nothing_new(request.source_id(), version);
    if (!content::take_hand(source, asking.actor)) return too_many_hands("source_id");
    Happened happened{{}, request.source_id(), fmt::format("{}", version + 1)};
    *happened.events.emplace_back().mutable_source_put()->mutable_source() = std::move(source);
    return happened;
}

// A rule that is on and reads the source; empty: there is none.
std::string reader_of(const State& state, const std::string& source_id) {
    std::string reader;
    each_series_read(state, source_id, [&](const std::string&, const std::string& rule) {
        reader = rule;
        return false;
    });
    return reader;
}

Verdict remove_source(const State& state, const Asking& asking,
                      const v1::RemoveSourceRequest& request) {
    if (auto refused = not_on_duty(asking)) return std::unexpected(std::move(*refused));
    const std::string& source_id = request.source_id();
    const SourceState* known = state.sources.find(source_id);
    if (!known)
        return reject(Because::not_found, "source_not_found",
                      fmt::format("there is no source {}", request.source_id()), "source_id");
    if (known->source.agency_id() != asking.agency)
        return reject(
            Because::permission_denied, "other_agency",
            fmt::format("it belongs to {}, which alone may remove it", known->source.agency_id()),
            "source_id");
    if (!known->source.active()) return nothing_new(source_id, known->version);
    if (const std::string reader = reader_of(state, source_id); !reader.empty())
        return reject(
            Because::failed_precondition, "source_in_use",
            fmt::format("the rule {} reads it; remove that first, or point it elsewhere", reader),
            "source_id");
    Happened happened{{}, source_id, fmt::format("{}", known->version + 1)};
    happened.events.emplace_back().mutable_source_removed()->set_source_id(source_id);
    return happened;
}

v1::Rule rule_of(const v1::PutRuleRequest& request, const std::string& agency) {
    v1::Rule rule;
    rule.set_rule_id(request.rule_id());
    rule.set_agency_id(agency);
    rule.set_source_id(request.source_id());
    rule.set_series(request.series());
    rule.set_threshold(request.threshold());
    rule.set_hysteresis(request.hysteresis());
    rule.set_for_seconds(request.for_seconds());
    rule.set_cooldown_seconds(request.cooldown_seconds());
    rule.set_template_id(request.template_id());
    rule.set_incident_id(request.incident_id());
    rule.set_active(true);
    rule.set_time_zone(request.time_zone().empty() ? "UTC" : request.time_zone());
    rule.set_unit(std::string(content::trim(request.unit())));
    rule.set_max_age_seconds(request.max_age_seconds() > 0 ? request.max_age_seconds()
                                                           : max_age_seconds_usual);
    rule.set_max_gap_seconds(request.max_gap_seconds() > 0 ? request.max_gap_seconds()
                                                           : max_gap_seconds_usual);
    return rule;
}

// It may be changed for what drafting refused its crossings for: those are tried again as the rule
// is now, while their readings are young enough.
std::vector<v1::Event> retried(const RuleState& known, const v1::Rule& rule, Time now) {
    std::vector<v1::Event> events;
    if (!same_series(known, rule)) return events;
    for (const Fired& fired : known.fired) {
        if (!content::reaches(fired.grounds[0].evidence, rule.threshold())) continue;
        v1::Event event;
        v1::RuleCrossed& crossed = *event.mutable_crossing_retried();
        if (fired.crossed.empty() || !crossed.ParseFromString(fired.crossed)) continue;
        const std::string before = crossed.SerializeAsString();
        crossed.mutable_crossing()->set_incident_id(rule.incident_id());
        crossed.set_template_id(rule.template_id());
        crossed.set_agency_id(rule.agency_id());
        *crossed.mutable_draft_until() = runtime::to_proto(fired.at + max_age(rule));
        const bool as_before = crossed.SerializeAsString() == before;
        if (as_before || runtime::from_proto(crossed.draft_until()) <= now) continue;
        crossed.set_time_zone(rule.time_zone());
        // Who had a hand in it before still has.
        for (const std::string& hand : rule.hands())
            if (!texts::contains(crossed.hands(), hand)) crossed.add_hands(hand);
        events.push_back(std::move(event));
    }
    return events;
}

std::optional<runtime::Rejection> unreadable_series(const v1::Source& source,
                                                    const std::string& series) {
    const std::string problem = series_problem(source.format(), series);
    if (problem.empty()) return std::nullopt;
    return runtime::Rejection{Because::invalid_argument, "unknown_series", problem, "series"};
}

Verdict put_rule(const State& state, const Asking& asking, const v1::PutRuleRequest& request,
                 Time now) {
    if (auto refused = not_on_duty(asking)) return std::unexpected(std::move(*refused));
    const RuleState* known = state.rules.find(request.rule_id());
    if (known && known->rule.agency_id() != asking.agency)
        return reject(
            Because::permission_denied, "other_agency",
            fmt::format("it belongs to {}, which alone may replace it", known->rule.agency_id()),
            "rule_id");
    const SourceState* source = state.sources.find(request.source_id());
    if (!source || !source->source.active())
        return reject(Because::not_found, "source_not_found",
                      fmt::format("there is no source {}; put it first", request.source_id()),
                      "source_id");
    if (!request.has_threshold())
        return reject(Because::invalid_argument, "required",
                      "say at which value the rule crosses, 0 as well", "threshold");
    if (auto refused = unreadable_series(source->source, request.series()))
        return std::unexpected(std::move(*refused));
    v1::Rule rule = rule_of(request, asking.agency);
    const std::int64_t version = last_version(state, known);
    if (known) *rule.mutable_hands() = known->rule.hands();
    if (known && MessageDifferencer::Equals(rule, known->rule))
        return nothing_new(request.rule_id(), version);
    if (!content::take_hand(rule, asking.actor)) return too_many_hands("rule_id");
    const bool is_on = known && known->rule.active();
    if (!is_on && state.rules.size() - state.removed_rules.ids.size() >= rules_max)
        return reject(Because::resource_exhausted, "too_many_rules",
                      fmt::format("a realm has at most {} rules: remove one", rules_max),
                      "rule_id");
    const auto rule_in = [](const RuleState& each) -> const v1::Rule& { return each.rule; };
    if (!is_on && in_use(state.rules, asking.agency, rule_in) >= rules_of_agency_max)
        return reject(Because::resource_exhausted, "too_many_rules",
                      fmt::format("an agency has at most {} of the realm's {} rules: remove one",
                                  rules_of_agency_max, rules_max),
                      "rule_id");
    const auto* same = state.watching.find({request.source_id(), request.series()});
    if (same && same->size() >= rules_per_series_max && !same->contains(request.rule_id()))
        return reject(Because::resource_exhausted, "too_many_rules",
                      fmt::format("a series has at most {} rules", rules_per_series_max), "series");
    Happened happened{{}, request.rule_id(), fmt::format("{}", version + 1)};
    auto again = known ? retried(*known, rule, now) : std::vector<v1::Event>{};
    *happened.events.emplace_back().mutable_rule_put()->mutable_rule() = std::move(rule);
    for (v1::Event& event : again) happened.events.push_back(std::move(event));
    return happened;
}

Verdict remove_rule(const State& state, const Asking& asking,
                    const v1::RemoveRuleRequest& request) {
    if (auto refused = not_on_duty(asking)) return std::unexpected(std::move(*refused));
    const std::string& rule_id = request.rule_id();
    const RuleState* known = state.rules.find(rule_id);
    if (!known)
        return reject(Because::not_found, "rule_not_found",
                      fmt::format("there is no rule {}", request.rule_id()), "rule_id");
    if (known->rule.agency_id() != asking.agency)
        return reject(
            Because::permission_denied, "other_agency",
            fmt::format("it belongs to {}, which alone may switch it off", known->rule.agency_id()),
            "rule_id");
    if (!known->rule.active()) return nothing_new(rule_id, known->version);
    Happened happened{{}, rule_id, fmt::format("{}", known->version + 1)};
    happened.events.emplace_back().mutable_rule_removed()->set_rule_id(rule_id);
    return happened;
}

std::pair<std::string, std::string> series_of(const v1::Rule& rule) {
    return {rule.source_id(), rule.series()};
}

void unwatch(State& state, const v1::Rule& rule) {
    const auto series = series_of(rule);
    if (!state.watching.contains(series)) return;
    auto& watching = state.watching.edit(series);
    watching.erase(rule.rule_id());
    if (watching.empty()) state.watching.erase(series);
}

// Of `known`, which is in use no more.
template <class Map>
void note_removal(State& state, Removed& removed, Map& known, const std::string& id) {
    auto& gone = known.edit(id);
    if (gone.removal != 0) return;
    gone.removal = ++removed.last;
    removed.ids.set(gone.removal, id);
    if (removed.ids.size() <= removed_max) return;
    const std::int64_t first = *removed.ids.first();
    const std::string& oldest = *removed.ids.find(first);
    state.forgotten_version = std::max(state.forgotten_version, known.find(oldest)->version);
    known.erase(oldest);
    removed.ids.erase(first);
}

void put(State& state, const v1::Source& source) {
    const auto version = last_version(state, state.sources.find(source.source_id())) + 1;
    SourceState& known = state.sources.edit(source.source_id());
    state.removed_sources.ids.erase(std::exchange(known.removal, 0));
    if (known.source.url() != source.url() || known.source.format() != source.format())
        known.address = version;
    known.source = source;
    known.version = version;
}

void source_removed(State& state, const std::string& source_id) {
    SourceState& known = state.sources.edit(source_id);
    known.source.set_active(false);
    ++known.version;
    note_removal(state, state.removed_sources, state.sources, source_id);
}

void put(State& state, const v1::Rule& rule, Time now) {
    const std::int64_t version = last_version(state, state.rules.find(rule.rule_id())) + 1;
    RuleState& known = state.rules.edit(rule.rule_id());
    state.removed_rules.ids.erase(known.removal);
    unwatch(state, known.rule);
    edit(known, rule, now);
    known.version = version;
    known.removal = 0;
    state.watching.edit(series_of(rule)).insert(rule.rule_id());
}

void rule_removed(State& state, const std::string& rule_id, Time now) {
    RuleState& known = state.rules.edit(rule_id);
    unwatch(state, known.rule);
    remove(known, now);
    ++known.version;
    note_removal(state, state.removed_rules, state.rules, rule_id);
}

void add_hand(v1::RuleCrossed& crossed, const std::string& hand) {
    if (std::ranges::find(crossed.hands(), hand) == crossed.hands().end()) crossed.add_hands(hand);
}

}  // namespace

Verdict Decider::decide(const State& state, const Asking& asking, const Command& command,
                        Time now) {
    switch (command.body_case()) {
        case Command::kPutSource:
            return put_source(state, asking, command.put_source());
        case Command::kPutRule:
            return put_rule(state, asking, command.put_rule(), now);
        case Command::kRemoveRule:
            return remove_rule(state, asking, command.remove_rule());
        case Command::kRemoveSource:
            return remove_source(state, asking, command.remove_source());
        case Command::BODY_NOT_SET:
            break;  // Sent by a newer client.
    }
    return reject(Because::unimplemented, "unknown_command", "this version cannot obey it");
}

std::optional<Happened> Decider::react(const State& state, const runtime::Foreign& foreign,
                                       Time now) {
    if (foreign.service != "trigger" || !runtime::is_stream(foreign.topic, "trigger", "readings"))
        return std::nullopt;
    // Hundreds of readings in a record: one by one they would cost more than all that is made of
    // them.
    google::protobuf::Arena arena;
    auto& series = *google::protobuf::Arena::CreateMessage<v1::Readings>(&arena);
    if (foreign.events.size() != 1 || !series.ParseFromString(foreign.events[0]))
        throw std::runtime_error("readings do not parse");
    const auto* watching = state.watching.find({series.source_id(), series.series()});
    if (!watching) return std::nullopt;
    const SourceState* source = state.sources.find(series.source_id());
    // Another gauge's, maybe, which the source read before.
    if (source && series.address() < source->address) return std::nullopt;
    const std::vector<Reading> readings = window_of(series, foreign.at);
    Happened happened;
    for (const std::string& rule_id : *watching)
        for (v1::Event& event : weigh(*state.rules.find(rule_id), series, readings, now))
            happened.events.push_back(std::move(event));
    if (source)
        for (v1::Event& event : happened.events)
            if (event.has_rule_crossed())
                for (const std::string& hand : source->source.hands())
                    add_hand(*event.mutable_rule_crossed(), hand);
    if (happened.events.empty()) return std::nullopt;
    return happened;
}

bool Decider::evolve(State& state, const Event& event, Time decided_at) {
    const auto moved = [&](const std::string& rule_id) {
        move(state.rules.edit(rule_id), event);
        return true;
    };
    switch (event.body_case()) {
        case Event::kSourcePut:
            put(state, event.source_put().source());
            return true;
        case Event::kSourceRemoved:
            source_removed(state, event.source_removed().source_id());
            return true;
        case Event::kRulePut:
            put(state, event.rule_put().rule(), decided_at);
            return true;
        case Event::kRuleRemoved:
            rule_removed(state, event.rule_removed().rule_id(), decided_at);
            return true;
        case Event::kSeriesBound:
            return moved(event.series_bound().rule_id());
        case Event::kReadingPassed:
            return moved(event.reading_passed().rule_id());
        case Event::kRuleCrossed:
            return moved(event.rule_crossed().crossing().rule_id());
        case Event::kCrossingRetried:
            return moved(event.crossing_retried().crossing().rule_id());
        case Event::kRuleReset:
            return moved(event.rule_reset().rule_id());
        case Event::kCrossingSuppressed:
            return moved(event.crossing_suppressed().rule_id());
        case Event::kEvidenceRevised:
            return moved(event.evidence_revised().rule_id());
        case Event::BODY_NOT_SET:
            break;  // From a newer version.
    }
    return false;
}

}  // namespace tocsin::trigger
