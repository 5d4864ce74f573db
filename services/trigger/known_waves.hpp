// The waves of a window, and what the ledger says of each: whether the rule crossed in it, or would
// cross now. Pure.
#pragma once

#include "trigger/waves.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace tocsin::trigger {

// The waves stay as they were when it was made; what is known of them is what the rule says that it
// looks at, which may be another one after each event. Rule and readings outlive it.
class KnownWaves {
public:
    // `readings` as window_of() gives them, not empty.
    KnownWaves(const RuleState& rule, std::span<const Reading> readings, Time now)
        : rule_(&rule),
          readings_(readings),
          now_(now),
          seen_(rule.seen),
          waves_(waves_in(rule, readings)) {}

    void look_at(const RuleState& rule) { rule_ = &rule; }
    // Finds out which waves the rule as it was before the edits that came after them would cross at
    // now: they came in late, and no edit settles them.
    void look_back();

    const Waves& waves() const { return waves_; }
    // Whether the ledger knows a wave that lasts at the end of the window.
    bool last_goes_on() const;
    Time at(std::size_t reading) const { return readings_[reading].read_at; }
    Time begin_of(const Wave& wave) const { return at(wave.begin); }
    // The first reading past it, or how many there are.
    std::size_t past(const Wave& wave) const { return wave.end.value_or(readings_.size()); }

    bool holds(const Wave& wave, const std::optional<Held>& held) const;
    bool holds(const Wave& wave, const Fired& fired) const;
    bool crossed_at(const Wave& wave) const;
    // The last crossing in it; null: there is none.
    const Fired* crossing_of(const Wave& wave) const;
    // Whether it was over when the rule was edited: then it is no news by the edit.
    bool settled_by_edit(const Wave& wave) const;

    // Until when another crossing keeps the reading at `time` from being one.
    std::optional<Time> cooling_until(Time time) const;
    // Where the wave is crossed at; notes the first reading that the cooldown keeps back.
    std::optional<std::size_t> first_of(const Wave& wave,
                                        std::optional<std::size_t>* suppressed = nullptr) const;

    // The reading at which a wave that the ledger knows ends, or none while it lasts; by a silence
    // before the window it is the first of all. Nothing: as the ledger has it.
    using NewEnd = std::optional<std::optional<std::size_t>>;
    NewEnd new_end(const Fired& fired) const;
    NewEnd new_end(const std::optional<Held>& held) const;

private:
    // Whether the reading at `time` lies in the wave.
    bool holds(const Wave& wave, Time time) const;
    bool parted(const Fired& fired, const Wave& wave) const;
    bool has_its_own(const Wave& wave) const;
    bool rises_again_after(const Fired& fired, const Wave& wave) const;
    // Whether it had ended, by the readings' times, when the rule was edited last.
    bool was_over(const Wave& wave) const;
    bool overlap(const Wave& one, const Wave& other) const;
    bool came_in_late(const Wave& wave) const;
    bool is_used(Time time) const;
    template <class IsIn>
    NewEnd new_end(Time known_at, const std::optional<End>& ended, const IsIn& is_in) const;
    std::optional<std::size_t> first_low_after(Time time) const;

    const RuleState* rule_;
    std::span<const Reading> readings_;
    Time now_;
    std::optional<Time> seen_;  // before this window
    Waves waves_;
    std::vector<Wave> late_;
};

}  // namespace tocsin::trigger
