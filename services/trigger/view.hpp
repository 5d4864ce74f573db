// What trigger shows: sources, rules and where they stand, crossings. It also says what the
// poller polls.
#pragma once

#include "runtime/base/shared_bytes.hpp"
#include "runtime/ledger/view.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_service.pb.h"
#include "trigger/crossing_view.hpp"
#include "trigger/decider.hpp"
#include "trigger/rule_status.hpp"
#include "trigger/wanted.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::trigger {

// One realm, a value whose copy costs O(1). It is folded by the decider's own evolve: what is shown
// is what is decided upon.
class Realm {
public:
    void apply(const runtime::Counted& counted);

    const State& state() const { return state_; }
    // As CrossingView::each.
    template <class Use>
    void crossings(std::int64_t before, Use&& use) const {
        crossings_.each(before, use);
    }
    // The three below as CrossingView has them.
    v1::Crossing shown(v1::Crossing crossing) const {
        return crossings_.shown(std::move(crossing));
    }
    std::string refusal_of(const std::string& crossing_id) const {
        return crossings_.refusal_of(crossing_id);
    }
    std::int64_t refused(Time from) const { return crossings_.refused(from, state_.rules); }
    // Sources, rules and crossings.
    std::size_t size() const {
        return state_.sources.size() + state_.rules.size() + crossings_.size();
    }

    // Another one whenever what is read from a source matters anew: the source was put, or a rule
    // on it was put, removed or pointed elsewhere.
    std::int64_t revision(const std::string& source_id) const;
    // The version of the source with which its URL or format last changed, as every instance counts
    // it: what was read under a lower one says nothing of it.
    std::int64_t address(const std::string& source_id) const;
    // Of the source, see Wanted.
    std::map<std::string, runtime::Duration> watched(const std::string& source_id) const;

    // Null: drafting has none of that name.
    const runtime::Packed<drafting::v1::Template>* template_of(
        const std::string& template_id) const {
        return templates_.find(template_id);
    }
    // By id.
    std::vector<std::string> template_ids() const;
    // The agencies that take part; null: there is no such incident.
    const std::vector<std::string>* agencies(const std::string& incident_id) const {
        return incidents_.find(incident_id);
    }

private:
    void apply(const v1::Event& event, Time decided_at);
    void apply(const drafting::v1::Event& event);
    void revise(const std::string& source_id) { revisions_.set(source_id, ++last_revision_); }

    State state_;
    CrossingView crossings_;
    // What rules may name.
    runtime::SharedMap<std::string, runtime::Packed<drafting::v1::Template>> templates_;
    runtime::SharedMap<std::string, std::vector<std::string>> incidents_;
    runtime::SharedMap<std::string, std::int64_t> revisions_;  // of sources in use
    std::int64_t last_revision_ = 0;                           // the highest of them so far
};

class TriggerView final : public runtime::SnapshotViews<Realm> {
public:
    explicit TriggerView(int partitions)
        : SnapshotViews(partitions), folds_(static_cast<std::size_t>(partitions)) {}

    // Called by who feeds it after what changes what wanted() returns: a decision, or the end of a
    // history; must not block. Set before history is folded.
    void on_change(std::function<void()> changed) { changed_ = std::move(changed); }
    void apply(const runtime::Counted& counted) override;
    void reset(int partition) override;
    void folded(int partition) override;

    // Any thread.
    std::vector<Wanted> wanted() const;
    Wants wants() const;
    // `use(name, const Realm&)`.
    template <class Use>
    void each_realm(Use&& use) const {
        each(std::forward<Use>(use));
    }

private:
    std::function<void()> changed_;
    // By partition: even while its history is being folded, odd once it was.
    std::vector<std::atomic<std::uint64_t>> folds_;
};

}  // namespace tocsin::trigger
