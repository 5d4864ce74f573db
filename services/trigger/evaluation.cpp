#include "trigger/evaluation.hpp"

#include "content/graphemes.hpp"
#include "content/templates.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/planted.hpp"
#include "texts/times.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tocsin::trigger {
namespace {

using content::v1::Evidence;
using runtime::Bug;
using runtime::from_proto;
using runtime::planted;
using runtime::to_proto;
using texts::minute_of;

// Of each question; many more than one window holds, unless the values dance about the threshold.
constexpr std::size_t fired_max = 64;
// Of one rule, within a window.
constexpr std::size_t edits_max = 4;

runtime::Duration from_seconds(double seconds) {
    return runtime::Duration{std::llround(seconds * 1e6)};
}

runtime::Duration max_gap(const v1::Rule& rule) {
    return from_seconds(rule.max_gap_seconds() > 0 ? rule.max_gap_seconds()
                                                   : max_gap_seconds_usual);
}

std::string plain_line(const std::string& words) {
    std::string line = content::without_invisible(content::printable(words));
    std::ranges::replace_if(line, [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
    return std::string(content::trim(line));
}

Evidence evidence(const v1::Rule& rule, const v1::Readings& record, const Reading& reading) {
    Evidence result;
    result.set_source_id(record.source_id());
    result.set_series(record.series());
    result.set_value(reading.value);
    // The source's words: they become part of what is published.
    result.set_unit(plain_line(record.unit()));
    *result.mutable_read_at() = to_proto(reading.read_at);
    result.set_threshold(rule.threshold());
    return result;
}

bool is_high(const v1::Rule& rule, const Reading& reading) {
    return reading.value >= rule.threshold();
}

bool is_low(const v1::Rule& rule, const Reading& reading) {
    if (planted(Bug::hysteresis_ignored)) return !is_high(rule, reading);
    return reading.value < rule.threshold() - rule.hysteresis();
}

// Whether a wave that is known by the reading at `told` goes on into a window from `begin` on.
bool goes_on_into(Time begin, Time told, const std::optional<End>& ended) {
    if (told >= begin) return false;
    if (!ended) return true;
    // What ended it by being low may be corrected; what ended it by its silence before is another.
    return ended->by_silence ? ended->at > begin : ended->at >= begin;
}

Time read_at(const Evidence& evidence) { return from_proto(evidence.read_at()); }

// Whether the rule's readings have the unit of this evidence, as far as it is known.
bool same_unit(const RuleState& state, const Evidence& evidence) {
    if (!state.bound && state.rule.unit().empty()) return true;
    return evidence.unit() == plain_line(state.bound ? state.unit : state.rule.unit());
}

bool same_place(const v1::Rule& rule, const Fired& fired) {
    const Evidence& evidence = fired.grounds[0].evidence;
    return evidence.source_id() == rule.source_id() && evidence.series() == rule.series();
}

// Whether it is of what the rule reads.
bool same_readings(const RuleState& state, const Fired& fired) {
    return same_place(state.rule, fired) && same_unit(state, fired.grounds[0].evidence);
}

// Whether it is a crossing by what the rule says now as well.
bool is_crossing_of(const RuleState& state, const Fired& fired) {
    return same_readings(state, fired) &&
           content::reaches(fired.grounds[0].evidence, state.rule.threshold());
}

// Whether a wave that it lies in was crossed at.
bool counts(const RuleState& state, const Fired& fired) {
    return is_crossing_of(state, fired) || (fired.covers_until && same_readings(state, fired));
}

bool goes_on_into(Time begin, const std::optional<Held>& held) {
    return held && goes_on_into(begin, read_at(held->reading), held->ended);
}

bool goes_on_into(Time begin, const Fired& fired) {
    return goes_on_into(begin, fired.at, fired.ended);
}

// Whether the ledger knows a wave by this very reading: `for` need not come true once more.
bool is_told_of(const RuleState& state, Time at) {
    const auto is_its = [&](const std::optional<Held>& held) {
        return held && read_at(held->reading) == at;
    };
    return is_its(state.suppressed) || is_its(state.passed) ||
           std::ranges::any_of(state.fired, [&](const Fired& fired) {
               return fired.at == at && counts(state, fired);
           });
}

// One record against one rule, which moves on with each event.
class Weighing {
public:
    Weighing(const RuleState& rule, const v1::Readings& record, std::span<const Reading> readings,
             Time now)
        : rule_(&rule), record_(record), now_(now), readings_(readings) {}
    // To look at only.
    Weighing(const RuleState& rule, const Seen& seen, Time now)
        : Weighing(rule, v1::Readings::default_instance(), seen.readings, now) {
        waves_ = waves_in(rule, readings_);
    }

    const Waves& waves() const { return waves_; }
    // The last one in it; null: there is none.
    const Fired* crossing_of(const Wave& wave) const {
        const auto found =
            std::ranges::find_if(rule_->fired.rbegin(), rule_->fired.rend(),
                                 [&](const Fired& fired) { return holds(wave, fired); });
        return found == rule_->fired.rend() ? nullptr : &*found;
    }
    bool is_suppressed(const Wave& wave) const { return holds(wave, rule_->suppressed); }

    std::vector<v1::Event> all() {
        if (readings_.empty()) return {};
        bind();
        waves_ = waves_in(*rule_, readings_);
        revise();
        look_back();
        for (const Wave& wave : waves_.all)
            if (!crossed_at(wave)) cross(wave);
        pass();
        end_waves();
        return std::move(events_);
    }

private:
    void add(v1::Event event) {
        // Most records change nothing.
        if (!moved_) rule_ = &moved_.emplace(*rule_);
        move(*moved_, event);
        events_.push_back(std::move(event));
    }

    Evidence of(std::size_t reading) const {
        return evidence(rule_->rule, record_, readings_[reading]);
    }
    Time at(std::size_t reading) const { return readings_[reading].read_at; }

    void bind() {
        if (rule_->bound) return;
        v1::Event event;
        auto& bound = *event.mutable_series_bound();
        bound.set_rule_id(rule_->rule.rule_id());
        bound.set_unit(record_.unit());
        bound.set_sensor(record_.sensor());
        add(std::move(event));
    }

    // What was crossed at, and is another value by now, or none.
    void revise() {
        if (planted(Bug::revision_untold)) return;
        // By place: what is revised stays where it is.
        for (std::size_t i = 0; i < rule_->fired.size(); ++i)
            for (std::size_t k = 0; k < rule_->fired[i].grounds.size(); ++k)
                if (same_place(rule_->rule, rule_->fired[i]))
                    revise(rule_->fired[i].crossing_id, rule_->fired[i].grounds[k]);
    }

    void revise(const std::string& crossing_id, const Ground& ground) {
        const Time was = read_at(ground.evidence);
        if (!same_unit(*rule_, ground.evidence)) return;
        if (was < at(0) || was > readings_.back().read_at) return;
        const auto now = std::ranges::lower_bound(readings_, was, {}, &Reading::read_at);
        const bool withdrawn = now->read_at != was;
        if (withdrawn == ground.withdrawn && (withdrawn || now->value == ground.evidence.value()))
            return;
        v1::Event event;
        auto& revised = *event.mutable_evidence_revised();
        revised.set_rule_id(rule_->rule.rule_id());
        revised.set_crossing_id(crossing_id);
        auto& revision = *revised.mutable_revision();
        *revision.mutable_before() = ground.evidence;
        if (!withdrawn) {
            *revision.mutable_after() = ground.evidence;
            revision.mutable_after()->set_value(now->value);
        }
        add(std::move(event));
    }

    Time begin_of(const Wave& wave) const { return at(wave.begin); }
    // Whether the reading at `time` lies in the wave.
    bool holds(const Wave& wave, Time time) const {
        return time >= begin_of(wave) && (!wave.end || time < at(*wave.end));
    }
    bool holds(const Wave& wave, const std::optional<Held>& held) const {
        if (!held) return false;
        return holds(wave, read_at(held->reading)) ||
               (wave.goes_on && goes_on_into(begin_of(wave), held));
    }
    bool holds(const Wave& wave, const Fired& fired) const {
        if (!counts(*rule_, fired)) return false;
        if (wave.goes_on && fired.at < begin_of(wave)) return goes_on_into(begin_of(wave), fired);
        if (holds(wave, fired.at) || rises_again_after(fired, wave)) return true;
        return fired.covers_until && begin_of(wave) <= *fired.covers_until &&
               fired.at < begin_of(wave) && !came_in_late(wave) && !has_its_own(wave);
    }
    bool has_its_own(const Wave& wave) const {
        return std::ranges::any_of(rule_->fired, [&](const Fired& fired) {
            return is_crossing_of(*rule_, fired) && holds(wave, fired.at);
        });
    }
    // Its reading was corrected or withdrawn, and nothing else was low since: it is the same rise.
    bool rises_again_after(const Fired& fired, const Wave& wave) const {
        if (!is_crossing_of(*rule_, fired)) return false;
        if (fired.at >= begin_of(wave) || fired.at < at(0)) return false;
        for (std::size_t i = 0; i < wave.begin; ++i)
            if (at(i) > fired.at && is_low(rule_->rule, readings_[i])) return false;
        return begin_of(wave) - fired.at <= silence_most(rule_->rule);
    }
    bool crossed_at(const Wave& wave) const {
        if (planted(Bug::wave_crossed_twice)) return false;
        return wave.crossed || std::ranges::any_of(rule_->fired, [&](const Fired& fired) {
                   return holds(wave, fired);
               });
    }
    std::size_t past(const Wave& wave) const { return wave.end.value_or(readings_.size()); }

    // Until when another crossing keeps this reading from being one.
    std::optional<Time> cooling_until(Time time) const {
        const auto cooldown = from_seconds(rule_->rule.cooldown_seconds());
        std::optional<Time> until;
        for (const Fired& fired : rule_->fired)
            // One that came before, or one that was known before it came late.
            if (is_crossing_of(*rule_, fired) && time < fired.at + cooldown &&
                fired.at < time + cooldown)
                until = std::max(until.value_or(Time::min()), fired.at + cooldown);
        return until;
    }

    // Whether a message was made of this reading already, whatever the rule was by then.
    bool is_used(Time time) const {
        return std::ranges::any_of(rule_->fired, [&](const Fired& fired) {
            return fired.at == time && same_place(rule_->rule, fired);
        });
    }

    // Which waves the rule as it was before would cross at now: they came in late.
    void look_back() {
        if (rule_->edits.empty() || at(0) > rule_->edits.back().at) return;
        RuleState before = *rule_;
        before.rule = rule_->edits.back().before;
        if (!before.rule.active()) return;
        before.edits.pop_back();
        for (Fired& fired : before.fired) {
            if (fired.covers_until != rule_->edits.back().at) continue;
            fired.covers_until.reset();
            if (!before.edits.empty() && fired.at <= before.edits.back().at)
                fired.covers_until = before.edits.back().at;
        }
        Weighing weighing(before, record_, readings_, now_);
        weighing.waves_ = waves_in(before, readings_);
        weighing.look_back();
        for (const Wave& wave : weighing.waves_.all)
            if (!weighing.crossed_at(wave) && !weighing.settled_by_edit(wave) &&
                !weighing.holds(wave, before.passed) && !weighing.holds(wave, before.suppressed) &&
                weighing.first_of(wave))
                late_.push_back(wave);
    }

    // A wave that was over when the rule was edited is no news by the edit.
    bool settled_by_edit(const Wave& wave) const {
        const auto last =
            rule_->edits.empty() ? rule_->edits_forgotten : std::optional{rule_->edits.back().at};
        return last && wave.end && at(*wave.end) <= *last && !came_in_late(wave);
    }
    bool came_in_late(const Wave& wave) const {
        return std::ranges::any_of(late_, [&](const Wave& late) {
            return late.begin < past(wave) && wave.begin < past(late);
        });
    }

    // Where the wave is crossed at; notes what the cooldown keeps back.
    std::optional<std::size_t> first_of(const Wave& wave,
                                        std::optional<std::size_t>* suppressed = nullptr) const {
        const bool any_age = planted(Bug::age_ignored);
        const Time oldest = any_age ? Time::min() : now_ - max_age(rule_->rule);
        for (std::size_t i = wave.met; i < past(wave); ++i) {
            if (!is_high(rule_->rule, readings_[i]) || at(i) < oldest || is_used(at(i))) continue;
            if (rule_->forgotten && at(i) <= *rule_->forgotten) continue;
            if (!cooling_until(at(i))) return i;
            if (suppressed && !*suppressed) *suppressed = i;
        }
        return std::nullopt;
    }

    // By a planted bug.
    bool is_lost(const Wave& wave) const {
        if (planted(Bug::cooldown_forgets)) return holds(wave, rule_->suppressed);
        const auto begin = std::chrono::floor<std::chrono::seconds>(begin_of(wave));
        return planted(Bug::never_crosses) ||
               (planted(Bug::crossings_lost) && begin.time_since_epoch().count() % 2 != 0);
    }

    void cross(const Wave& wave) {
        if (settled_by_edit(wave) || is_lost(wave)) return;
        std::optional<std::size_t> suppressed;
        if (const auto first = first_of(wave, &suppressed))
            add(crossed(wave, *first));
        else if (suppressed)
            suppress(wave, *suppressed);
    }

    v1::Event crossed(const Wave& wave, std::size_t reading) const {
        const v1::Rule& rule = rule_->rule;
        v1::Event event;
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
        if (wave.begin != reading && wave.begin != wave.met)
            *crossing.add_evidence() = of(wave.begin);
        body.set_template_id(rule.template_id());
        body.set_agency_id(rule.agency_id());
        body.set_time_zone(rule.time_zone());
        *body.mutable_hands() = rule.hands();
        *body.mutable_draft_until() = to_proto(at(reading) + max_age(rule));
        return event;
    }

    // Once in a wave.
    void suppress(const Wave& wave, std::size_t reading) {
        const auto& told = rule_->suppressed;
        if (holds(wave, told) || (told && at(reading) <= read_at(told->reading))) return;
        v1::Event event;
        auto& body = *event.mutable_crossing_suppressed();
        body.set_rule_id(rule_->rule.rule_id());
        *body.mutable_reading() = of(reading);
        *body.mutable_cooldown_until() = to_proto(*cooling_until(at(reading)));
        add(std::move(event));
    }

    // The last wave of which all is too old, once.
    void pass() {
        const Time oldest = now_ - max_age(rule_->rule);
        std::optional<std::size_t> passed;
        for (const Wave& wave : waves_.all) {
            if (crossed_at(wave) || holds(wave, rule_->suppressed) || holds(wave, rule_->passed))
                continue;
            if (at(past(wave) - 1) >= oldest && !settled_by_edit(wave)) continue;
            for (std::size_t i = wave.met; i < past(wave); ++i)
                if (is_high(rule_->rule, readings_[i])) passed = i;
        }
        if (!passed || (rule_->passed && at(*passed) <= read_at(rule_->passed->reading))) return;
        v1::Event event;
        auto& body = *event.mutable_reading_passed();
        body.set_rule_id(rule_->rule.rule_id());
        *body.mutable_reading() = of(*passed);
        add(std::move(event));
    }

    // Where the waves that the ledger knows end by now; by what comes late this may change.
    void end_waves() {
        for (std::size_t i = 0; i < rule_->fired.size(); ++i) {
            const Fired& fired = rule_->fired[i];
            if (!counts(*rule_, fired)) continue;
            const auto end =
                end_of(fired.at, fired.ended, [&](const Wave& wave) { return holds(wave, fired); });
            if (end) tell_end(fired.crossing_id, std::nullopt, *end);
        }
        for (const bool too_old : {false, true}) {
            const auto& held = too_old ? rule_->passed : rule_->suppressed;
            if (!held) continue;
            const Time told = read_at(held->reading);
            const auto end =
                end_of(told, held->ended, [&](const Wave& wave) { return holds(wave, held); });
            if (end) tell_end("", told, *end);
        }
    }

    // Nothing: it is as it was.
    template <class IsIn>
    std::optional<std::optional<std::size_t>> end_of(Time told, const std::optional<End>& known,
                                                     const IsIn& is_in) const {
        // A record of before that says nothing of it.
        if (std::max(told, known ? known->at : told) > readings_.back().read_at)
            return std::nullopt;
        std::optional<std::size_t> end;
        const auto last = std::ranges::find_if(waves_.all.rbegin(), waves_.all.rend(), is_in);
        if (last != waves_.all.rend())
            end = last->end;
        else if (told < at(0))
            return std::nullopt;  // It ended before the window.
        else
            end = first_low_from(told);
        if (!end && !known) return std::nullopt;
        if (end && known && at(*end) == known->at) return std::nullopt;
        return end;
    }

    void tell_end(const std::string& crossing_id, std::optional<Time> held,
                  std::optional<std::size_t> end) {
        v1::Event event;
        auto& reset = *event.mutable_rule_reset();
        reset.set_rule_id(rule_->rule.rule_id());
        reset.set_crossing_id(crossing_id);
        if (held) *reset.mutable_held_at() = to_proto(*held);
        if (end) *reset.mutable_reading() = of(*end);
        if (end) reset.set_by_silence(!is_low(rule_->rule, readings_[*end]));
        add(std::move(event));
    }

    // The wave that it was told of is no more: its reading was corrected.
    std::optional<std::size_t> first_low_from(Time from) const {
        for (std::size_t i = 0; i < readings_.size(); ++i)
            if (at(i) > from && is_low(rule_->rule, readings_[i])) return i;
        return std::nullopt;
    }

    const RuleState* rule_;
    std::optional<RuleState> moved_;
    const v1::Readings& record_;
    Time now_;
    std::span<const Reading> readings_;
    Waves waves_;
    std::vector<Wave> late_;
    std::vector<v1::Event> events_;
};

Fired* find_fired(RuleState& rule, const std::string& crossing_id) {
    const auto found = std::ranges::find(rule.fired, crossing_id, &Fired::crossing_id);
    return found == rule.fired.end() ? nullptr : &*found;
}

void add_fired(RuleState& rule, const v1::RuleCrossed& crossed) {
    const v1::Crossing& crossing = crossed.crossing();
    const Time now = from_proto(crossing.cross_time());
    for (Fired& old : rule.fired)
        if (old.at + max_age(rule.rule) <= now) old.crossed.clear();
    Fired fired{read_at(crossing.evidence(0)), crossing.crossing_id(), {}, {}, {},
                crossed.SerializeAsString()};
    for (const Evidence& evidence : crossing.evidence()) fired.grounds.push_back({evidence});
    const auto place = std::ranges::upper_bound(rule.fired, fired.at, {}, &Fired::at);
    rule.fired.insert(place, std::move(fired));
    if (rule.fired.size() > fired_max) {
        // All that is before the next one.
        rule.forgotten = rule.fired[1].at - runtime::Duration{1};
        rule.fired.erase(rule.fired.begin());
    }
    ++rule.crossings;
}

void reset(RuleState& rule, const v1::RuleReset& reset) {
    std::optional<End> ended;
    if (reset.has_reading()) ended = End{read_at(reset.reading()), reset.by_silence()};
    if (Fired* fired = find_fired(rule, reset.crossing_id())) fired->ended = ended;
    if (!reset.has_held_at()) return;
    for (auto* held : {&rule.suppressed, &rule.passed})
        if (*held && read_at((*held)->reading) == from_proto(reset.held_at()))
            (*held)->ended = ended;
}

void revise(RuleState& rule, const v1::EvidenceRevised& revised) {
    Fired* fired = find_fired(rule, revised.crossing_id());
    if (!fired) return;
    const content::v1::EvidenceRevision& revision = revised.revision();
    for (Ground& ground : fired->grounds) {
        if (read_at(ground.evidence) != read_at(revision.before())) continue;
        ground.withdrawn = !revision.has_after();
        if (revision.has_after()) ground.evidence = revision.after();
    }
}

// What the rule says, or else what it reads; empty: neither is known, or it has none.
const std::string& unit_meant(const RuleState& state) {
    return state.rule.unit().empty() && state.bound ? state.unit : state.rule.unit();
}

std::string or_none(const std::string& unit) { return unit.empty() ? "no unit" : unit; }

}  // namespace

std::vector<Reading> window_of(const v1::Readings& record, Time latest) {
    std::vector<Reading> readings;
    readings.reserve(static_cast<std::size_t>(record.readings_size()));
    for (const v1::Reading& reading : record.readings()) {
        const Time at = from_proto(reading.read_at());
        if (std::isfinite(reading.value()) && at <= latest + ahead_most)
            readings.push_back({at, reading.value()});
    }
    if (!planted(Bug::unsorted)) std::ranges::stable_sort(readings, {}, &Reading::read_at);
    // Of several with one time the last stays: it is the correction.
    const auto gone =
        std::unique(readings.rbegin(), readings.rend(),
                    [](const Reading& a, const Reading& b) { return a.read_at == b.read_at; });
    readings.erase(readings.begin(), gone.base());
    return readings;
}

std::vector<Reading> merged(std::span<const Reading> earlier, std::span<const Reading> later,
                            Time from) {
    std::vector<Reading> all;
    auto old = earlier.begin(), fresh = later.begin();
    while (old != earlier.end() || fresh != later.end()) {
        const bool take_old =
            fresh == later.end() || (old != earlier.end() && old->read_at < fresh->read_at);
        if (!take_old && old != earlier.end() && old->read_at == fresh->read_at) ++old;
        all.push_back(take_old ? *old++ : *fresh++);
    }
    const auto kept = std::ranges::lower_bound(all, from, {}, &Reading::read_at);
    if (kept - all.begin() > 1) all.erase(all.begin(), kept - 1);
    if (all.size() > window_readings_max)
        all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(window_readings_max));
    return all;
}

Waves waves_in(const RuleState& state, std::span<const Reading> readings) {
    const v1::Rule& rule = state.rule;
    const auto lasts = from_seconds(planted(Bug::for_ignored) ? 0 : rule.for_seconds());
    Waves waves;
    std::optional<Wave> wave;
    if (!readings.empty()) {
        const Time begin = readings.front().read_at;
        const bool crossed = std::ranges::any_of(state.fired, [&](const Fired& fired) {
            return counts(state, fired) && goes_on_into(begin, fired);
        });
        if (crossed || goes_on_into(begin, state.suppressed) || goes_on_into(begin, state.passed)) {
            wave.emplace().goes_on = true;
            wave->crossed = crossed;
        }
    }
    for (std::size_t i = 0; i < readings.size(); ++i) {
        const auto silence =
            i > 0 ? readings[i].read_at - readings[i - 1].read_at : runtime::Duration{0};
        if (wave && (is_low(rule, readings[i]) || silence > silence_most(rule))) {
            wave->end = i;
            waves.all.push_back(*std::exchange(wave, std::nullopt));
        }
        if (wave) continue;
        const bool high = is_high(rule, readings[i]);
        const bool gap = silence > max_gap(rule) && !planted(Bug::gap_ignored);
        if (high && (!waves.pending || gap)) waves.pending = i;
        const bool met = high && readings[i].read_at - readings[*waves.pending].read_at >= lasts;
        if (met || (!is_low(rule, readings[i]) && is_told_of(state, readings[i].read_at))) {
            wave.emplace();
            wave->begin = waves.pending.value_or(i);
            wave->met = i;
        }
        if (wave || !high) waves.pending.reset();
    }
    if (wave) waves.all.push_back(*wave);
    return waves;
}

std::string mismatch(const RuleState& rule, const std::string& unit, const std::string& sensor) {
    const std::string& wanted = unit_meant(rule);
    if ((rule.bound || !rule.rule.unit().empty()) && unit != wanted)
        return fmt::format(
            "it arrives in {}, and the threshold is meant in {}: put the rule with "
            "the unit and a threshold in it",
            or_none(unit), or_none(wanted));
    if (rule.bound && sensor != rule.sensor)
        return fmt::format(
            "it comes from sensor {}, and the rule began with {}: if that is right, "
            "remove the rule and put it again",
            sensor.empty() ? "none" : sensor, rule.sensor.empty() ? "none" : rule.sensor);
    return {};
}

std::vector<v1::Event> weigh(const RuleState& rule, const v1::Readings& record,
                             std::span<const Reading> readings, Time now) {
    if (!mismatch(rule, record.unit(), record.sensor()).empty()) return {};
    return Weighing(rule, record, readings, now).all();
}

void move(RuleState& rule, const v1::Event& event) {
    switch (event.body_case()) {
        case v1::Event::kSeriesBound:
            rule.bound = true;
            rule.unit = event.series_bound().unit();
            rule.sensor = event.series_bound().sensor();
            return;
        case v1::Event::kReadingPassed:
            rule.passed = Held{event.reading_passed().reading(), {}};
            return;
        case v1::Event::kRuleCrossed:
            return add_fired(rule, event.rule_crossed());
        case v1::Event::kRuleReset:
            return reset(rule, event.rule_reset());
        case v1::Event::kCrossingSuppressed:
            rule.suppressed = Held{event.crossing_suppressed().reading(), {}};
            rule.cooldown_until = from_proto(event.crossing_suppressed().cooldown_until());
            return;
        case v1::Event::kEvidenceRevised:
            return revise(rule, event.evidence_revised());
        case v1::Event::kCrossingRetried:
            if (Fired* fired = find_fired(rule, event.crossing_retried().crossing().crossing_id()))
                fired->crossed = event.crossing_retried().SerializeAsString();
            return;
        case v1::Event::kSourcePut:
        case v1::Event::kSourceRemoved:
        case v1::Event::kRulePut:
        case v1::Event::kRuleRemoved:
        case v1::Event::BODY_NOT_SET:
            return;  // Of no reading.
    }
}

bool same_series(const RuleState& state, const v1::Rule& put) {
    if (state.rule.source_id() != put.source_id() || state.rule.series() != put.series())
        return false;
    // What it was bound to is what it meant.
    const std::string& unit = unit_meant(state);
    return put.unit().empty() || unit.empty() || unit == put.unit();
}

// What was one wave until now stays one, whatever the rule says next.
static void cover(Fired& fired, Time now) {
    const Time until = fired.ended ? std::min(now, fired.ended->at - runtime::Duration{1}) : now;
    fired.covers_until = std::max(fired.covers_until.value_or(until), until);
}

void edit(RuleState& state, const v1::Rule& put, Time now) {
    if (planted(Bug::edit_forgets)) state.fired.clear();
    const bool same = same_series(state, put);
    const bool was_on = state.rule.active();
    const bool same_threshold = state.rule.threshold() == put.threshold();
    if (!same || !was_on) {
        // What is put again after it was removed may read another sensor.
        state.bound = false;
        state.unit.clear();
        state.sensor.clear();
    }
    if (!same || !same_threshold) {
        state.suppressed.reset();
        state.passed.reset();
        state.cooldown_until.reset();
    }
    if (!same) {
        state.forgotten.reset();
        state.edits.clear();
        state.edits_forgotten.reset();
    } else {
        state.edits.push_back({now, state.rule});
        if (state.edits.size() > edits_max) {
            state.edits_forgotten = state.edits.front().at;
            state.edits.erase(state.edits.begin());
        }
    }
    state.rule = put;
    for (Fired& fired : state.fired) {
        const bool asked = same && is_crossing_of(state, fired);
        if (!asked) fired.crossed.clear();
        if (same && was_on && same_readings(state, fired))
            cover(fired, now);
        else if (!asked && !fired.ended)
            fired.ended = End{now, true};  // It is not watched any more.
    }
}

void remove(RuleState& state, Time now) {
    state.rule.set_active(false);
    for (Fired& fired : state.fired)
        if (same_readings(state, fired)) cover(fired, now);
}

runtime::Duration max_age(const v1::Rule& rule) {
    return from_seconds(rule.max_age_seconds() > 0 ? rule.max_age_seconds()
                                                   : max_age_seconds_usual);
}

runtime::Duration window_needed(const v1::Rule& rule) {
    return max_age(rule) + from_seconds(rule.for_seconds()) + max_gap(rule);
}

runtime::Duration silence_most(const v1::Rule& rule) {
    return std::max<runtime::Duration>(std::chrono::hours{24}, 3 * max_age(rule));
}

// Why `for` cannot come true with readings like these; empty: it can.
static std::string never_true(const v1::Rule& rule, std::span<const Reading> readings) {
    if (readings.size() < 2) return {};
    const auto gap = readings.back().read_at - readings[readings.size() - 2].read_at;
    if (gap > max_gap(rule))
        return fmt::format(
            "its readings are {:.0f} s apart, which `max_gap_seconds` of {:g} takes for a gap: "
            "`for_seconds` cannot come true; put the rule with a larger gap",
            std::chrono::duration<double>{gap}.count(),
            std::chrono::duration<double>{max_gap(rule)}.count());
    if (readings.size() == window_readings_max &&
        readings.back().read_at - readings.front().read_at < from_seconds(rule.for_seconds()))
        return fmt::format(
            "its last {} readings span less than `for_seconds` of {:g}, and no more are kept: it "
            "cannot come true; put the rule with a shorter one",
            window_readings_max, rule.for_seconds());
    return {};
}

Stands stands(const RuleState& state, const std::optional<Seen>& seen,
              runtime::Duration stale_after, Time now) {
    const v1::Rule& rule = state.rule;
    if (!rule.active()) return {Standing::off, std::nullopt, "it was removed"};
    if (!seen || seen->readings.empty())
        return {Standing::without_data, std::nullopt,
                fmt::format("no reading of {} came yet", rule.series())};
    const Reading& last = seen->readings.back();
    if (const std::string other = mismatch(state, seen->unit, seen->sensor); !other.empty())
        return {Standing::without_data, last.read_at, "without data: " + other};
    if (seen->missing_since)
        return {Standing::without_data, last.read_at,
                fmt::format("without data since {}: since {} the source's answers have no {}; "
                            "`tocsin source get {}` lists what they have",
                            minute_of(last.read_at), minute_of(*seen->missing_since), rule.series(),
                            rule.source_id())};
    if (now - last.read_at > stale_after)
        return {Standing::without_data, last.read_at,
                "without data since " + minute_of(last.read_at)};
    if (now - last.read_at > max_age(rule))
        return {Standing::without_data, last.read_at,
                fmt::format("without data since {}: a reading older than {:g} s, the rule's "
                            "`max_age_seconds`, starts nothing",
                            minute_of(last.read_at),
                            std::chrono::duration<double>{max_age(rule)}.count())};
    const Weighing weighing(state, *seen, now);
    const Waves& waves = weighing.waves();
    const auto time_of = [&](std::size_t reading) { return seen->readings[reading].read_at; };
    if (waves.pending) {
        const Time since = time_of(*waves.pending);
        if (const std::string why = never_true(rule, seen->readings); !why.empty())
            return {Standing::pending, since,
                    fmt::format("above since {}, but {}", minute_of(since), why)};
        return {Standing::pending, since,
                fmt::format("above since {}, crosses at {} if it stays so", minute_of(since),
                            minute_of(since + from_seconds(rule.for_seconds())))};
    }
    if (waves.all.empty() || waves.all.back().end)
        return {Standing::normal,
                waves.all.empty() ? std::optional<Time>{} : time_of(*waves.all.back().end),
                fmt::format("below {}", rule.threshold())};
    const Wave& wave = waves.all.back();
    if (const Fired* fired = weighing.crossing_of(wave))
        return {Standing::crossed, fired->at, fmt::format("crossed at {}", minute_of(fired->at))};
    const Time begin = time_of(wave.begin);
    if (weighing.is_suppressed(wave) && state.cooldown_until)
        return {Standing::cooling_down, begin,
                *state.cooldown_until > now
                    ? "above, cooling down until " + minute_of(*state.cooldown_until)
                    : fmt::format("above, cooled down at {}: the next reading crosses if it is "
                                  "still above",
                                  minute_of(*state.cooldown_until))};
    return {Standing::passed_over, begin,
            fmt::format("above since {}, by readings that were too old to start anything",
                        minute_of(begin))};
}

}  // namespace tocsin::trigger
