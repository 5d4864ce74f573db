// How each source does, as this instance knows it from its own polls and from the stream: written
// by the poller, read by calls, exported as metrics. A source is as old as the oldest of the series
// that rules read, each by its newest reading's own time; where no rule reads any, as its newest
// reading. Every instance says so for itself, whoever should poll: where nobody does, all of them
// say that it is stale.
#pragma once

#include "runtime/metrics.hpp"
#include "trigger/source.hpp"
#include "trigger/view.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace tocsin::trigger {

struct Health {
    std::optional<Time> last_read_at;  // time of the newest reading of any series
    // Whether rules read any; then the newest reading of the series that is oldest by it. Nothing
    // where one of them never came.
    bool by_series = false;
    std::optional<Time> oldest;
    Time watched_since;  // what never came is stale from then on
    std::int64_t polls = 0;
    std::int64_t readings = 0;
    Skipped skipped;
    std::string first_fault;  // in the last answer
    std::string error;
    std::string later;  // why it is not polled when it should be
    bool ready = false;
};

// Thread-safe.
class HealthBook {
public:
    explicit HealthBook(runtime::Metrics& metrics);

    // It is in use, and to be heard of from now on.
    void watched(const Wanted& wanted, Time now);
    // Out of use: nothing of it raises an alarm, and no series of it stays.
    void forget(const Wanted& wanted);
    // Another instance polls it now: how the last poll here went says nothing any more.
    void ended(const Wanted& wanted);
    // Its newest reading, whoever polled.
    void heard(const Wanted& wanted, Time newest);
    // Of the series that rules read, see Health.
    void judged(const Wanted& wanted, bool by_series, std::optional<Time> oldest);
    // Time went by without a poll: the metrics grow older with it. Who is not ready, by its clock
    // above all, calls nothing fresh.
    void waited(const Wanted& wanted, bool ready, Time now);
    // So many more readings were stored.
    void took(const Wanted& wanted, std::int64_t taken);
    // Of one answer: what was skipped, as it was in the one before. What was there then is counted
    // already.
    void skipped(const Wanted& wanted, const Skipped& now, const Skipped& before,
                 const std::string& first_fault);
    // It was due and is put off, for a reason that lasts until the next poll.
    void put_off(const Wanted& wanted, const std::string& why);
    // One poll ended. Empty error: it went well; `unchanged`: the server had nothing new to say.
    void polled(const Wanted& wanted, const std::string& error, bool unchanged, Time now);

    v1::SourceHealth report(const std::string& realm, const v1::Source& source, Time now) const;

private:
    using Key = std::pair<std::string, std::string>;
    static Key key(const Wanted& wanted);
    static bool stale(const Health& health, const v1::Source& source, Time now);
    // Null: it is out of use.
    Health* find(const Wanted& wanted);
    static std::optional<Time> judged_by(const Health& health);
    void publish(const Wanted& wanted, const Health& health, Time now);
    prometheus::Counter& readings(const std::string& outcome);
    prometheus::Counter& polls(const std::string& outcome);
    prometheus::Gauge& stale_gauge(const Wanted& wanted);
    prometheus::Gauge& age_gauge(const Wanted& wanted);

    runtime::Metrics& metrics_;
    mutable std::mutex mutex_;
    std::map<Key, Health> known_;
};

}  // namespace tocsin::trigger
