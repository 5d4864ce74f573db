#include "trigger/health.hpp"

#include "runtime/host/retired_gauge.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::trigger {
namespace {

// The value before the first one is known: an instance that has just started must not contradict
// the others.

prometheus::Labels labels_of(const Wanted& wanted) {
    return {{"realm", wanted.realm}, {"source", wanted.source.source_id()}};
}

double seconds(runtime::Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

}  // namespace

// By turns: what one set holds when it is full is forgotten when the next one is.
std::vector<SkippedOne> SkipsMet::news(const std::vector<SkippedOne>& skips) {
    if (latest_.size() > remembered_max) earlier_ = std::exchange(latest_, {});
    std::vector<SkippedOne> fresh;
    for (const SkippedOne& one : skips) {
        const std::size_t what = one.what + static_cast<std::size_t>(one.why);
        if (latest_.insert(what).second && !earlier_.contains(what)) fresh.push_back(one);
    }
    return fresh;
}

HealthBook::HealthBook(runtime::Metrics& metrics) : metrics_(metrics) {
    // There from the start, so that a rate over them is 0 and not absent.
    readings("taken");
    for (const std::string_view reason : skip_names) readings(std::string{reason});
    for (const char* outcome : {"ok", "unchanged", "failed", "put_off"}) polls(outcome);
}

HealthBook::Key HealthBook::key(const Wanted& wanted) {
    return {wanted.realm, wanted.source.source_id()};
}

std::optional<Time> HealthBook::judged_by(const Health& health) {
    return health.by_series ? health.oldest : health.last_read_at;
}

bool HealthBook::stale(const Health& health, const v1::Source& source, Time now) {
    if (health.by_series && health.missing) return true;
    const Time since = judged_by(health).value_or(health.watched_since);
    return seconds(now - since) > source.stale_seconds();
}

Health* HealthBook::find(const Wanted& wanted) {
    const auto found = known_.find(key(wanted));
    return found == known_.end() ? nullptr : &found->second;
}

void HealthBook::watched(const Wanted& wanted, Time now) {
    const std::lock_guard lock(mutex_);
    const auto [known, fresh] = known_.try_emplace(key(wanted));
    Health& health = known->second;
    if (!fresh && health.address == wanted.address) return;
    health.address = wanted.address;
    health.watched_since = now;
    // Readings from another address do not count for this one.
    health.last_read_at.reset();
    health.oldest.reset();
}

void HealthBook::forget(const Wanted& wanted) {
    const std::lock_guard lock(mutex_);
    known_.erase(key(wanted));
    runtime::retire_gauge(metrics_, "tocsin_trigger_source_stale", labels_of(wanted));
    runtime::retire_gauge(metrics_, "tocsin_trigger_source_age_seconds", labels_of(wanted));
}

void HealthBook::ended(const Wanted& wanted) {
    const std::lock_guard lock(mutex_);
    if (Health* health = find(wanted)) health->error = health->later = {};
}

void HealthBook::heard(const Wanted& wanted, Time newest) {
    const std::lock_guard lock(mutex_);
    if (Health* health = find(wanted))
        health->last_read_at = std::max(health->last_read_at.value_or(newest), newest);
}

void HealthBook::judged(const Wanted& wanted, bool by_series, std::optional<Time> oldest,
                        bool missing) {
    const std::lock_guard lock(mutex_);
    Health* health = find(wanted);
    if (health == nullptr) return;
    health->by_series = by_series;
    health->oldest = oldest;
    health->missing = missing;
}

void HealthBook::waited(const Wanted& wanted, bool ready, Time now) {
    const std::lock_guard lock(mutex_);
    Health* health = find(wanted);
    if (health == nullptr) return;
    health->ready = ready;
    publish(wanted, *health, now);
}

void HealthBook::took(const Wanted& wanted, std::int64_t taken) {
    const std::lock_guard lock(mutex_);
    readings("taken").Increment(static_cast<double>(taken));
    if (Health* health = find(wanted)) health->readings += taken;
}

void HealthBook::skipped(const Wanted& wanted, const Parsed& answer) {
    const std::lock_guard lock(mutex_);
    Health* health = find(wanted);
    if (!health) return;
    for (const SkippedOne& one : health->skips_met.news(answer.skips)) {
        health->skipped.add(one.why);
        readings(std::string{skip_names[static_cast<std::size_t>(one.why)]}).Increment();
    }
    health->first_fault = answer.first_fault;
}

void HealthBook::put_off(const Wanted& wanted, const std::string& why) {
    const std::lock_guard lock(mutex_);
    polls("put_off").Increment();
    if (Health* health = find(wanted)) health->later = why;
}

void HealthBook::polled(const Wanted& wanted, const std::string& error, bool unchanged, Time now) {
    const std::lock_guard lock(mutex_);
    const char* outcome = !error.empty() ? "failed" : unchanged ? "unchanged" : "ok";
    polls(outcome).Increment();
    Health* health = find(wanted);
    if (health == nullptr) return;
    ++health->polls;
    health->error = error;
    health->later.clear();
    publish(wanted, *health, now);
}

void HealthBook::publish(const Wanted& wanted, const Health& health, Time now) {
    const auto judged = judged_by(health);
    const double fresh = health.ready && judged ? 0 : runtime::not_known;
    stale_gauge(wanted).Set(stale(health, wanted.source, now) ? 1 : fresh);
    age_gauge(wanted).Set(judged ? seconds(now - *judged) : runtime::not_known);
}

prometheus::Counter& HealthBook::readings(const std::string& outcome) {
    return metrics_.counter("tocsin_trigger_readings_total",
                            "Readings in the answers to this instance's polls since its start, by "
                            "outcome: taken, or the reason for which they were skipped.",
                            {{"outcome", outcome}});
}

prometheus::Counter& HealthBook::polls(const std::string& outcome) {
    return metrics_.counter("tocsin_trigger_polls_total",
                            "Polls of sources by this instance since its start, by outcome; "
                            "put_off: delayed by a limit on bytes or on polls at a time.",
                            {{"outcome", outcome}});
}

prometheus::Gauge& HealthBook::stale_gauge(const Wanted& wanted) {
    return metrics_.gauge(
        "tocsin_trigger_source_stale",
        "1 if a series that rules read, or every series where rules read none, has no reading "
        "younger than the source's stale_seconds, else 0; NaN: unknown to this instance.",
        labels_of(wanted));
}

prometheus::Gauge& HealthBook::age_gauge(const Wanted& wanted) {
    return metrics_.gauge("tocsin_trigger_source_age_seconds",
                          "Age in seconds of the newest reading of a series, the highest of the "
                          "series that rules read; NaN: this instance has no reading.",
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
    report.set_skipped(health.skipped.total());
    for (std::size_t i = 0; i < skip_names.size(); ++i)
        if (health.skipped.counts[i] > 0)
            (*report.mutable_skipped_by_reason())[std::string{skip_names[i]}] =
                health.skipped.counts[i];
    report.set_first_fault(health.first_fault);
    report.set_error(health.error.empty() || health.later.empty()
                         ? health.error + health.later
                         : fmt::format("{}; {}", health.error, health.later));
    report.set_stale(stale(health, source, now));
    return report;
}

}  // namespace tocsin::trigger
