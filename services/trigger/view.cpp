#include "trigger/view.hpp"

#include "runtime/view_events.hpp"

#include <algorithm>

namespace tocsin::trigger {
namespace {

constexpr std::int64_t crossings_max = 10'000;

std::vector<v1::Event> events_of(const runtime::Counted& counted) {
    if (counted.service != "trigger") return {};
    return runtime::events_of<v1::Event>(counted);
}

const char* name_of(Standing standing) {
    switch (standing) {
        case Standing::normal:
            return "normal";
        case Standing::pending:
            return "pending";
        case Standing::crossed:
            return "crossed";
    }
    return "";
}

}  // namespace

void Realm::apply(const runtime::Counted& counted) {
    for (const v1::Event& event : events_of(counted)) apply(event, counted.decided_at);
}

void Realm::apply(const v1::Event& event, Time decided_at) {
    Decider::evolve(state_, event, decided_at);
    if (event.has_source_put())
        revisions_.set(event.source_put().source().source_id(), ++last_revision_);
    if (event.has_rule_put()) revisions_.set(event.rule_put().rule().source_id(), ++last_revision_);
    if (event.has_source_removed()) revisions_.erase(event.source_removed().source_id());
    if (!event.has_rule_crossed()) return;
    crossings_.set(++last_crossing_, runtime::Packed(event.rule_crossed().crossing()));
    crossings_.erase(last_crossing_ - crossings_max);
}

std::int64_t Realm::revision(const std::string& source_id) const {
    const std::int64_t* found = revisions_.find(source_id);
    return found ? *found : 0;
}

v1::RuleStatus status_of(const RuleState& rule) {
    v1::RuleStatus status;
    *status.mutable_rule() = rule.rule;
    status.set_state(name_of(rule.standing));
    if (rule.since) *status.mutable_since() = runtime::to_proto(*rule.since);
    status.set_crossings(rule.crossings);
    return status;
}

void TriggerView::apply(const runtime::Counted& counted) {
    SnapshotViews::apply(counted);
    if (!changed_) return;
    const auto events = events_of(counted);
    const bool changes = std::ranges::any_of(events, [](const v1::Event& event) {
        return event.has_source_put() || event.has_source_removed() || event.has_rule_put();
    });
    if (changes) changed_();
}

// Of what history holds nothing was wanted until it could be read.
void TriggerView::folded(int partition) {
    SnapshotViews::folded(partition);
    if (changed_) changed_();
}

std::vector<Wanted> TriggerView::wanted() const {
    std::vector<Wanted> all;
    each([&](const std::string& name, const Realm& realm) {
        realm.state().sources.ascend(nullptr, [&](const std::string& id, const auto& known) {
            if (known.source.active()) all.push_back({name, known.source, realm.revision(id)});
            return true;
        });
    });
    return all;
}

}  // namespace tocsin::trigger
