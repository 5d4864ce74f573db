#include "trigger/evaluation.hpp"

#include "content/graphemes.hpp"
#include "runtime/ids.hpp"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tocsin::trigger {
namespace {

using content::v1::Evidence;
using runtime::from_proto;
using runtime::to_proto;

// Of each question; many more than one window holds, unless the values dance about the threshold.
constexpr std::size_t fired_max = 64;

runtime::Duration from_seconds(double seconds) {
    return runtime::Duration{std::llround(seconds * 1e6)};
}

runtime::Duration max_age(const v1::Rule& rule) {
    return from_seconds(rule.max_age_seconds() > 0 ? rule.max_age_seconds()
                                                   : max_age_seconds_usual);
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
    return reading.value < rule.threshold() - rule.hysteresis();
}

// A wave that was crossed at before the window, and of which no end is known before it.
bool goes_on_at(const RuleState& rule, Time begin) {
    return std::ranges::any_of(rule.fired, [&](const Fired& fired) {
        return fired.at < begin && (!fired.ended || *fired.ended >= begin);
    });
}

// One record against one rule, which moves on with each event.
class Weighing {
public:
    Weighing(const RuleState& rule, const v1::Readings& record, std::span<const Reading> readings,
             Time now)
        : rule_(&rule),
          record_(record),
          now_(now),
          readings_(readings),
          waves_(waves_in(rule, readings)) {}

    std::vector<v1::Event> all() {
        if (readings_.empty()) return {};
        bind();
        revise();
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

    void bind() {
        if (rule_->bound) return;
        v1::Event event;
        auto& bound = *event.mutable_series_bound();
        bound.set_rule_id(rule_->rule.rule_id());
        bound.set_unit(record_.unit());
        bound.set_sensor(record_.sensor());
        add(std::move(event));
    }

    // What was crossed at, and is another value by now.
    void revise() {
        // By place: what is revised stays where it is.
        for (std::size_t i = 0; i < rule_->fired.size(); ++i) {
            const Fired& fired = rule_->fired[i];
            const auto now = std::ranges::lower_bound(readings_, fired.at, {}, &Reading::read_at);
            if (now == readings_.end() || now->read_at != fired.at ||
                now->value == fired.evidence.value())
                continue;
            v1::Event event;
            auto& revised = *event.mutable_evidence_revised();
            revised.set_rule_id(rule_->rule.rule_id());
            revised.set_crossing_id(fired.crossing_id);
            *revised.mutable_revision()->mutable_before() = fired.evidence;
            *revised.mutable_revision()->mutable_after() = evidence(rule_->rule, record_, *now);
            add(std::move(event));
        }
    }

    Time begin_of(const Wave& wave) const { return readings_[wave.begin].read_at; }
    // Whether `at` lies in the wave.
    bool holds(const Wave& wave, Time at) const {
        return (wave.goes_on || at >= begin_of(wave)) &&
               (!wave.end || at < readings_[*wave.end].read_at);
    }
    // Before the window there may have been others, which ended before it.
    bool holds(const Wave& wave, const Fired& fired) const {
        if (wave.goes_on && fired.at < begin_of(wave))
            return !fired.ended || *fired.ended >= begin_of(wave);
        return holds(wave, fired.at);
    }
    bool crossed_at(const Wave& wave) const {
        return wave.goes_on || std::ranges::any_of(rule_->fired, [&](const Fired& fired) {
                   return holds(wave, fired);
               });
    }
    std::size_t past(const Wave& wave) const { return wave.end.value_or(readings_.size()); }

    // Until when another crossing keeps this reading from being one.
    std::optional<Time> cooling_until(Time at) const {
        const auto cooldown = from_seconds(rule_->rule.cooldown_seconds());
        std::optional<Time> until;
        for (const Fired& fired : rule_->fired)
            // One that came before, or one that was known before it came late.
            if (at < fired.at + cooldown && fired.at < at + cooldown)
                until = std::max(until.value_or(Time::min()), fired.at + cooldown);
        return until;
    }

    void cross(const Wave& wave) {
        const Time oldest = now_ - max_age(rule_->rule);
        std::optional<std::size_t> suppressed;
        for (std::size_t i = wave.met; i < past(wave); ++i) {
            const Time at = readings_[i].read_at;
            if (!is_high(rule_->rule, readings_[i]) || at < oldest) continue;
            if (rule_->forgotten && at <= *rule_->forgotten) continue;
            if (!cooling_until(at)) return add(crossed(wave, i));
            if (!suppressed) suppressed = i;
        }
        if (suppressed) suppress(wave, *suppressed);
    }

    v1::Event crossed(const Wave& wave, std::size_t reading) const {
        const v1::Rule& rule = rule_->rule;
        const Time at = readings_[reading].read_at;
        v1::Event event;
        auto& body = *event.mutable_rule_crossed();
        auto& crossing = *body.mutable_crossing();
        crossing.set_crossing_id(
            runtime::derive_id("crx", {rule.rule_id(), fmt::format("{}", rule_->question),
                                       fmt::format("{}", at.time_since_epoch().count())}));
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
        *body.mutable_draft_until() = to_proto(at + max_age(rule));
        return event;
    }

    // Once in a wave.
    void suppress(const Wave& wave, std::size_t reading) {
        const auto& told = rule_->suppressed_at;
        if (told && (holds(wave, *told) || readings_[reading].read_at <= *told)) return;
        v1::Event event;
        auto& body = *event.mutable_crossing_suppressed();
        body.set_rule_id(rule_->rule.rule_id());
        *body.mutable_reading() = of(reading);
        *body.mutable_cooldown_until() = to_proto(*cooling_until(readings_[reading].read_at));
        add(std::move(event));
    }

    // The last wave of which all is too old, once.
    void pass() {
        const Time oldest = now_ - max_age(rule_->rule);
        std::optional<std::size_t> passed;
        for (const Wave& wave : waves_.all) {
            if (crossed_at(wave) || readings_[past(wave) - 1].read_at >= oldest) continue;
            if (rule_->passed && holds(wave, from_proto(rule_->passed->read_at()))) continue;
            for (std::size_t i = wave.met; i < past(wave); ++i)
                if (is_high(rule_->rule, readings_[i])) passed = i;
        }
        if (!passed ||
            (rule_->passed && readings_[*passed].read_at <= from_proto(rule_->passed->read_at())))
            return;
        v1::Event event;
        auto& body = *event.mutable_reading_passed();
        body.set_rule_id(rule_->rule.rule_id());
        *body.mutable_reading() = of(*passed);
        add(std::move(event));
    }

    // Where the waves that were crossed at end by now; by what comes late this may change.
    void end_waves() {
        for (std::size_t i = 0; i < rule_->fired.size(); ++i) {
            const Fired& fired = rule_->fired[i];
            // A record of before that says nothing of it.
            if (std::max(fired.at, fired.ended.value_or(fired.at)) > readings_.back().read_at)
                continue;
            const auto wave = std::ranges::find_if(
                waves_.all, [&](const Wave& each) { return holds(each, fired); });
            std::optional<std::size_t> end;
            if (wave != waves_.all.end())
                end = wave->end;
            else if (fired.at < readings_.front().read_at)
                continue;  // It ended before the window.
            else
                end = first_low_from(fired.at);
            const auto ended = end ? std::optional{readings_[*end].read_at} : std::nullopt;
            if (ended == fired.ended) continue;
            v1::Event event;
            auto& reset = *event.mutable_rule_reset();
            reset.set_rule_id(rule_->rule.rule_id());
            reset.set_crossing_id(fired.crossing_id);
            if (end) *reset.mutable_reading() = of(*end);
            add(std::move(event));
        }
    }

    // The wave that was crossed at is no more: its reading was corrected.
    std::optional<std::size_t> first_low_from(Time at) const {
        for (std::size_t i = 0; i < readings_.size(); ++i)
            if (readings_[i].read_at >= at && is_low(rule_->rule, readings_[i])) return i;
        return std::nullopt;
    }

    const RuleState* rule_;
    std::optional<RuleState> moved_;
    const v1::Readings& record_;
    Time now_;
    std::span<const Reading> readings_;
    Waves waves_;
    std::vector<v1::Event> events_;
};

Fired* find_fired(RuleState& rule, const std::string& crossing_id) {
    const auto found = std::ranges::find(rule.fired, crossing_id, &Fired::crossing_id);
    return found == rule.fired.end() ? nullptr : &*found;
}

void fire(RuleState& rule, const v1::RuleCrossed& crossed) {
    const v1::Crossing& crossing = crossed.crossing();
    Fired fired{from_proto(crossing.evidence(0).read_at()), crossing.crossing_id(),
                crossing.evidence(0), std::nullopt};
    const auto place = std::ranges::upper_bound(rule.fired, fired.at, {}, &Fired::at);
    rule.fired.insert(place, std::move(fired));
    if (rule.fired.size() > fired_max) {
        rule.forgotten = rule.fired.front().ended.value_or(rule.fired.front().at);
        rule.fired.erase(rule.fired.begin());
    }
    rule.last_crossed = crossed.SerializeAsString();
    ++rule.crossings;
}

std::string said(Time at) {
    return absl::FormatTime("%Y-%m-%d %H:%M UTC", absl::FromChrono(at), absl::UTCTimeZone());
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
    std::ranges::stable_sort(readings, {}, &Reading::read_at);
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
    const auto lasts = from_seconds(rule.for_seconds());
    Waves waves;
    std::optional<Wave> wave;
    if (!readings.empty() && goes_on_at(state, readings.front().read_at))
        wave.emplace().goes_on = true;
    for (std::size_t i = 0; i < readings.size(); ++i) {
        const auto silence =
            i > 0 ? readings[i].read_at - readings[i - 1].read_at : runtime::Duration{0};
        const bool gap = silence > max_gap(rule);
        // After a silence so long that nobody would act on what was before it, high is news.
        if (wave && (is_low(rule, readings[i]) || silence > max_age(rule))) {
            wave->end = i;
            waves.all.push_back(*std::exchange(wave, std::nullopt));
        }
        if (wave) continue;
        if (!is_high(rule, readings[i])) {
            waves.pending.reset();
        } else {
            if (!waves.pending || gap) waves.pending = i;
            if (readings[i].read_at - readings[*waves.pending].read_at < lasts) continue;
            wave.emplace();
            wave->begin = *std::exchange(waves.pending, std::nullopt);
            wave->met = i;
        }
    }
    if (wave) waves.all.push_back(*wave);
    return waves;
}

std::string mismatch(const RuleState& rule, const std::string& unit, const std::string& sensor) {
    const std::string& wanted =
        rule.rule.unit().empty() && rule.bound ? rule.unit : rule.rule.unit();
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
            rule.passed = event.reading_passed().reading();
            return;
        case v1::Event::kRuleCrossed:
            return fire(rule, event.rule_crossed());
        case v1::Event::kRuleReset:
            if (Fired* fired = find_fired(rule, event.rule_reset().crossing_id())) {
                fired->ended.reset();
                if (event.rule_reset().has_reading())
                    fired->ended = from_proto(event.rule_reset().reading().read_at());
            }
            return;
        case v1::Event::kCrossingSuppressed:
            rule.suppressed_at = from_proto(event.crossing_suppressed().reading().read_at());
            rule.cooldown_until = from_proto(event.crossing_suppressed().cooldown_until());
            return;
        case v1::Event::kEvidenceRevised:
            if (Fired* fired = find_fired(rule, event.evidence_revised().crossing_id()))
                fired->evidence = event.evidence_revised().revision().after();
            return;
        case v1::Event::kCrossingRetried:
            rule.last_crossed = event.crossing_retried().SerializeAsString();
            return;
        case v1::Event::kSourcePut:
        case v1::Event::kSourceRemoved:
        case v1::Event::kRulePut:
        case v1::Event::kRuleRemoved:
        case v1::Event::BODY_NOT_SET:
            return;  // Of no reading.
    }
}

runtime::Duration window_needed(const v1::Rule& rule) {
    return max_age(rule) + from_seconds(rule.for_seconds()) + max_gap(rule);
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
    if (now - last.read_at > stale_after)
        return {Standing::without_data, last.read_at, "without data since " + said(last.read_at)};
    const Waves waves = waves_in(state, seen->readings);
    if (waves.pending) {
        const Time since = seen->readings[*waves.pending].read_at;
        return {Standing::pending, since,
                fmt::format("above since {}, crosses at {} if it stays so", said(since),
                            said(since + from_seconds(rule.for_seconds())))};
    }
    if (waves.all.empty() || waves.all.back().end)
        return {Standing::normal,
                waves.all.empty() ? std::optional<Time>{}
                                  : seen->readings[*waves.all.back().end].read_at,
                fmt::format("below {}", rule.threshold())};
    const Wave& wave = waves.all.back();
    const Time begin = seen->readings[wave.begin].read_at;
    const auto fired = std::ranges::find_if(
        state.fired, [&](const Fired& each) { return wave.goes_on || each.at >= begin; });
    if (fired != state.fired.end())
        return {Standing::crossed, state.fired.back().at,
                fmt::format("crossed at {}", said(state.fired.back().at))};
    if (state.suppressed_at && *state.suppressed_at >= begin && state.cooldown_until)
        return {Standing::cooling_down, begin,
                "above, cooling down until " + said(*state.cooldown_until)};
    return {Standing::crossed, begin, "above since " + said(begin)};
}

}  // namespace tocsin::trigger
