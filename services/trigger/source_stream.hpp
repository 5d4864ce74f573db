// What the polls of one source bring, on its way into the stream of readings.
//
// A series that a rule reads is sent again whenever something in it is new, corrected or withdrawn,
// with as much of the time before as the rule needs, and back to the oldest that changed; and at
// the first poll after a restart, a take-over or a new rule: what was weighed before leaves no
// record (see decider.hpp), and a new rule sees the present level. What counts as known is
// what is known to be stored, by any instance, and what the last answer showed. Of the other series
// the stream has their names and units, whenever those change, and one reading where a poll brought
// nothing else.
#pragma once

#include "trigger/health.hpp"
#include "trigger/poll_links.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tocsin::trigger {

// Of one loop, and on the loop thread; what it is given outlives it.
class SourceStream {
public:
    SourceStream(const PollerLinks& links, HealthBook& health, const Polled& polled)
        : links_(links), health_(health), polled_(polled), began_(links.tick()) {}

    // Sends what is new in an answer; whether all of that could be stored. Once the loop is over
    // the rest is left out.
    runtime::Task<bool> send(const Parsed& parsed);
    // What is in the stream is not known here any more.
    void forget();
    // Reading of a series that a rule reads, as it was stored here; nothing: none was.
    std::optional<Time> newest(const std::string& series) const;

private:
    using Tick = std::chrono::steady_clock::time_point;
    // A series that a rule reads, as the stream has it, as far as this loop knows.
    struct Known {
        std::string unit, sensor;
        std::vector<Reading> readings;  // in order of time
        // Times at which it had a value, which the provider withdrew: a late record of one is
        // ignored.
        std::set<Time> withdrawn;
        // It has all that the last answer showed, so that what is older than all of it is new as
        // well; otherwise the stream may have had that before, which this instance does not know.
        bool shown = false;
    };

    runtime::Task<bool> send_all(const Parsed& parsed);
    runtime::Task<bool> send_news(const Series& series);
    runtime::Task<bool> send_sign(const Parsed& parsed);
    runtime::Task<bool> send_list(const Parsed& parsed);
    runtime::Task<bool> append(v1::Readings record);
    Known as_stored(const Series& series);

    const PollerLinks& links_;
    HealthBook& health_;
    const Polled& polled_;
    const Tick began_;
    std::map<std::string, Known> stored_;    // series that rules read
    std::set<std::string> sent_;             // of those, of which all was sent since it began
    std::map<std::string, Reading> newest_;  // of the other series, in the last answer
    std::optional<Heard::Listing> listed_;   // as it was sent last, or heard
    Tick listed_at_{};                       // when
    bool brought_ = false;                   // the last answer, a record of a series
};

}  // namespace tocsin::trigger
