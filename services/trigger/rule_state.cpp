#include "trigger/rule_state.hpp"

#include "content/graphemes.hpp"
#include "content/templates.hpp"
#include "runtime/base/planted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace tocsin::trigger {

using content::v1::Evidence;

// Within the window of a rule.
static constexpr std::size_t edits_max = 4;

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

runtime::Duration window_needed(const v1::Rule& rule) {
    return max_age(rule) + from_seconds(rule.for_seconds()) + max_gap(rule);
}

runtime::Duration silence_most(const v1::Rule& rule) {
    return std::max<runtime::Duration>(std::chrono::hours{24}, 3 * max_age(rule));
}

Time hour_of(Time reading) { return std::chrono::floor<std::chrono::hours>(reading); }

bool is_silence(const v1::Rule& rule, Time from, Time to) {
    return hour_of(to) - hour_of(from) > silence_most(rule);
}

Time read_at(const Evidence& evidence) { return runtime::from_proto(evidence.read_at()); }

std::string plain_unit(const std::string& words) {
    std::string line = content::without_invisible(content::printable(words));
    std::ranges::replace_if(line, [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
    return std::string(content::trim(line));
}

// What the rule says, or else what it reads; empty: neither is known, or it has none.
static const std::string& unit_meant(const RuleState& state) {
    return state.rule.unit().empty() && state.bound ? state.unit : state.rule.unit();
}

bool same_series(const RuleState& state, const v1::Rule& put) {
    if (state.rule.source_id() != put.source_id() || state.rule.series() != put.series())
        return false;
    // What it was bound to is what it meant.
    const std::string& unit = unit_meant(state);
    return put.unit().empty() || unit.empty() || unit == put.unit();
}

static std::string unit_or_none(const std::string& unit) { return unit.empty() ? "no unit" : unit; }

std::string mismatch(const RuleState& state, const std::string& unit, const std::string& sensor) {
    const std::string& wanted = unit_meant(state);
    if ((state.bound || !state.rule.unit().empty()) && unit != wanted)
        return fmt::format(
            "it arrives in {}, and the threshold is meant in {}: put the rule with "
            "the unit and a threshold in it",
            unit_or_none(unit), unit_or_none(wanted));
    if (state.bound && sensor != state.sensor)
        return fmt::format(
            "it comes from sensor {}, and the rule began with {}: if that is right, "
            "remove the rule and put it again",
            sensor.empty() ? "none" : sensor, state.sensor.empty() ? "none" : state.sensor);
    return {};
}

bool same_unit(const RuleState& state, const Evidence& evidence) {
    if (!state.bound && state.rule.unit().empty()) return true;
    return evidence.unit() == plain_unit(state.bound ? state.unit : state.rule.unit());
}

bool same_place(const v1::Rule& rule, const Fired& fired) {
    const Evidence& evidence = fired.grounds[0].evidence;
    return evidence.source_id() == rule.source_id() && evidence.series() == rule.series();
}

// Whether it is of what the rule reads.
static bool same_readings(const RuleState& state, const Fired& fired) {
    return same_place(state.rule, fired) && same_unit(state, fired.grounds[0].evidence);
}

bool is_crossing_of(const RuleState& state, const Fired& fired) {
    return same_readings(state, fired) &&
           content::reaches(fired.grounds[0].evidence, state.rule.threshold());
}

bool counts(const RuleState& state, const Fired& fired) {
    return is_crossing_of(state, fired) || (fired.covers_until && same_readings(state, fired));
}

// What was one wave until now stays one, whatever the rule says next.
static void cover(Fired& fired, Time now) {
    const Time until = fired.ended ? std::min(now, fired.ended->at - runtime::Duration{1}) : now;
    fired.covers_until = std::max(fired.covers_until.value_or(until), until);
}

static void note_edit(RuleState& state, Time now) {
    state.edits.push_back({now, state.rule});
    if (state.edits.size() <= edits_max) return;
    state.edits_forgotten = state.edits.front().at;
    state.edits.erase(state.edits.begin());
}

void edit(RuleState& state, const v1::Rule& put, Time now) {
    if (runtime::planted(runtime::Bug::edit_forgets)) state.fired.clear();
    const bool same = same_series(state, put);
    const bool was_on = state.rule.active();
    if (!same || !was_on) {
        // What is put again after it was removed may read another sensor.
        state.bound = false;
        state.unit.clear();
        state.sensor.clear();
    }
    if (!same || state.rule.threshold() != put.threshold()) {
        state.suppressed.reset();
        state.passed.reset();
        state.too_old.clear();
        state.too_old_count = 0;
        state.cooldown_until.reset();
    }
    if (same) {
        note_edit(state, now);
    } else {
        state.forgotten.reset();
        state.edits.clear();
        state.edits_forgotten.reset();
    }
    state.rule = put;
    for (Fired& fired : state.fired) {
        const bool still_crossed = same && is_crossing_of(state, fired);
        if (!still_crossed) fired.crossed.clear();
        if (same && was_on && same_readings(state, fired))
            cover(fired, now);
        else if (!still_crossed && !fired.ended)
            fired.ended = End{now, true, 0};  // It is not watched any more.
    }
}

void remove(RuleState& state, Time now) {
    state.rule.set_active(false);
    for (Fired& fired : state.fired)
        if (same_readings(state, fired)) cover(fired, now);
}

}  // namespace tocsin::trigger
