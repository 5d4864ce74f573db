#include "trigger/rule_standing.hpp"

#include "texts/times.hpp"
#include "trigger/known_waves.hpp"
#include "trigger/window.hpp"

#include <fmt/format.h>

#include <chrono>

namespace tocsin::trigger {

using texts::minute_of;

static double seconds_of(runtime::Duration duration) {
    return std::chrono::duration<double>{duration}.count();
}

// Why `for` cannot come true with readings like these; empty: it can.
static std::string never_true(const v1::Rule& rule, std::span<const Reading> readings) {
    if (readings.size() < 2) return {};
    const auto gap = readings.back().read_at - readings[readings.size() - 2].read_at;
    if (gap > max_gap(rule))
        return fmt::format(
            "its readings are {:.0f} s apart, which `max_gap_seconds` of {:g} takes for a gap: "
            "`for_seconds` cannot come true; put the rule with a larger gap",
            seconds_of(gap), seconds_of(max_gap(rule)));
    if (readings.size() == window_readings_max &&
        readings.back().read_at - readings.front().read_at < from_seconds(rule.for_seconds()))
        return fmt::format(
            "its last {} readings span less than `for_seconds` of {:g}, and no more are kept: it "
            "cannot come true; put the rule with a shorter one",
            window_readings_max, rule.for_seconds());
    return {};
}

// Why its readings, the last of which is `last`, cannot be used; empty: they can.
static std::string silent_because(const RuleState& state, const Seen& seen, Time last,
                                  runtime::Duration stale_after, Time now) {
    const v1::Rule& rule = state.rule;
    if (const std::string other = mismatch(state, seen.unit, seen.sensor); !other.empty())
        return "without data: " + other;
    if (seen.missing_since)
        return fmt::format(
            "without data since {}: since {} the source's answers have no {}; "
            "`tocsin source get {}` lists what they have",
            minute_of(last), minute_of(*seen.missing_since), rule.series(), rule.source_id());
    if (now - last > stale_after) return "without data since " + minute_of(last);
    if (now - last > max_age(rule))
        return fmt::format(
            "without data since {}: a reading older than {:g} s, the rule's "
            "`max_age_seconds`, starts nothing",
            minute_of(last), seconds_of(max_age(rule)));
    return {};
}

// While `for` runs, since `since`.
static Standing pending_since(const v1::Rule& rule, std::span<const Reading> readings, Time since) {
    if (const std::string why = never_true(rule, readings); !why.empty())
        return {v1::RULE_STATE_PENDING, since,
                fmt::format("above since {}, but {}", minute_of(since), why)};
    return {v1::RULE_STATE_PENDING, since,
            fmt::format("above since {}, crosses at {} if it stays so", minute_of(since),
                        minute_of(since + from_seconds(rule.for_seconds())))};
}

// In the last wave, which lasts.
static Standing standing_in(const KnownWaves& known, const RuleState& state, const Wave& wave,
                            Time now) {
    if (const Fired* fired = known.crossing_of(wave))
        return {v1::RULE_STATE_CROSSED, fired->at,
                fmt::format("crossed at {}", minute_of(fired->at))};
    const Time begin = known.begin_of(wave);
    if (known.holds(wave, state.suppressed) && state.cooldown_until)
        return {v1::RULE_STATE_COOLING_DOWN, begin,
                *state.cooldown_until > now
                    ? "above, cooling down until " + minute_of(*state.cooldown_until)
                    : fmt::format("above, cooled down at {}: the next reading crosses if it is "
                                  "still above",
                                  minute_of(*state.cooldown_until))};
    return {v1::RULE_STATE_PASSED_OVER, begin,
            fmt::format("above since {}, by readings that were too old to start anything",
                        minute_of(begin))};
}

Standing standing_of(const RuleState& state, const std::optional<Seen>& seen,
                     runtime::Duration stale_after, Time now) {
    const v1::Rule& rule = state.rule;
    if (!rule.active()) return {v1::RULE_STATE_OFF, std::nullopt, "it was removed"};
    if (!seen || seen->readings.empty())
        return {v1::RULE_STATE_WITHOUT_DATA, std::nullopt,
                fmt::format("no reading of `{}` came yet", rule.series())};
    const Time last = seen->readings.back().read_at;
    if (std::string why = silent_because(state, *seen, last, stale_after, now); !why.empty())
        return {v1::RULE_STATE_WITHOUT_DATA, last, std::move(why)};
    const KnownWaves known(state, seen->readings, now);
    const Waves& waves = known.waves();
    if (waves.pending) return pending_since(rule, seen->readings, known.at(*waves.pending));
    if (!waves.all.empty() && !waves.all.back().end)
        return standing_in(known, state, waves.all.back(), now);
    const auto since =
        waves.all.empty() ? std::nullopt : std::optional{known.at(*waves.all.back().end)};
    return {v1::RULE_STATE_NORMAL, since, fmt::format("below {}", rule.threshold())};
}

}  // namespace tocsin::trigger
