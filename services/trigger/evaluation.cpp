#include "trigger/evaluation.hpp"

#include "runtime/base/ids.hpp"
#include "runtime/base/planted.hpp"
#include "trigger/crossing.hpp"
#include "trigger/known_waves.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

namespace tocsin::trigger {

using content::v1::Evidence;
using runtime::Bug;
using runtime::planted;
using runtime::to_proto;

namespace {

// One record against one rule, which moves on with each event.
class Weighing {
public:
    Weighing(const RuleState& rule, const v1::Readings& record, std::span<const Reading> readings,
             Time now)
        : rule_(&rule), record_(record), readings_(readings), now_(now) {}

    std::vector<v1::Event> all();

private:
    v1::Event new_event() const { return event_of(rule_->rule.rule_id()); }
    void add(v1::Event event);
    Evidence of(std::size_t reading) const;
    Time at(std::size_t reading) const { return readings_[reading].read_at; }

    void bind();
    void revise();
    void revise(const std::string& crossing_id, const Ground& ground);
    bool is_withdrawn(Time time) const;
    bool is_lost(const Wave& wave) const;
    void cross(const Wave& wave);
    v1::Event crossed(const Wave& wave, std::size_t reading) const;
    void suppress(const Wave& wave, std::size_t reading);
    void pass();
    std::optional<std::size_t> passed_in(const Wave& wave) const;
    bool is_told_otherwise(Time last) const;
    bool is_named(const Wave& wave, std::size_t past, Time last) const;
    void end_waves();
    bool takes_back(const End& ended) const;
    void note_last();
    void reset(const std::string& crossing_id, std::optional<Time> held,
               std::optional<std::size_t> end);

    const RuleState* rule_;  // as it was given, until the first event; from then on `moved_`
    std::optional<RuleState> moved_;
    const v1::Readings& record_;
    std::span<const Reading> readings_;
    Time now_;
    std::optional<KnownWaves> known_;  // once the series is bound; looks at `rule_`
    std::vector<v1::Event> events_;
};

std::vector<v1::Event> Weighing::all() {
    if (readings_.empty()) {
        revise();  // All that it says may be that a reading is none.
        return std::move(events_);
    }
    bind();
    known_.emplace(*rule_, readings_, now_);
    revise();
    known_->look_back();
    for (const Wave& wave : known_->waves().all)
        if (!known_->crossed_at(wave)) cross(wave);
    pass();
    end_waves();
    note_last();
    return std::move(events_);
}

void Weighing::add(v1::Event event) {
    // Most records change nothing.
    if (!moved_) rule_ = &moved_.emplace(*rule_);
    evolve(*moved_, event);
    if (known_) known_->look_at(*rule_);
    events_.push_back(std::move(event));
}

Evidence Weighing::of(std::size_t reading) const {
    Evidence result;
    result.set_source_id(record_.source_id());
    result.set_series(record_.series());
    result.set_value(readings_[reading].value);
    result.set_unit(plain_unit(record_.unit()));
    *result.mutable_read_at() = to_proto(at(reading));
    result.set_threshold(rule_->rule.threshold());
    return result;
}

void Weighing::bind() {
    if (rule_->bound) return;
    v1::Event event = new_event();
    auto& bound = *event.mutable_series_bound();
    bound.set_unit(record_.unit());
    bound.set_sensor(record_.sensor());
    add(std::move(event));
}

// What was crossed at, and is another value by now, or none.
void Weighing::revise() {
    if (planted(Bug::revision_untold)) return;
    // By place: what is revised stays where it is.
    for (std::size_t i = 0; i < rule_->fired.size(); ++i)
        for (std::size_t k = 0; k < rule_->fired[i].grounds.size(); ++k)
            if (same_place(rule_->rule, rule_->fired[i]))
                revise(rule_->fired[i].crossing_id, rule_->fired[i].grounds[k]);
}

// By name: at the edge of what a record shows nothing else says so.
bool Weighing::is_withdrawn(Time time) const {
    return std::ranges::any_of(record_.withdrawn(),
                               [&](const auto& gone) { return runtime::from_proto(gone) == time; });
}

void Weighing::revise(const std::string& crossing_id, const Ground& ground) {
    const Time was = read_at(ground.evidence);
    if (!same_unit(*rule_, ground.evidence)) return;
    const bool shows = !readings_.empty() && was >= at(0) && was <= readings_.back().read_at;
    if (!shows && !is_withdrawn(was)) return;
    const auto now = std::ranges::lower_bound(readings_, was, {}, &Reading::read_at);
    const bool withdrawn = now == readings_.end() || now->read_at != was;
    if (withdrawn == ground.withdrawn && (withdrawn || now->value == ground.evidence.value()))
        return;
    v1::Event event = new_event();
    auto& revised = *event.mutable_evidence_revised();
    revised.set_crossing_id(crossing_id);
    auto& revision = *revised.mutable_revision();
    *revision.mutable_before() = ground.evidence;
    if (!withdrawn) {
        *revision.mutable_after() = ground.evidence;
        revision.mutable_after()->set_value(now->value);
    }
    add(std::move(event));
}

// By a planted bug.
bool Weighing::is_lost(const Wave& wave) const {
    if (planted(Bug::cooldown_forgets)) return known_->holds(wave, rule_->suppressed);
    const auto begin = std::chrono::floor<std::chrono::seconds>(known_->begin_of(wave));
    return planted(Bug::never_crosses) ||
           (planted(Bug::crossings_lost) && begin.time_since_epoch().count() % 2 != 0);
}

void Weighing::cross(const Wave& wave) {
    if (known_->settled_by_edit(wave) || is_lost(wave)) return;
    std::optional<std::size_t> suppressed;
    if (const auto first = known_->first_of(wave, &suppressed))
        add(crossed(wave, *first));
    else if (suppressed)
        suppress(wave, *suppressed);
}

v1::Event Weighing::crossed(const Wave& wave, std::size_t reading) const {
    const v1::Rule& rule = rule_->rule;
    v1::Event event = new_event();
    auto& body = *event.mutable_rule_crossed();
    auto& crossing = *body.mutable_crossing();
    // Of one reading there is one crossing, however often the rule is edited.
    crossing.set_crossing_id(
        runtime::derive_id("crx", {rule.rule_id(), rule.source_id(), rule.series(),
                                   fmt::format("{}", at(reading).time_since_epoch().count())}));
    crossing.set_rule_id(rule.rule_id());
    crossing.set_incident_id(rule.incident_id());
    *crossing.mutable_cross_time() = to_proto(now_);
    *crossing.add_evidence() = of(reading);
    if (wave.begin != reading && wave.begin != wave.met) *crossing.add_evidence() = of(wave.begin);
    body.set_template_id(rule.template_id());
    body.set_agency_id(rule.agency_id());
    body.set_time_zone(rule.time_zone());
    *body.mutable_editors() = rule.editors();
    *body.mutable_draft_until() = to_proto(at(reading) + max_age(rule));
    return event;
}

// Once in a wave.
void Weighing::suppress(const Wave& wave, std::size_t reading) {
    const auto& known = rule_->suppressed;
    if (known_->holds(wave, known) || (known && at(reading) <= read_at(known->reading))) return;
    v1::Event event = new_event();
    auto& body = *event.mutable_crossing_suppressed();
    *body.mutable_reading() = of(reading);
    *body.mutable_cooldown_until() = to_proto(*known_->cooling_until(at(reading)));
    add(std::move(event));
}

// The last reading at or above of each wave of which all is too old, once.
void Weighing::pass() {
    std::vector<std::size_t> passed;
    const auto& waves = known_->waves().all;
    for (auto wave = waves.begin(); wave != waves.end(); ++wave) {
        const auto last = passed_in(*wave);
        const auto next = std::next(wave);
        const std::size_t past = next == waves.end() ? readings_.size() : next->begin;
        if (last && !is_named(*wave, past, at(*last))) passed.push_back(*last);
    }
    if (passed.empty()) return;
    v1::Event event = new_event();
    auto& body = *event.mutable_reading_passed();
    *body.mutable_reading() = of(passed.back());
    passed.pop_back();
    const std::size_t more = passed.size() - std::min(passed.size(), too_old_max - 1);
    for (std::size_t i = more; i < passed.size(); ++i) *body.add_earlier() = of(passed[i]);
    body.set_more(static_cast<std::int64_t>(more));
    add(std::move(event));
}

// Nothing: the wave is not too old, or the ledger knows it.
std::optional<std::size_t> Weighing::passed_in(const Wave& wave) const {
    if (known_->crossed_at(wave) || known_->holds(wave, rule_->suppressed) ||
        known_->holds(wave, rule_->passed))
        return std::nullopt;
    const Time oldest = now_ - max_age(rule_->rule);
    if (at(known_->past(wave) - 1) >= oldest && !known_->settled_by_edit(wave)) return std::nullopt;
    std::optional<std::size_t> last;
    for (std::size_t i = wave.met; i < known_->past(wave); ++i)
        if (is_high(rule_->rule, readings_[i])) last = i;
    return last && is_told_otherwise(at(*last)) ? std::nullopt : last;
}

// Of what was crossed at, or kept back by the cooldown, the rule remembers the last.
bool Weighing::is_told_otherwise(Time last) const {
    const auto& suppressed = rule_->suppressed;
    return (rule_->forgotten && last <= *rule_->forgotten) ||
           (suppressed && last < read_at(suppressed->reading) && known_->cooling_until(last));
}

// Whether the wave, whose last reading at or above is at `last`, was named: by one of its readings,
// or by one between it and the next wave, which is lower by now. Of what is before all that the
// rule remembers nothing is known, and it is passed by.
bool Weighing::is_named(const Wave& wave, std::size_t past, Time last) const {
    const auto& named = rule_->too_old;
    if (named.size() == too_old_max && last < read_at(named.front())) return true;
    return std::ranges::any_of(named, [&](const Evidence& reading) {
        return read_at(reading) >= at(wave.begin) && read_at(reading) <= at(past - 1);
    });
}

// Where the waves that the ledger knows end by now; by what comes late this may change.
void Weighing::end_waves() {
    for (std::size_t i = 0; i < rule_->fired.size(); ++i)
        if (const auto end = known_->new_end(rule_->fired[i]);
            end && (*end || takes_back(*rule_->fired[i].ended)))
            reset(rule_->fired[i].crossing_id, std::nullopt, *end);
    for (const bool too_old : {false, true}) {
        const auto& held = too_old ? rule_->passed : rule_->suppressed;
        if (const auto end = known_->new_end(held); end && (*end || takes_back(*held->ended)))
            reset("", read_at(held->reading), *end);
    }
}

// Whether the record, in which the wave lasts, says that it did not end there. A late record, or
// one of half an answer, merely has no such reading and says nothing of it: what was low after that
// lies in earlier records, the ledger has none of it, and the next window may begin behind it.
bool Weighing::takes_back(const End& ended) const {
    return ended.by_silence ||
           std::ranges::binary_search(readings_, ended.at, {}, &Reading::read_at) ||
           is_withdrawn(ended.at);
}

// Once an hour while a wave lasts, so that the ledger alone shows how long the next silence was. A
// late record does not take it back, but one that says that there is no such reading.
void Weighing::note_last() {
    if (!known_->last_goes_on()) return;
    const Evidence last = of(readings_.size() - 1);
    const Time seen = hour_of(rule_->seen.value_or(Time{}));
    const auto was_seen = [&](const auto& gone) {
        return hour_of(runtime::from_proto(gone)) == seen;
    };
    if (hour_of(read_at(last)) == seen) return;
    if (hour_of(read_at(last)) < seen && std::ranges::none_of(record_.withdrawn(), was_seen))
        return;
    v1::Event event = new_event();
    *event.mutable_wave_lasted()->mutable_reading() = last;
    add(std::move(event));
}

void Weighing::reset(const std::string& crossing_id, std::optional<Time> held,
                     std::optional<std::size_t> end) {
    v1::Event event = new_event();
    auto& body = *event.mutable_rule_reset();
    body.set_crossing_id(crossing_id);
    if (held) *body.mutable_held_at() = to_proto(*held);
    if (end) *body.mutable_reading() = of(*end);
    if (end) body.set_by_silence(!is_low(rule_->rule, readings_[*end]));
    add(std::move(event));
}

}  // namespace

std::vector<v1::Event> weigh(const RuleState& rule, const v1::Readings& record,
                             std::span<const Reading> readings, Time now) {
    if (!mismatch(rule, record.unit(), record.sensor()).empty()) return {};
    return Weighing(rule, record, readings, now).all();
}

}  // namespace tocsin::trigger
