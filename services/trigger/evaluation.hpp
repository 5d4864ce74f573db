// What a rule makes of its series: from a window of readings, and from what the ledger says that it
// crossed at before. By the readings' own times throughout: what comes late, twice, out of order or
// corrected counts in its place, and whoever reads the same record decides the same.
//
// A *wave* begins with the reading at or above the threshold whose `for` comes true, without a gap,
// and ends with the first one below `threshold - hysteresis`, or the first after a long silence
// (silence_most()). A rule crosses at most once in a wave: at its first reading that is at or above
// the threshold, young enough and outside of any cooldown.
//
// A record shows a window. What the ledger says of a wave (it crossed, the cooldown kept it back,
// it was too old) and of its end is what is left of it once the window has moved on.
#pragma once

#include "runtime/base/time.hpp"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"
#include "trigger/source.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tocsin::trigger {

// Where the rule or the request says nothing.
inline constexpr double max_age_seconds_usual = 3 * 3600;
// Of hourly readings one may come a little late.
inline constexpr double max_gap_seconds_usual = 5400;
// A reading from further ahead is a clock gone wrong; taken, it would be the newest for as long.
inline constexpr std::chrono::minutes ahead_most{5};
// Of one record: two days of readings by the minute.
inline constexpr std::size_t window_readings_max = 3'000;

// Where a wave ended.
struct End {
    Time at;                  // of the first reading that is not in it
    bool by_silence = false;  // that reading may begin another
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
    std::vector<Ground> grounds;  // the reading, and where `for` began if that is another
    std::optional<End> ended;     // nothing: its wave lasts, as far as is known
    // All waves between `at` and then are one event: the rule was edited meanwhile, and by what it
    // says now the readings may form several.
    std::optional<Time> covers_until;
    // As it was decided, a serialised RuleCrossed, for another attempt at drafting; empty once the
    // reading is too old for that.
    std::string crossed;
};

// A wave in which the rule did not cross, though it might have.
struct Held {
    content::v1::Evidence reading;  // the one that it was told of
    std::optional<End> ended;
};

// A change of the rule.
struct Edit {
    Time at;
    v1::Rule before;
};

struct RuleState {
    v1::Rule rule;  // the last that was put; off once removed
    std::int64_t version = 0;
    // What it reads since its first reading; another unit or sensor is another series.
    bool bound = false;
    std::string unit, sensor;
    // In order of time, the last ones, of other series and thresholds too: which of them count is
    // told by their evidence. What is not after `forgotten` is settled for good.
    std::vector<Fired> fired;
    std::optional<Time> forgotten;
    // The latest wave within the cooldown, and the latest that was too old.
    std::optional<Held> suppressed, passed;
    std::optional<Time> cooldown_until;   // of `suppressed`
    std::vector<Edit> edits;              // the last ones that left it the same series
    std::optional<Time> edits_forgotten;  // the last before those
    std::int64_t crossings = 0;
    std::int64_t removal = 0;  // its number in Removed; 0: it is on
};

struct Wave {
    std::size_t begin = 0;           // the first reading at or above
    std::size_t met = 0;             // where `for` came true
    std::optional<std::size_t> end;  // the first that is not in it; nothing while it lasts
    bool goes_on = false;            // it began before the window
    bool crossed = false;            // before the window
};

struct Waves {
    std::vector<Wave> all;               // in order of time
    std::optional<std::size_t> pending;  // since which reading `for` is running
};

// The readings as they count: in order of time, one for each, none from ahead of `latest`, none
// that is no number.
std::vector<Reading> window_of(const v1::Readings& record, Time latest);
// Both as window_of() gives them: `later` corrects `earlier`, of which what is before `from` is
// left out, but for the last such reading, which tells of a silence. At most `window_readings_max`,
// the latest.
std::vector<Reading> merged(std::span<const Reading> earlier, std::span<const Reading> later,
                            Time from);
// `readings` as window_of() gives them.
Waves waves_in(const RuleState& rule, std::span<const Reading> readings);
// Why the rule cannot be held against this series, in words; empty where it can.
std::string mismatch(const RuleState& rule, const std::string& unit, const std::string& sensor);
// What follows from the record, whose readings are `readings`; each event as the state is after
// those before it.
std::vector<v1::Event> weigh(const RuleState& rule, const v1::Readings& record,
                             std::span<const Reading> readings, Time now);
// Applies what it is of.
void move(RuleState& rule, const v1::Event& event);
// Whether it is the series that the rule reads already, in the same unit.
bool same_series(const RuleState& rule, const v1::Rule& put);
// Puts another rule in its place, at `now`: what is known of the series stays, as far as it is the
// same one.
void edit(RuleState& rule, const v1::Rule& put, Time now);
// Switches it off.
void remove(RuleState& rule, Time now);

// An older reading starts nothing.
runtime::Duration max_age(const v1::Rule& rule);
// How much of the time before a rule needs in a record.
runtime::Duration window_needed(const v1::Rule& rule);
// A longer silence ends a wave: high after that is news. A gauge may well be out for hours in a
// flood, or report once a day.
runtime::Duration silence_most(const v1::Rule& rule);

enum class Standing { off, without_data, normal, pending, crossed, cooling_down, passed_over };
struct Stands {
    Standing standing = Standing::off;
    std::optional<Time> since;
    std::string reason;
};
// What people are told: by what the ledger says, and by the series as this instance met it last.
// `stale_after`: an older newest reading is none.
struct Seen {
    std::string unit, sensor;
    std::span<const Reading> readings;       // as window_of() gives them; empty: none was met
    std::optional<Time> missing_since = {};  // when the answers began to have no reading of it
};
Stands stands(const RuleState& rule, const std::optional<Seen>& seen, runtime::Duration stale_after,
              Time now);

}  // namespace tocsin::trigger
