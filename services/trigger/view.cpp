#include "trigger/view.hpp"

#include "runtime/ledger/view_events.hpp"

#include <algorithm>

namespace tocsin::trigger {
namespace {

constexpr std::int64_t crossings_max = 10'000;
constexpr std::size_t revisions_max = 20;  // of a crossing's evidence

std::vector<v1::Event> events_of(const runtime::Counted& counted) {
    if (counted.service != "trigger") return {};
    return runtime::events_of<v1::Event>(counted);
}

const char* name_of(Standing standing) {
    switch (standing) {
        case Standing::off:
            return "off";
        case Standing::without_data:
            return "without_data";
        case Standing::normal:
            return "normal";
        case Standing::pending:
            return "pending";
        case Standing::crossed:
            return "crossed";
        case Standing::cooling_down:
            return "cooling_down";
        case Standing::passed_over:
            return "passed_over";
    }
    return "";
}

}  // namespace

void Realm::apply(const runtime::Counted& counted) {
    if (counted.service == "drafting") {
        runtime::each_event<drafting::v1::Event>(counted,
                                                 [&](const auto& event) { apply_drafting(event); });
        return;
    }
    for (const v1::Event& event : events_of(counted)) apply(event, counted.decided_at);
}

// Drafting's answers to crossings, and what rules may name. Nothing orders its ledger against
// trigger's: an answer may be read before the crossing.
void Realm::apply_drafting(const drafting::v1::Event& event) {
    if (event.has_incident_opened()) {
        const auto& incident = event.incident_opened().incident();
        incidents_.set(incident.incident_id(),
                       {incident.agencies().begin(), incident.agencies().end()});
    }
    if (event.has_template_stored()) {
        const auto& stored = event.template_stored().template_();
        templates_.set(stored.template_id(), runtime::Packed(stored));
    }
    if (event.has_message_created() && !event.message_created().crossing_id().empty())
        answers_.set(event.message_created().crossing_id(),
                     {event.message_created().message_id(), {}});
    if (event.has_crossing_refused()) {
        const auto& refused = event.crossing_refused();
        const Answer* known = answers_.find(refused.crossing_id());
        if (!known || known->message_id.empty())
            answers_.set(refused.crossing_id(), {{}, refused.reason()});
    }
}

v1::Crossing Realm::shown(v1::Crossing crossing) const {
    if (const Answer* answer = answers_.find(crossing.crossing_id())) {
        crossing.set_message_id(answer->message_id);
        crossing.set_refused(answer->refused);
    }
    if (const auto* revisions = revised_.find(crossing.crossing_id()))
        for (const auto& revision : *revisions) *crossing.add_evidence_revisions() = revision.get();
    return crossing;
}

std::int64_t Realm::refused(Time from) const {
    std::int64_t number = 0;
    crossings_.descend(nullptr, [&](std::int64_t place, const auto& packed) {
        const v1::Crossing crossing = packed.get();
        if (runtime::from_proto(crossing.cross_time()) < from) return false;
        const Answer* answer = answers_.find(crossing.crossing_id());
        const std::int64_t* until = seen_to_.find(crossing.rule_id());
        const bool over = !state_.rules.contains(crossing.rule_id()) || (until && place <= *until);
        number += answer && !answer->refused.empty() && !over ? 1 : 0;
        return true;
    });
    return number;
}

void Realm::leave_series_of(const std::string& rule_id) {
    const RuleState* rule = state_.rules.find(rule_id);
    if (rule && rule->rule.active() && revisions_.contains(rule->rule.source_id()))
        revisions_.set(rule->rule.source_id(), ++last_revision_);
}

// Before the event: a rule that crossed and from then on reads another series, or none.
void Realm::note_seen_to(const v1::Event& event) {
    const std::string& rule_id = event.has_rule_removed() ? event.rule_removed().rule_id()
                                                          : event.rule_put().rule().rule_id();
    const RuleState* known = state_.rules.find(rule_id);
    if (!known || last_crossing_ == 0) return;
    if (event.has_rule_put() && same_series(*known, event.rule_put().rule())) return;
    seen_to_.set(rule_id, last_crossing_);
    if (seen_to_.size() <= state_.rules.size()) return;
    // Of rules that were forgotten since they were removed.
    std::vector<std::string> gone;
    seen_to_.ascend(nullptr, [&](const std::string& id, std::int64_t) {
        if (!state_.rules.contains(id)) gone.push_back(id);
        return true;
    });
    for (const std::string& id : gone) seen_to_.erase(id);
}

void Realm::apply(const v1::Event& event, Time decided_at) {
    if (event.has_rule_put()) leave_series_of(event.rule_put().rule().rule_id());
    if (event.has_rule_removed()) leave_series_of(event.rule_removed().rule_id());
    if (event.has_rule_removed() || event.has_rule_put()) note_seen_to(event);
    Decider::evolve(state_, event, decided_at);
    if (event.has_source_put())
        revisions_.set(event.source_put().source().source_id(), ++last_revision_);
    if (event.has_rule_put()) revisions_.set(event.rule_put().rule().source_id(), ++last_revision_);
    if (event.has_source_removed()) revisions_.erase(event.source_removed().source_id());
    if (event.has_evidence_revised()) {
        auto& revisions = revised_.edit(event.evidence_revised().crossing_id());
        if (revisions.size() >= revisions_max) revisions.erase(revisions.begin());
        revisions.emplace_back(event.evidence_revised().revision());
    }
    if (!event.has_rule_crossed()) return;
    crossings_.set(++last_crossing_, runtime::Packed(event.rule_crossed().crossing()));
    const std::int64_t oldest = last_crossing_ - crossings_max;
    if (const auto* gone = crossings_.find(oldest)) {
        answers_.erase(gone->get().crossing_id());
        revised_.erase(gone->get().crossing_id());
        crossings_.erase(oldest);
    }
}

std::int64_t Realm::revision(const std::string& source_id) const {
    const std::int64_t* found = revisions_.find(source_id);
    return found ? *found : 0;
}

std::int64_t Realm::address(const std::string& source_id) const {
    const SourceState* found = state_.sources.find(source_id);
    return found ? found->address : 0;
}

std::map<std::string, runtime::Duration> Realm::watched(const std::string& source_id) const {
    std::map<std::string, runtime::Duration> all;
    // No series has an empty name: this is before the source's first.
    const std::pair<std::string, std::string> before{source_id, ""};
    state_.watching.ascend(&before, [&](const auto& series, const auto& rules) {
        if (series.first != source_id) return false;
        runtime::Duration& needed = all[series.second];
        for (const std::string& rule : rules)
            needed = std::max(needed, window_needed(state_.rules.find(rule)->rule));
        return true;
    });
    return all;
}

content::v1::Evidence newest_of(const std::string& source_id, const std::string& name,
                                const Heard::Series& series) {
    content::v1::Evidence newest;
    newest.set_source_id(source_id);
    newest.set_series(name);
    newest.set_unit(series.unit);
    if (series.readings.empty()) return newest;
    newest.set_value(series.readings.back().value);
    *newest.mutable_read_at() = runtime::to_proto(series.readings.back().read_at);
    return newest;
}

Stands stands_now(const RuleState& rule, const std::optional<Heard::Series>& series,
                  const SourceState* source, Time now) {
    std::optional<Seen> seen;
    if (series) seen = Seen{series->unit, series->sensor, series->readings, series->missing_since};
    const double stale_seconds = source ? source->source.stale_seconds() : 0;
    return stands(rule, seen, runtime::Duration{static_cast<std::int64_t>(stale_seconds * 1e6)},
                  now);
}

v1::RuleStatus status_of(const RuleState& rule, const std::optional<Heard::Series>& series,
                         const SourceState* source, Time now) {
    const Stands stands = stands_now(rule, series, source, now);
    v1::RuleStatus status;
    *status.mutable_rule() = rule.rule;
    status.set_state(name_of(stands.standing));
    status.set_reason(stands.reason);
    if (stands.since) *status.mutable_since() = runtime::to_proto(*stands.since);
    status.set_crossings(rule.crossings);
    if (series && !series->readings.empty())
        *status.mutable_last_reading() =
            newest_of(rule.rule.source_id(), rule.rule.series(), *series);
    if (rule.passed) *status.mutable_passed_over() = rule.passed->reading;
    status.set_bound_unit(rule.unit);
    status.set_bound_sensor(rule.sensor);
    return status;
}

void TriggerView::apply(const runtime::Counted& counted) {
    SnapshotViews::apply(counted);
    if (!changed_) return;
    const auto events = events_of(counted);
    const bool changes = std::ranges::any_of(events, [](const v1::Event& event) {
        return event.has_source_put() || event.has_source_removed() || event.has_rule_put() ||
               event.has_rule_removed();
    });
    if (changes) changed_();
}

void TriggerView::reset(int partition) {
    if (auto& fold = folds_[static_cast<std::size_t>(partition)]; fold % 2 == 1) ++fold;
    SnapshotViews::reset(partition);
}

// Of what history holds nothing was wanted until it could be read.
void TriggerView::folded(int partition) {
    SnapshotViews::folded(partition);
    if (auto& fold = folds_[static_cast<std::size_t>(partition)]; fold % 2 == 0) ++fold;
    if (changed_) changed_();
}

std::vector<Wanted> TriggerView::wanted() const {
    std::vector<Wanted> all;
    each([&](const std::string& name, const Realm& realm) {
        realm.state().sources.ascend(nullptr, [&](const std::string& id, const auto& known) {
            if (known.source.active())
                all.push_back(
                    {name, known.source, realm.revision(id), realm.address(id), realm.watched(id)});
            return true;
        });
    });
    return all;
}

Wants TriggerView::wants() const {
    const auto folds = [this] { return std::vector<std::uint64_t>(folds_.begin(), folds_.end()); };
    const auto before = folds();
    Wants all{wanted(), {}};
    all.whole = [before, after = folds()](const std::string& realm) {
        const int partitions = static_cast<int>(after.size());
        const auto partition = static_cast<std::size_t>(runtime::partition_of(realm, partitions));
        return after[partition] % 2 == 1 && before[partition] == after[partition];
    };
    return all;
}

}  // namespace tocsin::trigger
