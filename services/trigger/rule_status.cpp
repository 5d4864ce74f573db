#include "trigger/rule_status.hpp"

namespace tocsin::trigger {

content::v1::Evidence newest_of(const std::string& source_id, const std::string& name,
                                const Heard::Series& series) {
    content::v1::Evidence newest;
    newest.set_source_id(source_id);
    newest.set_series(name);
    newest.set_unit(series.unit);
    if (series.readings.empty()) return newest;
    newest.set_value(series.readings.back().value);
    *newest.mutable_read_at() = runtime::to_proto(series.readings.back().read_at);
    return newest;
}

Standing standing_now(const RuleState& rule, const std::optional<Heard::Series>& series,
                      const SourceState* source, Time now) {
    std::optional<Seen> seen;
    if (series) seen = Seen{series->unit, series->sensor, series->readings, series->missing_since};
    const double stale_seconds = source ? source->source.stale_seconds() : 0;
    return standing_of(rule, seen,
                       runtime::Duration{static_cast<std::int64_t>(stale_seconds * 1e6)}, now);
}

v1::RuleStatus status_of(const RuleState& rule, const std::optional<Heard::Series>& series,
                         const SourceState* source, Time now) {
    const Standing standing = standing_now(rule, series, source, now);
    v1::RuleStatus status;
    *status.mutable_rule() = rule.rule;
    status.set_state(standing.state);
    status.set_reason(standing.reason);
    if (standing.since) *status.mutable_since() = runtime::to_proto(*standing.since);
    status.set_crossings(rule.crossings);
    if (series && !series->readings.empty())
        *status.mutable_last_reading() =
            newest_of(rule.rule.source_id(), rule.rule.series(), *series);
    status.set_passed_over_times(rule.too_old_count);
    if (!rule.too_old.empty()) {
        *status.mutable_passed_over() = rule.too_old.back();
        status.mutable_passed_over_earlier()->Assign(rule.too_old.begin(), rule.too_old.end() - 1);
    }
    status.set_bound_unit(rule.unit);
    status.set_bound_sensor(rule.sensor);
    return status;
}

}  // namespace tocsin::trigger
