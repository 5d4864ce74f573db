// When a rule crosses, and when it falls back. By the readings' own times throughout: a feed that
// comes late, or is replayed, crosses as it would have crossed.
#include "content/graphemes.hpp"
#include "runtime/ids.hpp"
#include "trigger/decider.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace tocsin::trigger {
namespace {

using content::v1::Evidence;

runtime::Duration from_seconds(double seconds) {
    return runtime::Duration{std::llround(seconds * 1e6)};
}

std::string plain_line(const std::string& words) {
    std::string line = content::without_invisible(content::printable(words));
    std::ranges::replace_if(line, [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
    return std::string(content::trim(line));
}

Evidence evidence(const v1::Rule& rule, const v1::Readings& series, const v1::Reading& reading) {
    Evidence result;
    result.set_source_id(series.source_id());
    result.set_series(series.series());
    result.set_value(reading.value());
    // The source's words: they become part of what is published.
    result.set_unit(plain_line(series.unit()));
    *result.mutable_read_at() = reading.read_at();
    result.set_threshold(rule.threshold());
    return result;
}

v1::Event crossed(const RuleState& state, Evidence reading, Time now) {
    v1::Event event;
    auto& body = *event.mutable_rule_crossed();
    auto& crossing = *body.mutable_crossing();
    // The version: a rule put anew is a new question, even to the same reading.
    const Time read_at = runtime::from_proto(reading.read_at());
    crossing.set_crossing_id(
        runtime::derive_id("crx", {state.rule.rule_id(), fmt::format("{}", state.version),
                                   fmt::format("{}", read_at.time_since_epoch().count()),
                                   fmt::format("{}", reading.value())}));
    crossing.set_rule_id(state.rule.rule_id());
    crossing.set_incident_id(state.rule.incident_id());
    *crossing.mutable_cross_time() = runtime::to_proto(now);
    *crossing.add_evidence() = std::move(reading);
    if (state.standing == Standing::pending) *crossing.add_evidence() = state.first;
    body.set_template_id(state.rule.template_id());
    body.set_agency_id(state.rule.agency_id());
    body.set_time_zone(state.rule.time_zone());
    *body.mutable_hands() = state.rule.hands();
    return event;
}

// At or above for long enough: it crosses, unless it did so not long ago.
v1::Event cross_or_suppress(const RuleState& state, Evidence reading, Time now) {
    const Time read_at = runtime::from_proto(reading.read_at());
    if (state.crossed_at) {
        const Time until = *state.crossed_at + from_seconds(state.rule.cooldown_seconds());
        if (read_at < until) {
            v1::Event event;
            auto& body = *event.mutable_crossing_suppressed();
            body.set_rule_id(state.rule.rule_id());
            *body.mutable_reading() = std::move(reading);
            *body.mutable_cooldown_until() = runtime::to_proto(until);
            return event;
        }
    }
    return crossed(state, std::move(reading), now);
}

}  // namespace

std::optional<v1::Event> weigh(const RuleState& state, const v1::Readings& series,
                               const v1::Reading& reading, Time now) {
    const v1::Rule& rule = state.rule;
    const Time read_at = runtime::from_proto(reading.read_at());
    if (!std::isfinite(reading.value())) return std::nullopt;
    if (state.since && read_at <= *state.since) return std::nullopt;
    const bool high = reading.value() >= rule.threshold();
    const auto lasts = from_seconds(rule.for_seconds());
    v1::Event event;
    switch (state.standing) {
        case Standing::normal: {
            if (!high) return std::nullopt;
            if (lasts.count() == 0)
                return cross_or_suppress(state, evidence(rule, series, reading), now);
            auto& began = *event.mutable_pending_began();
            began.set_rule_id(rule.rule_id());
            *began.mutable_reading() = evidence(rule, series, reading);
            return event;
        }
        case Standing::pending: {
            if (high && read_at - *state.since < lasts) return std::nullopt;
            if (high) return cross_or_suppress(state, evidence(rule, series, reading), now);
            auto& ended = *event.mutable_pending_ended();
            ended.set_rule_id(rule.rule_id());
            *ended.mutable_reading() = evidence(rule, series, reading);
            return event;
        }
        case Standing::crossed: {
            if (reading.value() >= rule.threshold() - rule.hysteresis()) return std::nullopt;
            auto& reset = *event.mutable_rule_reset();
            reset.set_rule_id(rule.rule_id());
            *reset.mutable_reading() = evidence(rule, series, reading);
            return event;
        }
    }
    return std::nullopt;
}

void move(RuleState& state, const v1::Event& event) {
    const auto stand = [&state](Standing standing, const Evidence& reading) {
        state.standing = standing;
        state.since = runtime::from_proto(reading.read_at());
    };
    switch (event.body_case()) {
        case v1::Event::kPendingBegan:
            stand(Standing::pending, event.pending_began().reading());
            state.first = event.pending_began().reading();
            return;
        case v1::Event::kPendingEnded:
            stand(Standing::normal, event.pending_ended().reading());
            return;
        case v1::Event::kRuleCrossed:
            stand(Standing::crossed, event.rule_crossed().crossing().evidence(0));
            state.crossed_at = state.since;
            ++state.crossings;
            return;
        case v1::Event::kRuleReset:
            stand(Standing::normal, event.rule_reset().reading());
            return;
        case v1::Event::kCrossingSuppressed:
            stand(Standing::crossed, event.crossing_suppressed().reading());
            return;
        case v1::Event::kSourcePut:
        case v1::Event::kSourceRemoved:
        case v1::Event::kRulePut:
        case v1::Event::kRuleRemoved:
        case v1::Event::BODY_NOT_SET:
            return;  // Not a transition.
    }
}

}  // namespace tocsin::trigger
