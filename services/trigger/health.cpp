#include "trigger/health.hpp"

namespace tocsin::trigger {
namespace {

double seconds(runtime::Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

}  // namespace

HealthBook::HealthBook(runtime::Metrics& metrics) : metrics_(metrics) {
    // There from the start, so that a rate over them is 0 and not absent.
    for (const char* outcome : {"taken", "skipped"}) readings(outcome);
    for (const char* outcome : {"ok", "unchanged", "failed"}) polls(outcome);
}

HealthBook::Key HealthBook::key(const Wanted& wanted) {
    return {wanted.realm, wanted.source.source_id()};
}

bool HealthBook::stale(const Health& health, const v1::Source& source, Time now) {
    return health.polled_here && seconds(now - health.news_at) > source.stale_seconds();
}

void HealthBook::began(const Wanted& wanted, Time now) {
    const std::lock_guard lock(mutex_);
    Health& health = known_[key(wanted)];
    if (!std::exchange(health.polled_here, true)) health.news_at = now;
}

void HealthBook::ended(const Wanted& wanted) {
    const std::lock_guard lock(mutex_);
    known_[key(wanted)] = Health{};
    // Another instance watches it now: what this one last saw must raise no alarm.
    stale_gauge(wanted).Set(0);
    age_gauge(wanted).Set(0);
}

void HealthBook::waited(const Wanted& wanted, Time now) {
    const std::lock_guard lock(mutex_);
    publish(wanted, known_[key(wanted)], now);
}

void HealthBook::took(const Wanted& wanted, std::int64_t taken, std::int64_t skipped,
                      std::optional<Time> newest, Time now) {
    const std::lock_guard lock(mutex_);
    Health& health = known_[key(wanted)];
    health.readings += taken;
    health.skipped += skipped;
    if (newest && (!health.last_read_at || *newest > *health.last_read_at)) {
        health.last_read_at = newest;
        health.news_at = now;
    }
    readings("taken").Increment(static_cast<double>(taken));
    readings("skipped").Increment(static_cast<double>(skipped));
}

void HealthBook::polled(const Wanted& wanted, const std::string& error, bool unchanged, Time now) {
    const std::lock_guard lock(mutex_);
    Health& health = known_[key(wanted)];
    ++health.polls;
    health.error = error;
    const char* outcome = !error.empty() ? "failed" : unchanged ? "unchanged" : "ok";
    polls(outcome).Increment();
    publish(wanted, health, now);
}

void HealthBook::publish(const Wanted& wanted, const Health& health, Time now) {
    stale_gauge(wanted).Set(stale(health, wanted.source, now) ? 1 : 0);
    age_gauge(wanted).Set(health.last_read_at ? seconds(now - *health.last_read_at) : 0);
}

prometheus::Counter& HealthBook::readings(const std::string& outcome) {
    return metrics_.counter("tocsin_trigger_readings_total",
                            "Readings that polls of this instance brought since its start, by what "
                            "became of them.",
                            {{"outcome", outcome}});
}

prometheus::Counter& HealthBook::polls(const std::string& outcome) {
    return metrics_.counter("tocsin_trigger_polls_total",
                            "Polls of sources by this instance since its start, by outcome.",
                            {{"outcome", outcome}});
}

prometheus::Gauge& HealthBook::stale_gauge(const Wanted& wanted) {
    return metrics_.gauge("tocsin_trigger_source_stale",
                          "Whether no new reading came for longer than the source allows.",
                          {{"realm", wanted.realm}, {"source", wanted.source.source_id()}});
}

prometheus::Gauge& HealthBook::age_gauge(const Wanted& wanted) {
    return metrics_.gauge("tocsin_trigger_source_age_seconds",
                          "Age of the newest reading when the source was last polled.",
                          {{"realm", wanted.realm}, {"source", wanted.source.source_id()}});
}

v1::SourceHealth HealthBook::report(const std::string& realm, const v1::Source& source,
                                    Time now) const {
    v1::SourceHealth report;
    *report.mutable_source() = source;
    const std::lock_guard lock(mutex_);
    const auto found = known_.find({realm, source.source_id()});
    if (found == known_.end()) return report;
    const Health& health = found->second;
    if (health.last_read_at)
        *report.mutable_last_read_at() = runtime::to_proto(*health.last_read_at);
    report.set_polls(health.polls);
    report.set_readings(health.readings);
    report.set_skipped(health.skipped);
    report.set_error(health.error);
    report.set_stale(stale(health, source, now));
    return report;
}

}  // namespace tocsin::trigger
