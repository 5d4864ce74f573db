#include "trigger/health.hpp"

#include "runtime/retired_gauge.hpp"

#include <algorithm>
#include <limits>

namespace tocsin::trigger {
namespace {

// For Prometheus: it says nothing yet. An instance that has just started must not speak for the
// others.
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

prometheus::Labels labels_of(const Wanted& wanted) {
    return {{"realm", wanted.realm}, {"source", wanted.source.source_id()}};
}

double seconds(runtime::Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

}  // namespace

HealthBook::HealthBook(runtime::Metrics& metrics) : metrics_(metrics) {
    // There from the start, so that a rate over them is 0 and not absent.
    for (const char* outcome : {"taken", "skipped"}) readings(outcome);
    for (const char* outcome : {"ok", "unchanged", "failed", "put_off"}) polls(outcome);
}

HealthBook::Key HealthBook::key(const Wanted& wanted) {
    return {wanted.realm, wanted.source.source_id()};
}

bool HealthBook::stale(const Health& health, const v1::Source& source, Time now) {
    const Time since = health.news_at.value_or(health.watched_since);
    return seconds(now - since) > source.stale_seconds();
}

Health* HealthBook::find(const Wanted& wanted) {
    const auto found = known_.find(key(wanted));
    return found == known_.end() ? nullptr : &found->second;
}

void HealthBook::learn(Health& health, Time newest, Time at) {
    if (health.last_read_at && newest <= *health.last_read_at) return;
    health.news_at = health.news_at ? std::max(at, *health.news_at) : std::min(at, newest);
    health.last_read_at = newest;
}

void HealthBook::watched(const Wanted& wanted, Time now) {
    const std::lock_guard lock(mutex_);
    const auto [known, fresh] = known_.try_emplace(key(wanted));
    if (fresh) known->second.watched_since = now;
}

void HealthBook::forget(const Wanted& wanted) {
    const std::lock_guard lock(mutex_);
    known_.erase(key(wanted));
    runtime::retire_gauge(metrics_, "tocsin_trigger_source_stale", labels_of(wanted));
    runtime::retire_gauge(metrics_, "tocsin_trigger_source_age_seconds", labels_of(wanted));
}

void HealthBook::ended(const Wanted& wanted) {
    const std::lock_guard lock(mutex_);
    if (Health* health = find(wanted)) health->error.clear();
}

void HealthBook::heard(const Wanted& wanted, Time newest, Time at) {
    const std::lock_guard lock(mutex_);
    if (Health* health = find(wanted)) learn(*health, newest, at);
}

void HealthBook::waited(const Wanted& wanted, bool ready, Time now) {
    const std::lock_guard lock(mutex_);
    Health* health = find(wanted);
    if (health == nullptr) return;
    health->ready = ready;
    publish(wanted, *health, now);
}

void HealthBook::took(const Wanted& wanted, std::int64_t taken, std::int64_t skipped) {
    const std::lock_guard lock(mutex_);
    readings("taken").Increment(static_cast<double>(taken));
    readings("skipped").Increment(static_cast<double>(skipped));
    Health* health = find(wanted);
    if (health == nullptr) return;
    health->readings += taken;
    health->skipped += skipped;
}

void HealthBook::put_off(const Wanted& wanted, const std::string& why) {
    const std::lock_guard lock(mutex_);
    polls("put_off").Increment();
    if (Health* health = find(wanted)) health->error = why;
}

void HealthBook::polled(const Wanted& wanted, const std::string& error, bool unchanged, Time now) {
    const std::lock_guard lock(mutex_);
    const char* outcome = !error.empty() ? "failed" : unchanged ? "unchanged" : "ok";
    polls(outcome).Increment();
    Health* health = find(wanted);
    if (health == nullptr) return;
    ++health->polls;
    health->error = error;
    publish(wanted, *health, now);
}

void HealthBook::publish(const Wanted& wanted, const Health& health, Time now) {
    const double fresh = health.ready && health.news_at ? 0 : unknown;
    stale_gauge(wanted).Set(stale(health, wanted.source, now) ? 1 : fresh);
    age_gauge(wanted).Set(health.last_read_at ? seconds(now - *health.last_read_at) : unknown);
}

prometheus::Counter& HealthBook::readings(const std::string& outcome) {
    return metrics_.counter("tocsin_trigger_readings_total",
                            "Readings that polls of this instance brought since its start, by what "
                            "became of them.",
                            {{"outcome", outcome}});
}

prometheus::Counter& HealthBook::polls(const std::string& outcome) {
    return metrics_.counter("tocsin_trigger_polls_total",
                            "Polls of sources by this instance since its start, by outcome; "
                            "put_off: the realm's sources had brought too many bytes.",
                            {{"outcome", outcome}});
}

prometheus::Gauge& HealthBook::stale_gauge(const Wanted& wanted) {
    return metrics_.gauge("tocsin_trigger_source_stale",
                          "Whether this instance met no new reading, its own or another's, for "
                          "longer than the source allows; NaN: it cannot say yet.",
                          labels_of(wanted));
}

prometheus::Gauge& HealthBook::age_gauge(const Wanted& wanted) {
    return metrics_.gauge("tocsin_trigger_source_age_seconds",
                          "Age of the newest reading that this instance met; NaN: none.",
                          labels_of(wanted));
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
