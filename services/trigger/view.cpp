#include "trigger/view.hpp"

#include <algorithm>

namespace tocsin::trigger {

// ---- a realm

void Realm::apply(const runtime::Counted& counted) {
    if (counted.service == "drafting")
        counted.each<drafting::v1::Event>([&](const auto& event) { apply(event); });
    if (counted.service == "trigger")
        counted.each<v1::Event>([&](const auto& event) { apply(event, counted.decided_at); });
}

void Realm::apply(const drafting::v1::Event& event) {
    crossings_.apply(event);
    if (event.has_incident_opened()) {
        const auto& incident = event.incident_opened().incident();
        incidents_.set(incident.incident_id(),
                       {incident.agencies().begin(), incident.agencies().end()});
    }
    if (event.has_template_stored()) {
        const auto& stored = event.template_stored().template_();
        templates_.set(stored.template_id(), runtime::Packed(stored));
    }
}

void Realm::apply(const v1::Event& event, Time decided_at) {
    if (event.has_rule_removed() || event.has_rule_put()) {
        // The source that the rule reads until now.
        const RuleState* rule = state_.rules.find(event.rule_id());
        if (rule && rule->rule.active() && revisions_.contains(rule->rule.source_id()))
            revise(rule->rule.source_id());
    }
    crossings_.apply(event, state_.rules);
    Decider::evolve(state_, event, decided_at);
    if (event.has_source_put()) revise(event.source_put().source().source_id());
    if (event.has_rule_put()) revise(event.rule_put().rule().source_id());
    if (event.has_source_removed()) revisions_.erase(event.source_removed().source_id());
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
    each_series_read(state_.watching, source_id, [&](const std::string& name, const auto& rules) {
        runtime::Duration& needed = all[name];
        for (const std::string& rule : rules)
            needed = std::max(needed, window_needed(state_.rules.find(rule)->rule));
        return true;
    });
    return all;
}

std::vector<std::string> Realm::template_ids() const {
    std::vector<std::string> all;
    templates_.ascend(nullptr, [&](const std::string& id, const auto&) {
        all.push_back(id);
        return true;
    });
    return all;
}

// ---- all realms

void TriggerView::apply(const runtime::Counted& counted) {
    SnapshotViews::apply(counted);
    if (!changed_ || counted.service != "trigger") return;
    bool changes = false;
    counted.each<v1::Event>([&](const v1::Event& event) {
        changes = changes || event.has_source_put() || event.has_source_removed() ||
                  event.has_rule_put() || event.has_rule_removed();
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
