// What this instance meets in the stream of readings, from any instance: how it knows, without
// leading, whether somebody polls a source. A record is met once it has lain undecided for a moment
// (a leader: at once); one that led to a decision may be passed over, which then looks like
// silence.
#pragma once

#include "runtime/ledger/decider.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"
#include "trigger/sources.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tocsin::trigger {

// Thread-safe.
class Heard {
public:
    using Tick = std::chrono::steady_clock::time_point;
    using Key = std::pair<std::string, std::string>;  // realm, source id
    // Realm, source id and name; no name: the list of the source's series.
    using SeriesKey = std::tuple<std::string, std::string, std::string>;

    // A series as the stream has it.
    struct Series {
        std::string unit, sensor;
        // In order of time, one for each; empty: it is listed, and no record of it was met.
        std::vector<Reading> readings;
        Tick met_at{};  // when its newest reading was last met
        // When the source's answers began to have no reading of it; nothing while they have.
        std::optional<Time> missing_since;
    };
    // Units by name of all series of which the source's last answer had a reading.
    using Listing = std::map<std::string, std::string>;
    struct Source {
        Tick others_at{};            // when a record of another instance was last met
        std::optional<Time> newest;  // reading of any series
        Time news_at;                // when the broker stored the record that brought it
        // Polls of this instance in a row that brought something and were met here, with nothing by
        // another between them. Two: before the second, nobody else came to bring what the
        // first one brought.
        int alone = 0;
    };

    explicit Heard(std::function<Tick()> tick) : tick_(std::move(tick)) {}

    // A record of the stream.
    void met(const runtime::Foreign& foreign);
    // One of before this process began: it says how the series stood, and of nobody that polls.
    // `only`: it is passed over unless it is of one of these.
    void recall(const runtime::Foreign& foreign, const std::set<SeriesKey>* only = nullptr);
    // A record of this instance is on its way, of its poll number `poll`; or it was not stored.
    void expect(const std::string& realm, const std::string& body, std::int64_t poll);
    void expect_not(const std::string& realm, const std::string& body);

    // What was met of the source; at first nothing.
    Source of(const std::string& realm, const std::string& source_id) const;
    // Nothing: no record of the series was met, and none lists it.
    std::optional<Series> series(const std::string& realm, const std::string& source_id,
                                 const std::string& name) const;
    // The same with its newest reading alone.
    std::optional<Series> newest(const std::string& realm, const std::string& source_id,
                                 const std::string& name) const;
    // The names of the series that were met or listed of the source.
    std::vector<std::string> names(const std::string& realm, const std::string& source_id) const;
    // Null: none was met.
    std::shared_ptr<const Listing> listing(const std::string& realm,
                                           const std::string& source_id) const;
    // What was met so far no longer shows that no other instance polls.
    void doubt(const std::string& realm, const std::string& source_id);
    // These sources are in use, each at its address (see Wanted); lets go of the others, and of
    // what was read from another address. To be called again whenever that changes: a record may be
    // met before its source is known to be in use, after a start above all, and so also when it no
    // longer is. Such a straggler is kept until the next call, and is as true as any other if its
    // source comes back in use by then. `whole`: whether all is known of a realm; of another, which
    // is folded again, all is kept.
    void keep_only(const std::map<Key, std::int64_t>& in_use,
                   const std::function<bool(const std::string& realm)>& whole);

private:
    struct Known {
        Source source;
        std::int64_t last_poll = 0;
        std::int64_t address = 0;  // of which all below is
        std::map<std::string, Series> series;
        std::shared_ptr<const Listing> listing;
    };
    static void move(Known& known, std::int64_t address);
    static void list(Known& known, const v1::Readings& record, Time stored);
    // With at most so many of its readings, the newest.
    std::optional<Series> find(const Key& source, const std::string& name, std::size_t most) const;
    void learn(Known& known, const v1::Readings& record, Time stored, Tick tick);
    static std::size_t digest(const std::string& realm, const std::string& body);
    std::optional<std::int64_t> expected(const std::string& realm, const std::string& body);

    std::function<Tick()> tick_;
    mutable std::mutex mutex_;
    std::map<Key, Known> known_;
    std::unordered_multimap<std::size_t, std::int64_t> expected_;  // poll by digest
};

}  // namespace tocsin::trigger
