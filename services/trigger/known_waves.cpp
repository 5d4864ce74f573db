#include "trigger/known_waves.hpp"

#include "runtime/base/planted.hpp"

#include <algorithm>
#include <iterator>

namespace tocsin::trigger {

using runtime::Bug;
using runtime::planted;

// ---- which crossing lies in which wave

bool KnownWaves::holds(const Wave& wave, Time time) const {
    return time >= begin_of(wave) && (!wave.end || time < at(*wave.end));
}

bool KnownWaves::holds(const Wave& wave, const std::optional<Held>& held) const {
    if (!held) return false;
    return holds(wave, read_at(held->reading)) ||
           (wave.goes_on && goes_on_into(*rule_, begin_of(wave), held));
}

bool KnownWaves::holds(const Wave& wave, const Fired& fired) const {
    if (!counts(*rule_, fired)) return false;
    if (wave.goes_on && fired.at < begin_of(wave))
        return goes_on_into(*rule_, begin_of(wave), fired);
    if (holds(wave, fired.at) || rises_again_after(fired, wave)) return true;
    return fired.covers_until && begin_of(wave) <= *fired.covers_until &&
           fired.at < begin_of(wave) && !parted(fired, wave) && !came_in_late(wave) &&
           !has_its_own(wave);
}

// Whether a reading between them was low whatever the rule said since: an edit that came before the
// reading did cannot make one event of the two.
bool KnownWaves::parted(const Fired& fired, const Wave& wave) const {
    if (rule_->edits_forgotten && fired.at <= *rule_->edits_forgotten) return false;
    return std::ranges::any_of(readings_.first(wave.begin), [&](const Reading& reading) {
        return reading.read_at > fired.at && is_low(rule_->rule, reading) &&
               std::ranges::all_of(rule_->edits, [&](const Edit& edit) {
                   return edit.at < fired.at || is_low(edit.before, reading);
               });
    });
}

bool KnownWaves::has_its_own(const Wave& wave) const {
    return std::ranges::any_of(rule_->fired, [&](const Fired& fired) {
        return is_crossing_of(*rule_, fired) && holds(wave, fired.at);
    });
}

// Its reading was corrected or withdrawn, and nothing else was low since: it is the same rise.
bool KnownWaves::rises_again_after(const Fired& fired, const Wave& wave) const {
    if (!is_crossing_of(*rule_, fired)) return false;
    if (fired.at >= begin_of(wave) || fired.at < at(0)) return false;
    for (std::size_t i = 0; i < wave.begin; ++i)
        if (at(i) > fired.at && is_low(rule_->rule, readings_[i])) return false;
    return !is_silence(rule_->rule, fired.at, begin_of(wave));
}

bool KnownWaves::crossed_at(const Wave& wave) const {
    if (planted(Bug::wave_crossed_twice)) return false;
    return wave.crossed || std::ranges::any_of(rule_->fired, [&](const Fired& fired) {
               return holds(wave, fired);
           });
}

const Fired* KnownWaves::crossing_of(const Wave& wave) const {
    const auto found = std::ranges::find_if(rule_->fired.rbegin(), rule_->fired.rend(),
                                            [&](const Fired& fired) { return holds(wave, fired); });
    return found == rule_->fired.rend() ? nullptr : &*found;
}

bool KnownWaves::last_goes_on() const {
    if (waves_.all.empty() || waves_.all.back().end) return false;
    const Wave& last = waves_.all.back();
    return crossed_at(last) || holds(last, rule_->suppressed) || holds(last, rule_->passed);
}

// ---- what an edit of the rule settles

static std::optional<Time> last_edit(const RuleState& rule) {
    return rule.edits.empty() ? rule.edits_forgotten : std::optional{rule.edits.back().at};
}

bool KnownWaves::was_over(const Wave& wave) const {
    const auto last = last_edit(*rule_);
    return last && wave.end && at(*wave.end) <= *last;
}

bool KnownWaves::settled_by_edit(const Wave& wave) const {
    return was_over(wave) && !came_in_late(wave);
}

bool KnownWaves::overlap(const Wave& one, const Wave& other) const {
    return one.begin < past(other) && other.begin < past(one);
}

bool KnownWaves::came_in_late(const Wave& wave) const {
    return std::ranges::any_of(late_, [&](const Wave& late) { return overlap(late, wave); });
}

void KnownWaves::look_back() {
    if (rule_->edits.empty() || at(0) > rule_->edits.back().at) return;
    const Time edited = rule_->edits.back().at;
    RuleState before = *rule_;
    before.rule = rule_->edits.back().before;
    if (!before.rule.active()) return;
    before.edits.pop_back();
    // One of those that were forgotten, maybe: what it made one event stays one.
    const auto edited_before = last_edit(before);
    for (Fired& fired : before.fired) {
        if (fired.covers_until != edited) continue;
        fired.covers_until.reset();
        if (edited_before && fired.at <= *edited_before) fired.covers_until = edited_before;
    }
    KnownWaves earlier(before, readings_, now_);
    earlier.look_back();
    for (const Wave& wave : earlier.waves_.all) {
        // What begins after the edit is a wave by what the rule says since, or none.
        if (earlier.begin_of(wave) > edited || earlier.crossed_at(wave) ||
            earlier.settled_by_edit(wave) || earlier.holds(wave, before.passed) ||
            earlier.holds(wave, before.suppressed) || !earlier.first_of(wave))
            continue;
        // That edit makes no news either: it may have joined what came in late to what did not.
        if (earlier.was_over(wave))
            std::ranges::copy_if(earlier.late_, std::back_inserter(late_),
                                 [&](const Wave& late) { return earlier.overlap(late, wave); });
        else
            late_.push_back(wave);
    }
}

// ---- where it is crossed at

std::optional<Time> KnownWaves::cooling_until(Time time) const {
    const auto cooldown = from_seconds(rule_->rule.cooldown_seconds());
    std::optional<Time> until;
    for (const Fired& fired : rule_->fired)
        // One that came before, or one that was known before it came late.
        if (is_crossing_of(*rule_, fired) && time < fired.at + cooldown &&
            fired.at < time + cooldown)
            until = std::max(until.value_or(Time::min()), fired.at + cooldown);
    return until;
}

// Whether a message was made of this reading already, whatever the rule was by then.
bool KnownWaves::is_used(Time time) const {
    return std::ranges::any_of(rule_->fired, [&](const Fired& fired) {
        return fired.at == time && same_place(rule_->rule, fired);
    });
}

std::optional<std::size_t> KnownWaves::first_of(const Wave& wave,
                                                std::optional<std::size_t>* suppressed) const {
    const bool any_age = planted(Bug::age_ignored);
    const Time oldest = any_age ? Time::min() : now_ - max_age(rule_->rule);
    for (std::size_t i = wave.met; i < past(wave); ++i) {
        if (!is_high(rule_->rule, readings_[i]) || at(i) < oldest || is_used(at(i))) continue;
        if (rule_->forgotten && at(i) <= *rule_->forgotten) continue;
        if (!cooling_until(at(i))) return i;
        if (suppressed && !*suppressed) *suppressed = i;
    }
    return std::nullopt;
}

// ---- where it ends

KnownWaves::NewEnd KnownWaves::new_end(const Fired& fired) const {
    if (!counts(*rule_, fired)) return std::nullopt;
    return new_end(fired.at, fired.ended, [&](const Wave& wave) { return holds(wave, fired); });
}

KnownWaves::NewEnd KnownWaves::new_end(const std::optional<Held>& held) const {
    if (!held) return std::nullopt;
    return new_end(read_at(held->reading), held->ended,
                   [&](const Wave& wave) { return holds(wave, held); });
}

template <class IsIn>
KnownWaves::NewEnd KnownWaves::new_end(Time known_at, const std::optional<End>& ended,
                                       const IsIn& is_in) const {
    // A record of before that says nothing of it.
    if (std::max(known_at, ended ? ended->at : known_at) > readings_.back().read_at)
        return std::nullopt;
    std::optional<std::size_t> end;
    const auto last = std::ranges::find_if(waves_.all.rbegin(), waves_.all.rend(), is_in);
    if (last != waves_.all.rend()) {
        end = last->end;
    } else if (known_at < at(0)) {
        // It ended before the window, unless that was silent until now.
        if (ended && ended->at <= at(0)) return std::nullopt;
        if (!is_silent_before(rule_->rule, at(0), known_at, seen_)) return std::nullopt;
        end = 0;
    } else {
        end = first_low_after(known_at);
    }
    if (!end && !ended) return std::nullopt;
    if (end && ended && at(*end) == ended->at) return std::nullopt;
    return std::make_optional(end);
}

// The wave that the ledger knows is no more: its reading was corrected.
std::optional<std::size_t> KnownWaves::first_low_after(Time time) const {
    for (std::size_t i = 0; i < readings_.size(); ++i)
        if (at(i) > time && is_low(rule_->rule, readings_[i])) return i;
    return std::nullopt;
}

}  // namespace tocsin::trigger
