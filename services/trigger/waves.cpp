#include "trigger/waves.hpp"

#include "runtime/base/planted.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::trigger {

using runtime::Bug;
using runtime::planted;

bool is_high(const v1::Rule& rule, const Reading& reading) {
    return reading.value >= rule.threshold();
}

bool is_low(const v1::Rule& rule, const Reading& reading) {
    if (planted(Bug::hysteresis_ignored)) return !is_high(rule, reading);
    return reading.value < rule.threshold() - rule.hysteresis();
}

// Whether the ledger knows a reading between the two that was low, whatever wave it ended: of one
// that a record of before shows to go on, that record does not show the end.
static bool was_low_between(const RuleState& state, Time known_at, Time begin) {
    const auto is_low_there = [&](const std::optional<End>& end) {
        return end && !end->by_silence && end->at > known_at && end->at < begin &&
               end->value < state.rule.threshold() - state.rule.hysteresis();
    };
    return (state.suppressed && is_low_there(state.suppressed->ended)) ||
           (state.passed && is_low_there(state.passed->ended)) ||
           std::ranges::any_of(state.fired, [&](const Fired& fired) {
               return counts(state, fired) && is_low_there(fired.ended);
           });
}

bool is_silent_before(const v1::Rule& rule, Time begin, Time known_at, std::optional<Time> seen) {
    const Time last = std::max(known_at, seen.value_or(known_at));
    return last < begin && is_silence(rule, last, begin);
}

// `known_at`: the reading by which the ledger knows the wave.
static bool lasts_into(const RuleState& state, Time begin, Time known_at,
                       const std::optional<End>& ended) {
    if (known_at >= begin || is_silent_before(state.rule, begin, known_at, state.seen))
        return false;
    if (!ended) return !was_low_between(state, known_at, begin);
    // What ended it by being low may be corrected; what ended it by its silence before is another.
    return ended->by_silence ? ended->at > begin : ended->at >= begin;
}

bool goes_on_into(const RuleState& state, Time begin, const std::optional<Held>& held) {
    return held && lasts_into(state, begin, read_at(held->reading), held->ended);
}

bool goes_on_into(const RuleState& state, Time begin, const Fired& fired) {
    return lasts_into(state, begin, fired.at, fired.ended);
}

// Whether the ledger knows a wave by this very reading: `for` need not come true once more.
static bool is_known_by(const RuleState& state, Time at) {
    const auto is_its = [&](const std::optional<Held>& held) {
        return held && read_at(held->reading) == at;
    };
    return is_its(state.suppressed) || is_its(state.passed) ||
           std::ranges::any_of(state.fired, [&](const Fired& fired) {
               return fired.at == at && counts(state, fired);
           });
}

// The wave that lasts when the window begins.
static std::optional<Wave> wave_from_before(const RuleState& state, Time begin) {
    Wave wave;
    wave.goes_on = true;
    wave.crossed = std::ranges::any_of(state.fired, [&](const Fired& fired) {
        return counts(state, fired) && goes_on_into(state, begin, fired);
    });
    if (wave.crossed || goes_on_into(state, begin, state.suppressed) ||
        goes_on_into(state, begin, state.passed))
        return wave;
    return std::nullopt;
}

Waves waves_in(const RuleState& state, std::span<const Reading> readings) {
    const v1::Rule& rule = state.rule;
    const auto lasts = from_seconds(planted(Bug::for_ignored) ? 0 : rule.for_seconds());
    Waves waves;
    std::optional<Wave> wave;
    if (!readings.empty()) wave = wave_from_before(state, readings.front().read_at);
    for (std::size_t i = 0; i < readings.size(); ++i) {
        const Time before = readings[i > 0 ? i - 1 : i].read_at;
        if (wave && (is_low(rule, readings[i]) || is_silence(rule, before, readings[i].read_at))) {
            wave->end = i;
            waves.all.push_back(*std::exchange(wave, std::nullopt));
        }
        if (wave) continue;
        const bool high = is_high(rule, readings[i]);
        const bool gap = readings[i].read_at - before > max_gap(rule) && !planted(Bug::gap_ignored);
        if (high && (!waves.pending || gap)) waves.pending = i;
        const bool met = high && readings[i].read_at - readings[*waves.pending].read_at >= lasts;
        if (met || (!is_low(rule, readings[i]) && is_known_by(state, readings[i].read_at))) {
            wave.emplace();
            wave->begin = waves.pending.value_or(i);
            wave->met = i;
        }
        if (wave || !high) waves.pending.reset();
    }
    if (wave) waves.all.push_back(*wave);
    return waves;
}

}  // namespace tocsin::trigger
