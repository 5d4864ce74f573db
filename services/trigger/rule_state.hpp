// A rule as its ledger knows it: what it says, and what it crossed at. Pure.
#pragma once

#include "trigger/event.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::trigger {

// Where neither the rule nor the request sets one.
inline constexpr double max_age_seconds_usual = 3 * 3600;
// Of hourly readings one may come a little late.
inline constexpr double max_gap_seconds_usual = 5400;

// Waves that were too old, in an event and of a rule: an outage that is filled in may bring many.
inline constexpr std::size_t too_old_max = 10;

// Where a wave ended (see waves.hpp).
struct End {
    Time at;                  // of the first reading that is not in it
    bool by_silence = false;  // that reading may begin another
    double value = 0;         // of that reading
};

// A reading that a crossing is based on.
struct Ground {
    content::v1::Evidence evidence;  // as the provider has it by now
    bool withdrawn = false;          // it has it no more
};

// What a rule crossed at.
struct Fired {
    Time at;  // of the reading
    std::string crossing_id;
    std::vector<Ground>
        grounds;               // the reading, and where `for` began if that is another; never empty
    std::optional<End> ended;  // nothing: its wave lasts, as far as is known
    // All waves between `at` and then are one event: the rule was edited meanwhile, and by what it
    // says now the readings may form several.
    std::optional<Time> covers_until;
    // As it was decided, a serialised RuleCrossed, for another attempt at drafting; empty once the
    // reading is too old for that.
    std::string crossed;
};

// A wave in which the rule did not cross, though it might have.
struct Held {
    content::v1::Evidence reading;  // the one in its event
    std::optional<End> ended;
};

// A change of the rule.
struct Edit {
    Time at;
    v1::Rule before;
};

struct RuleState {
    v1::Rule rule;  // the last that was put; not active once removed
    std::int64_t version = 0;
    // What it reads since its first reading; another unit or sensor is another series. While it is
    // not bound both are empty.
    bool bound = false;
    std::string unit, sensor;
    // In order of time, the last ones, of other series and thresholds too: which of them count is
    // shown by their evidence. What is not after `forgotten` is settled for good.
    std::vector<Fired> fired;
    std::optional<Time> forgotten;
    // The latest wave within the cooldown, and the latest that was too old.
    std::optional<Held> suppressed, passed;
    // The waves that were too old, each by the reading in its event, in order of time: the last
    // `too_old_max`, and how many there were.
    std::vector<content::v1::Evidence> too_old;
    std::int64_t too_old_count = 0;
    std::optional<Time> cooldown_until;  // of `suppressed`, and there whenever that is
    // The latest reading of a wave, to the hour (see hour_of()): who met no reading before a
    // silence counts it as who met them all. It stays when the rule reads another series: at worst
    // a silence is not seen, and no event is drafted twice.
    std::optional<Time> seen;
    std::vector<Edit> edits;              // the last ones that kept the series, in order of time
    std::optional<Time> edits_forgotten;  // the last before those
    std::int64_t crossings = 0;
    std::int64_t removal = 0;  // see Remembered
};

runtime::Duration from_seconds(double seconds);
// An older reading starts nothing.
runtime::Duration max_age(const v1::Rule& rule);
// Readings further apart have a gap between them.
runtime::Duration max_gap(const v1::Rule& rule);
// How much of the time before a rule needs in a record.
runtime::Duration window_needed(const v1::Rule& rule);
// A longer silence ends a wave: high after that is news. A gauge may well be out for hours in a
// flood, or report once a day.
runtime::Duration silence_most(const v1::Rule& rule);
// What the ledger knows of when a wave was last seen: it notes one reading for each hour of the
// clock.
Time hour_of(Time reading);
// Whether the silence between two readings ends a wave: by their hours, so that what the ledger
// knows of the first is enough.
bool is_silence(const v1::Rule& rule, Time from, Time to);

Time read_at(const content::v1::Evidence& evidence);
// A unit as it stands in evidence: the source's words become part of what is published.
std::string plain_unit(const std::string& words);

// Whether `put` reads the series that the rule reads already, in the same unit.
bool same_series(const RuleState& state, const v1::Rule& put);
// Why the rule cannot be held against this series, in words; empty where it can.
std::string mismatch(const RuleState& state, const std::string& unit, const std::string& sensor);
// Whether the rule's readings have the unit of this evidence, as far as it is known.
bool same_unit(const RuleState& state, const content::v1::Evidence& evidence);
// Whether it is of the source and series that the rule reads.
bool same_place(const v1::Rule& rule, const Fired& fired);
// Whether it is a crossing by what the rule says now as well.
bool is_crossing_of(const RuleState& state, const Fired& fired);
// Whether a wave that it lies in was crossed at.
bool counts(const RuleState& state, const Fired& fired);

// Puts another rule in its place, at `now`: what is known of the series stays, as far as it is the
// same one.
void edit(RuleState& state, const v1::Rule& put, Time now);
// Switches it off.
void remove(RuleState& state, Time now);

}  // namespace tocsin::trigger
