#include "sim/line_readings.hpp"

#include "runtime/ledger/topics.hpp"
#include "sim/violation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tocsin::sim {

using content::v1::Evidence;
using runtime::from_proto;
using std::chrono::seconds;
using trigger::v1::Event;

// A stamp from further ahead is a clock gone wrong.
static constexpr std::chrono::minutes ahead_most{5};
// Clocks of those who decide are that close to the world's.
static constexpr seconds clocks_apart{5};

static Duration duration_of(double amount) { return Duration{std::llround(amount * 1e6)}; }

static Time read_at(const Evidence& evidence) { return from_proto(evidence.read_at()); }

static Terms terms_of(const trigger::v1::Rule& rule) {
    return {rule.threshold(),
            rule.hysteresis(),
            duration_of(rule.for_seconds()),
            duration_of(rule.max_gap_seconds()),
            duration_of(rule.max_age_seconds()),
            duration_of(rule.cooldown_seconds())};
}

// In seconds of the day, as the traces of failures are read.
static std::string said(Time at) {
    const auto day = std::chrono::floor<std::chrono::days>(at);
    return fmt::format("{:.3f}", std::chrono::duration<double>(at - day).count());
}

static void require(bool holds, std::string_view what, const std::string& rule, Time at) {
    if (!holds) throw Violation(fmt::format("{}: {} at {}", what, rule, said(at)));
}

static bool is_silent_between(const Terms& terms, std::span<const Point> points, Time from,
                              Time to) {
    Time last = from;
    for (const Point& point : between(points, from, to)) {
        if (terms.silent(last, point.at)) return true;
        last = point.at;
    }
    return terms.silent(last, to);
}

// --- what a ledger says ---

void RuleHistory::put(const trigger::v1::Rule& put, Time at) {
    bool same = false, same_series = false;
    if (!versions.empty()) {
        const trigger::v1::Rule& before = rule();
        const std::string meant = before.unit().empty() && unit ? *unit : before.unit();
        same_series = before.source_id() == put.source_id() && before.series() == put.series() &&
                      (put.unit().empty() || meant.empty() || put.unit() == meant);
        same = same_series && before.threshold() == put.threshold();
        if (!same_series || !active) unit.reset();
    }
    if (!same) {
        ++question;
        suppressed.reset();
        passed.reset();
    }
    versions.push_back({put, at, active || !removed_at ? at : *removed_at, same_series, same});
    active = true;
}

void RuleHistory::revise(const trigger::v1::EvidenceRevised& revised) {
    const auto found = std::ranges::find(crossed, revised.crossing_id(), &Crossed::id);
    if (found == crossed.end()) return;
    const auto& revision = revised.revision();
    for (Evidence& evidence : found->evidence)
        if (read_at(evidence) == read_at(revision.before()) && revision.has_after())
            evidence.set_value(revision.after().value());
    if (found->at == read_at(revision.before())) found->withdrawn = !revision.has_after();
}

void RuleHistory::follow(const Event& event, Time at) {
    if (event.has_rule_put()) put(event.rule_put().rule(), at);
    if (event.has_rule_removed()) {
        active = false;
        removed_at = at;
    }
    if (event.has_series_bound()) unit = event.series_bound().unit();
    // What comes late may be before what was told of.
    if (event.has_reading_passed())
        passed = std::max(passed.value_or(Time::min()), read_at(event.reading_passed().reading()));
    if (event.has_crossing_suppressed())
        suppressed = read_at(event.crossing_suppressed().reading());
    if (event.has_evidence_revised()) revise(event.evidence_revised());
    if (!event.has_rule_crossed()) return;
    const auto& crossing = event.rule_crossed().crossing();
    crossed.push_back({crossing.crossing_id(),
                       read_at(crossing.evidence(0)),
                       {crossing.evidence().begin(), crossing.evidence().end()},
                       false,
                       question,
                       rule().source_id(),
                       rule().series(),
                       versions.size() - 1});
}

static bool same_place(const RuleHistory& history, const RuleHistory::Crossed& crossed) {
    return crossed.source == history.rule().source_id() &&
           crossed.series == history.rule().series();
}

static bool same_question(const RuleHistory& history, const RuleHistory::Crossed& crossed) {
    return crossed.question == history.question &&
           (!history.unit || crossed.evidence.front().unit() == *history.unit);
}

static bool is_cooling(const RuleHistory& history, Duration cooldown, Time at) {
    return std::ranges::any_of(history.crossed, [&](const RuleHistory::Crossed& crossed) {
        return same_place(history, crossed) && at < crossed.at + cooldown &&
               crossed.at < at + cooldown;
    });
}

// --- looks ---

void ReadingPromises::stored(std::int64_t offset, Time stored_at,
                             const trigger::v1::Readings& readings) {
    std::map<Time, double> shown;
    for (const auto& reading : readings.readings()) {
        const Time at = from_proto(reading.read_at());
        if (std::isfinite(reading.value()) && at <= stored_at + ahead_most)
            shown[at] = reading.value();
    }
    Record record{stored_at, {readings.source_id(), readings.series()}, readings.unit(), {}, {}};
    for (const auto& [at, value] : shown) record.shown.push_back({at, value});
    Points& known = known_[{record.series, record.unit}];
    known = corrected(known, record.shown);
    record.known = known;
    records_.emplace(offset, std::move(record));
}

void ReadingPromises::looked(const RuleHistories& histories, std::int64_t offset, Time now,
                             const std::vector<Event>& events) {
    const auto found = records_.find(offset);
    if (found == records_.end()) return;
    const Record& record = found->second;
    looked_at_.insert(offset);
    try {
        std::map<std::string, std::vector<Event>> by_rule;
        for (const Event& event : events) by_rule[event.rule_id()].push_back(event);
        for (const auto& [id, history] : histories) {
            const auto& rule = history.rule();
            if (!history.active || record.series != Series{rule.source_id(), rule.series()})
                continue;
            look(record, id, history, now, by_rule[id]);
            by_rule.erase(id);
        }
        for (const auto& [id, others] : by_rule)
            require(others.empty(), "an event of a rule that reads something else", id, now);
    } catch (const Violation& violation) {
        broken_(violation.what());
    }
}

void ReadingPromises::look(const Record& record, const std::string& id, RuleHistory history,
                           Time now, const std::vector<Event>& events) {
    const Look look{record, now, id, terms_of(history.rule()), history.crossed.size()};
    const auto reads = [&] {
        const std::string& wanted = history.rule().unit();
        return (wanted.empty() || wanted == record.unit) &&
               (!history.unit || *history.unit == record.unit);
    };
    for (const Event& event : events) {
        if (!event.has_series_bound())
            require(reads(), "an event of readings in another unit", id, now);
        if (event.has_rule_crossed()) {
            check_crossing(look, history, event.rule_crossed());
            crossed_lately_.push_back(read_at(event.rule_crossed().crossing().evidence(0)));
        }
        if (event.has_evidence_revised()) check_revision(look, history, event.evidence_revised());
        if (event.has_crossing_suppressed()) {
            const Time at = read_at(event.crossing_suppressed().reading());
            require(is_cooling(history, look.terms.cooldown, at), "kept back by no cooldown", id,
                    at);
        }
        history.follow(event, now);
    }
    if (record.shown.empty() || !reads()) return;
    check_revised(look, history);
    check_waves(look, history);
}

// --- what it crosses at ---

void ReadingPromises::check_crossing(const Look& look, const RuleHistory& history,
                                     const trigger::v1::RuleCrossed& crossed) const {
    const auto& evidence = crossed.crossing().evidence(0);
    const Time at = read_at(evidence);
    const auto must = [&](bool holds, std::string_view what) { require(holds, what, look.id, at); };
    const Point* const point = find(look.record.shown, at);
    must(point != nullptr, "crossed at no reading");
    must(point->value == evidence.value(), "crossed at another value");
    must(look.terms.high(point->value) && evidence.threshold() == look.terms.threshold,
         "crossed below its threshold");
    must(at >= look.now - look.terms.age_most, "crossed at a reading that is too old");
    must(at <= look.record.stored_at + ahead_most, "crossed at a reading from ahead");
    must(evidence.unit() == look.record.unit && evidence.series() == look.record.series.second,
         "crossed at another series");
    must(from_proto(crossed.draft_until()) == at + look.terms.age_most, "drafted for too long");
    must(was_met(look, history, at), "crossed before `for` came true");
    check_once(look, history, at);
    check_edit(look, history, at);
}

// By all that was known; or the rule was told of the wave before, whatever its `for` was then.
bool ReadingPromises::was_met(const Look& look, const RuleHistory& history, Time at) {
    const Points& known = look.record.known;
    const auto waves = waves_of(look.terms, known);
    if (std::ranges::any_of(waves,
                            [&](const WaveSeen& wave) { return wave.met <= at && wave.holds(at); }))
        return true;
    const auto leads_on = [&](Time told) {
        return told <= at &&
               std::ranges::none_of(between(known, told, at),
                                    [&](const Point& one) { return look.terms.low(one.value); }) &&
               !is_silent_between(look.terms, known, told, at);
    };
    if (history.suppressed && leads_on(*history.suppressed)) return true;
    if (history.passed && leads_on(*history.passed)) return true;
    return std::ranges::any_of(history.crossed, [&](const RuleHistory::Crossed& crossed) {
        return same_place(history, crossed) && leads_on(crossed.at);
    });
}

void ReadingPromises::check_once(const Look& look, const RuleHistory& history, Time at) const {
    for (const RuleHistory::Crossed& before : history.crossed) {
        if (!same_question(history, before)) continue;
        require(before.at != at, "crossed twice at one reading", look.id, at);
        require(parted(look, history, before, at), "a wave was crossed twice", look.id, at);
        const Duration apart = std::chrono::abs(before.at - at);
        require(apart >= look.terms.cooldown, "crossed within its cooldown", look.id, at);
    }
}

// Whether a wave ended between the two, by the rule as it was when the later one began or at any
// time before: what an edit says counts for waves that begin after it. The reading that was crossed
// at may be corrected to be low: the rise after it is still the same.
bool ReadingPromises::parted(const Look& look, const RuleHistory& history,
                             const RuleHistory::Crossed& before, Time at) {
    const Points& known = look.record.known;
    const auto& versions = history.versions;
    Time begin = at;
    for (const WaveSeen& wave : waves_of(look.terms, known))
        if (wave.holds(at)) begin = wave.begin;
    const auto ends = [&](const Point& point) {
        for (std::size_t i = before.version; i < versions.size(); ++i)
            if ((at < before.at || i == before.version || versions[i].counts_from < begin) &&
                terms_of(versions[i].rule).low(point.value))
                return true;
        return false;
    };
    if (at < before.at)
        return std::ranges::any_of(between(known, at, before.at + Duration{1}), ends);
    return is_silent_between(look.terms, known, before.at, at) ||
           std::ranges::any_of(between(known, before.at, at), ends);
}

// Whether one of the edits from `first` on, but the last one, made of it a wave that was not over
// when the edit was made: nobody looked before the next one, and it is still owed.
bool ReadingPromises::was_owed(const RuleHistory& history, std::size_t first, const WaveSeen& wave,
                               std::span<const Point> points) {
    for (std::size_t i = first; i + 1 < history.versions.size(); ++i) {
        const Terms terms = terms_of(history.versions[i].rule);
        const Time put_at = history.versions[i].put_at;
        for (const WaveSeen& other : waves_of(terms, points))
            if (other.overlaps(wave) && (!other.end || *other.end > put_at) &&
                std::ranges::any_of(points, [&](const Point& point) {
                    return point.at >= other.met && other.holds(point.at) &&
                           terms.high(point.value) && point.at >= put_at - terms.age_most;
                }))
                return true;
    }
    return false;
}

// A wave that was over when the rule was edited is no news by that: only if it comes in late, so
// that the rule as it was then would cross at it now.
void ReadingPromises::check_edit(const Look& look, const RuleHistory& history, Time at) const {
    const auto& versions = history.versions;
    if (!versions.back().edit) return;
    const auto points = until(look.record.known, look.record.shown.back().at);
    const auto waves = waves_of(look.terms, points);
    const auto wave =
        std::ranges::find_if(waves, [&](const WaveSeen& one) { return one.holds(at); });
    if (wave == waves.end() || !wave->end || *wave->end > versions.back().put_at) return;
    std::size_t then = versions.size() - 1;
    while (versions[then].edit && versions[then].put_at >= *wave->end) --then;
    const Terms before = terms_of(versions[then].rule);
    RuleHistory met = history;  // before this record
    met.crossed.resize(look.crossed_before);
    // Those of another question, in another unit maybe, keep nothing back.
    std::size_t asked_from = then;
    while (asked_from > 0 && versions[asked_from].edit) --asked_from;
    std::erase_if(met.crossed, [&](const auto& each) { return each.version < asked_from; });
    if (was_owed(history, then + 1, *wave, points)) return;
    for (const WaveSeen& other : waves_of(before, points)) {
        if (!other.overlaps(*wave)) continue;
        for (const Point& point : look.record.shown)
            if (point.at >= other.met && other.holds(point.at) && before.high(point.value) &&
                point.at >= look.now - before.age_most &&
                !is_cooling(met, before.cooldown, point.at))
                return;
    }
    require(false, "an edit crossed at a wave that was over", look.id, at);
}

// --- corrections ---

void ReadingPromises::check_revision(const Look& look, const RuleHistory& history,
                                     const trigger::v1::EvidenceRevised& revised) const {
    const Evidence& before = revised.revision().before();
    const Time at = read_at(before);
    const auto must = [&](bool holds, std::string_view what) { require(holds, what, look.id, at); };
    const auto crossed =
        std::ranges::find(history.crossed, revised.crossing_id(), &RuleHistory::Crossed::id);
    must(crossed != history.crossed.end(), "a revision of no crossing");
    const auto told = std::ranges::find(crossed->evidence, at, read_at);
    must(told != crossed->evidence.end() && told->value() == before.value(),
         "a revision of another reading");
    const Points& shown = look.record.shown;
    const Point* const point = find(shown, at);
    if (revised.revision().has_after())
        must(point != nullptr && point->value == revised.revision().after().value(),
             "revised to another value");
    else
        must(point == nullptr && shown.front().at <= at && at <= shown.back().at,
             "withdrawn although it is there");
}

void ReadingPromises::check_revised(const Look& look, const RuleHistory& history) const {
    for (const RuleHistory::Crossed& crossed : history.crossed) {
        if (!same_question(history, crossed)) continue;
        const Point* const point = find(look.record.shown, crossed.at);
        require(point == nullptr || point->value == crossed.evidence.front().value(),
                "a correction that nobody is told of", look.id, crossed.at);
    }
}

// --- what it must cross at ---

void ReadingPromises::check_waves(const Look& look, const RuleHistory& history) const {
    const Points& shown = look.record.shown;
    const auto& last = history.versions.back();
    const auto whole = waves_of(look.terms, look.record.known);
    // An edit makes no news of it; a record of before need not show that it was over.
    const auto was_over = [&](const WaveSeen& wave) {
        const auto found = std::ranges::find(whole, wave.begin, &WaveSeen::begin);
        return found != whole.end() && found->end && *found->end <= last.put_at;
    };
    for (const WaveSeen& wave : waves_of(look.terms, until(look.record.known, shown.back().at))) {
        if (last.same_series && was_over(wave)) continue;
        const auto is_due = [&](const Point& point) {
            return point.at >= wave.met && wave.holds(point.at) && look.terms.high(point.value) &&
                   point.at >= look.now - look.terms.age_most &&
                   !is_cooling(history, look.terms.cooldown, point.at) &&
                   std::ranges::none_of(history.crossed,
                                        [&](const RuleHistory::Crossed& crossed) {
                                            return crossed.at == point.at &&
                                                   same_place(history, crossed);
                                        }) &&
                   may_know(look, history, wave, point.at);
        };
        const auto due = std::ranges::find_if(shown, is_due);
        if (due == shown.end()) continue;
        require(is_settled(look, history, wave), "a wave was not crossed", look.id, due->at);
    }
}

// Whether a message was drafted of what may be the same wave.
bool ReadingPromises::is_settled(const Look& look, const RuleHistory& history,
                                 const WaveSeen& wave) const {
    const auto& versions = history.versions;
    const Points& known = look.record.known;
    // A cooldown or its age held the wave back earlier: the rule knows it from that reading on.
    Time begin = wave.begin;
    for (const auto& told : {history.suppressed, history.passed})
        if (told && *told < begin &&
            std::ranges::none_of(
                between(known, *told, begin),
                [&](const Point& point) { return look.terms.low(point.value); }))
            begin = *told;
    return std::ranges::any_of(history.crossed, [&](const RuleHistory::Crossed& crossed) {
        if (!same_place(history, crossed)) return false;
        if (wave.holds(crossed.at)) return true;
        if (crossed.at > wave.begin) return false;
        // It was one wave by what the rule said before, as far as was known then.
        if (crossed.version + 1 < versions.size() && versions.back().put_at >= begin) return true;
        if (is_silent_between(look.terms, known, crossed.at, wave.begin)) return false;
        return std::ranges::none_of(
            between(known, crossed.at, wave.begin), [&](const Point& point) {
                return std::all_of(
                    versions.begin() + static_cast<std::ptrdiff_t>(crossed.version), versions.end(),
                    [&](const auto& version) { return terms_of(version.rule).low(point.value); });
            });
    });
}

// A record shows a part of the time. Of a wave that began before it the rule knows if it was told
// of it, or if the wave was there, and young, in a record that it met as it is now.
bool ReadingPromises::may_know(const Look& look, const RuleHistory& history, const WaveSeen& wave,
                               Time at) const {
    const auto seen_in = [&](const Points& shown, Time until) {
        return std::ranges::any_of(waves_of(look.terms, shown), [&](const WaveSeen& seen) {
            return seen.met <= until && seen.holds(until);
        });
    };
    if (seen_in(look.record.shown, at)) return true;
    if (history.suppressed && *history.suppressed <= at && wave.holds(*history.suppressed))
        return true;
    if (history.passed && *history.passed <= at && wave.holds(*history.passed)) return true;
    for (const auto& [offset, before] : records_) {
        if (&before == &look.record) break;
        if (before.stored_at <= history.versions.back().put_at + clocks_apart ||
            before.series != look.record.series || before.unit != look.record.unit)
            continue;
        for (const Point& point : before.shown)
            if (point.at <= at && wave.holds(point.at) && look.terms.high(point.value) &&
                point.at >= look.now - look.terms.age_most && seen_in(before.shown, point.at))
                return true;
    }
    return false;
}

// --- the rules, watched ---

namespace {

class WatchedRules final : public runtime::Rules {
public:
    WatchedRules(std::unique_ptr<runtime::Rules> rules, ReadingPromises& promises)
        : rules_(std::move(rules)), promises_(promises) {}

    runtime::Decided decide(const runtime::Asking& asking, std::string_view body,
                            Time now) const override {
        return rules_->decide(asking, body, now);
    }
    bool concerns(const runtime::Foreign& foreign) const override {
        return rules_->concerns(foreign);
    }
    std::optional<ledger::v1::Accepted> react(const runtime::Foreign& foreign,
                                              Time now) const override {
        auto happened = rules_->react(foreign, now);
        if (!runtime::is_stream(foreign.topic, "trigger", "readings")) return happened;
        std::vector<Event> events;
        if (happened)
            for (const std::string& bytes : happened->events())
                events.emplace_back().ParseFromString(bytes);
        promises_.looked(histories_, foreign.offset, now, events);
        return happened;
    }
    bool evolve(const std::string& realm, const std::string& bytes, Time decided_at) override {
        Event event;
        if (event.ParseFromString(bytes) && !event.rule_id().empty())
            histories_[event.rule_id()].follow(event, decided_at);
        return rules_->evolve(realm, bytes, decided_at);
    }
    std::optional<runtime::DueCommand> next_due(const std::string& realm) const override {
        return rules_->next_due(realm);
    }
    std::unique_ptr<Rules> fresh() const override {
        return std::make_unique<WatchedRules>(rules_->fresh(), promises_);
    }

private:
    std::unique_ptr<runtime::Rules> rules_;
    ReadingPromises& promises_;
    RuleHistories histories_;  // of the one realm
};

}  // namespace

std::unique_ptr<runtime::Rules> ReadingPromises::watched(std::unique_ptr<runtime::Rules> rules) {
    return std::make_unique<WatchedRules>(std::move(rules), *this);
}

}  // namespace tocsin::sim
