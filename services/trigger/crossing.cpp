#include "trigger/crossing.hpp"

#include "content/templates.hpp"
#include "runtime/ledger/topics.hpp"
#include "texts/contains.hpp"
#include "trigger/evaluation.hpp"
#include "trigger/window.hpp"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace tocsin::trigger {

using runtime::from_proto;

static void add_editors(v1::RuleCrossed& crossed, const auto& editors) {
    for (const std::string& editor : editors)
        if (!texts::contains(crossed.editors(), editor)) crossed.add_editors(editor);
}

// ---- reactions

static Happened weighed(const Rules& rules, const Watching& watching, const Sources& sources,
                        const v1::Readings& record, Time stored_at, Time now) {
    Happened happened;
    const auto* readers = watching.find({record.source_id(), record.series()});
    if (!readers) return happened;
    const SourceState* source = sources.find(record.source_id());
    // Another gauge's, maybe, which the source read before.
    if (source && record.address() < source->address) return happened;
    const std::vector<Reading> readings = window_of(record, stored_at);
    for (const std::string& rule_id : *readers)
        for (v1::Event& event : weigh(*rules.find(rule_id), record, readings, now))
            happened.events.push_back(std::move(event));
    if (source)
        for (v1::Event& event : happened.events)
            if (event.has_rule_crossed())
                add_editors(*event.mutable_rule_crossed(), source->source.editors());
    return happened;
}

std::optional<Happened> follow_readings(const Rules& rules, const Watching& watching,
                                        const Sources& sources, const runtime::Foreign& foreign,
                                        Time now) {
    if (foreign.service != "trigger" || !runtime::is_stream(foreign.topic, "trigger", "readings"))
        return std::nullopt;
    // Hundreds of readings in a record: one by one they would cost more than all that is made of
    // them.
    google::protobuf::Arena arena;
    auto& record = *google::protobuf::Arena::CreateMessage<v1::Readings>(&arena);
    if (foreign.events.size() != 1 || !record.ParseFromString(foreign.events[0]))
        throw std::runtime_error("a record of readings does not parse");
    Happened happened = weighed(rules, watching, sources, record, foreign.at, now);
    if (happened.events.empty()) return std::nullopt;
    return happened;
}

std::vector<v1::Event> retried(const RuleState& known, const v1::Rule& put, Time now) {
    std::vector<v1::Event> events;
    if (!same_series(known, put)) return events;
    for (const Fired& fired : known.fired) {
        if (!content::reaches(fired.grounds[0].evidence, put.threshold())) continue;
        v1::Event event = event_of(put.rule_id());
        v1::RuleCrossed& crossed = *event.mutable_crossing_retried();
        if (fired.crossed.empty() || !crossed.ParseFromString(fired.crossed)) continue;
        const std::string before = crossed.SerializeAsString();
        crossed.mutable_crossing()->set_incident_id(put.incident_id());
        crossed.set_template_id(put.template_id());
        crossed.set_agency_id(put.agency_id());
        *crossed.mutable_draft_until() = runtime::to_proto(fired.at + max_age(put));
        const bool as_before = crossed.SerializeAsString() == before;
        if (as_before || from_proto(crossed.draft_until()) <= now) continue;
        crossed.set_time_zone(put.time_zone());
        // Who was among its editors before still is.
        add_editors(crossed, put.editors());
        events.push_back(std::move(event));
    }
    return events;
}

// ---- events

// Of each rule; many more than one window holds, unless the values dance about the threshold.
static constexpr std::size_t fired_max = 64;

static Fired* find_fired(RuleState& rule, const std::string& crossing_id) {
    const auto found = std::ranges::find(rule.fired, crossing_id, &Fired::crossing_id);
    return found == rule.fired.end() ? nullptr : &*found;
}

static void see(RuleState& rule, const content::v1::Evidence& reading) {
    rule.seen = std::max(rule.seen.value_or(Time::min()), read_at(reading));
}

static void add_fired(RuleState& rule, const v1::RuleCrossed& crossed) {
    const v1::Crossing& crossing = crossed.crossing();
    const Time now = from_proto(crossing.cross_time());
    for (Fired& old : rule.fired)
        if (old.at + max_age(rule.rule) <= now) old.crossed.clear();
    Fired fired{read_at(crossing.evidence(0)), crossing.crossing_id(), {}, {}, {},
                crossed.SerializeAsString()};
    for (const auto& evidence : crossing.evidence()) fired.grounds.push_back({evidence});
    const auto place = std::ranges::upper_bound(rule.fired, fired.at, {}, &Fired::at);
    rule.fired.insert(place, std::move(fired));
    if (rule.fired.size() > fired_max) {
        // All that is before the next one.
        rule.forgotten = rule.fired[1].at - runtime::Duration{1};
        rule.fired.erase(rule.fired.begin());
    }
    ++rule.crossings;
    see(rule, crossing.evidence(0));
}

static void add_too_old(RuleState& rule, const content::v1::Evidence& reading) {
    const auto place = std::ranges::upper_bound(rule.too_old, read_at(reading), {}, read_at);
    rule.too_old.insert(place, reading);
    if (rule.too_old.size() > too_old_max) rule.too_old.erase(rule.too_old.begin());
}

static void apply_passed(RuleState& rule, const v1::ReadingPassed& passed) {
    for (const auto& reading : passed.earlier()) add_too_old(rule, reading);
    add_too_old(rule, passed.reading());
    rule.too_old_count += passed.more() + passed.earlier_size() + 1;
    if (!rule.passed || read_at(rule.passed->reading) < read_at(passed.reading()))
        rule.passed = Held{passed.reading(), {}};
    see(rule, passed.reading());
}

static void apply_reset(RuleState& rule, const v1::RuleReset& reset) {
    std::optional<End> ended;
    if (reset.has_reading())
        ended = End{read_at(reset.reading()), reset.by_silence(), reset.reading().value()};
    if (Fired* fired = find_fired(rule, reset.crossing_id())) fired->ended = ended;
    if (!reset.has_held_at()) return;
    for (auto* held : {&rule.suppressed, &rule.passed})
        if (*held && read_at((*held)->reading) == from_proto(reset.held_at()))
            (*held)->ended = ended;
}

static void apply_revision(RuleState& rule, const v1::EvidenceRevised& revised) {
    Fired* fired = find_fired(rule, revised.crossing_id());
    if (!fired) return;
    const content::v1::EvidenceRevision& revision = revised.revision();
    for (Ground& ground : fired->grounds) {
        if (read_at(ground.evidence) != read_at(revision.before())) continue;
        ground.withdrawn = !revision.has_after();
        if (revision.has_after()) ground.evidence = revision.after();
    }
}

bool evolve(RuleState& rule, const v1::Event& event) {
    switch (event.body_case()) {
        case v1::Event::kSeriesBound:
            rule.bound = true;
            rule.unit = event.series_bound().unit();
            rule.sensor = event.series_bound().sensor();
            return true;
        case v1::Event::kReadingPassed:
            apply_passed(rule, event.reading_passed());
            return true;
        case v1::Event::kRuleCrossed:
            add_fired(rule, event.rule_crossed());
            return true;
        case v1::Event::kRuleReset:
            apply_reset(rule, event.rule_reset());
            return true;
        case v1::Event::kCrossingSuppressed:
            rule.suppressed = Held{event.crossing_suppressed().reading(), {}};
            rule.cooldown_until = from_proto(event.crossing_suppressed().cooldown_until());
            see(rule, rule.suppressed->reading);
            return true;
        case v1::Event::kWaveLasted:
            // Not the later one: what was withdrawn is not the last any more.
            rule.seen = read_at(event.wave_lasted().reading());
            return true;
        case v1::Event::kEvidenceRevised:
            apply_revision(rule, event.evidence_revised());
            return true;
        case v1::Event::kCrossingRetried:
            if (Fired* fired = find_fired(rule, event.crossing_retried().crossing().crossing_id()))
                fired->crossed = event.crossing_retried().SerializeAsString();
            return true;
        case v1::Event::kSourcePut:
        case v1::Event::kSourceRemoved:
        case v1::Event::kRulePut:
        case v1::Event::kRuleRemoved:
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return false;
}

}  // namespace tocsin::trigger
