// How each source does, as this instance knows it from its own polls and from the stream: written
// by the poller, read by calls, exported as metrics. A source is as old as the oldest of the series
// that rules read, each by its newest reading's own time; where no rule reads any, as its newest
// reading. It is stale at once where its last answer has no reading of one of them. Every instance
// judges by itself, whichever polls: where none does, it is stale in all of them.
#pragma once

#include "runtime/host/metrics.hpp"
#include "tocsin/trigger/v1/trigger_service.pb.h"
#include "trigger/sources.hpp"
#include "trigger/wanted.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tocsin::trigger {

// What was skipped of a source, so that each is counted once, in however many answers it comes.
class SkipsMet {
public:
    // Of one answer; those that were not met before.
    std::vector<SkippedOne> news(const std::vector<SkippedOne>& skips);

private:
    // Of those that no answer brings any more, so many are remembered.
    static constexpr std::size_t remembered_max = 5'000;

    std::unordered_set<std::size_t> latest_, earlier_;
};

struct Health {
    std::int64_t address = 0;          // of which the readings below are
    std::optional<Time> last_read_at;  // time of the newest reading of any series
    // Whether rules read any; then the newest reading of the series that is oldest by it. Nothing
    // where one of them never came.
    bool by_series = false;
    std::optional<Time> oldest;
    bool missing = false;  // the last answer has no reading of one of them
    Time watched_since;    // what never came is stale from then on
    std::int64_t polls = 0;
    std::int64_t readings = 0;
    Skipped skipped;
    SkipsMet skips_met;
    std::string first_fault;  // in the last answer
    std::string error;
    std::string later;  // why it is not polled when it should be
    bool ready = false;
};

// Thread-safe.
class HealthBook {
public:
    explicit HealthBook(runtime::Metrics& metrics);

    // It is in use, and to be heard of from now on; at another address, anew.
    void watched(const Wanted& wanted, Time now);
    // Out of use: nothing of it raises an alarm, and no series of it stays.
    void forget(const Wanted& wanted);
    // Another instance polls it now: the outcome of the last poll here is no longer current.
    void ended(const Wanted& wanted);
    // Its newest reading, whichever instance polled.
    void heard(const Wanted& wanted, Time newest);
    // Of the series that rules read, see Health.
    void judged(const Wanted& wanted, bool by_series, std::optional<Time> oldest, bool missing);
    // Time went by without a poll: the metrics grow older with it. An instance that is not ready,
    // above all by its clock, judges nothing as up to date.
    void waited(const Wanted& wanted, bool ready, Time now);
    // So many more readings were stored.
    void took(const Wanted& wanted, std::int64_t taken);
    // Of one answer.
    void skipped(const Wanted& wanted, const Parsed& answer);
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
