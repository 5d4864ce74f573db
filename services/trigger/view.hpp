// What trigger shows: sources, rules and where they stand, crossings. It also tells the poller what
// to poll.
#pragma once

#include "runtime/shared_bytes.hpp"
#include "runtime/view.hpp"
#include "trigger/decider.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tocsin::trigger {

// One realm, a value whose copy costs O(1). It is folded by the decider's own evolve: what is shown
// is what is decided upon.
class Realm {
public:
    void apply(const runtime::Counted& counted);

    const State& state() const { return state_; }
    // `use(number, const Packed<Crossing>&)`, newest first, from the first before number `before`
    // (0: the newest), until it returns false. The oldest fall off.
    template <class Use>
    void crossings(std::int64_t before, Use&& use) const {
        crossings_.descend(before == 0 ? nullptr : &before, use);
    }
    // Sources, rules and crossings.
    std::size_t size() const {
        return state_.sources.size() + state_.rules.size() + crossings_.size();
    }
    // Another one whenever what is read from a source matters anew: the source or a rule on it was
    // put.
    std::int64_t revision(const std::string& source_id) const;

private:
    void apply(const v1::Event& event, Time decided_at);

    State state_;
    runtime::SharedMap<std::int64_t, runtime::Packed<v1::Crossing>> crossings_;  // from number 1
    std::int64_t last_crossing_ = 0;
    runtime::SharedMap<std::string, std::int64_t> revisions_;  // of sources in use
    std::int64_t last_revision_ = 0;
};

v1::RuleStatus status_of(const RuleState& rule);

// A source that should be polled.
struct Wanted {
    std::string realm;
    v1::Source source;
    std::int64_t revision = 0;
};

class TriggerView final : public runtime::SnapshotViews<Realm> {
public:
    using SnapshotViews::SnapshotViews;

    // Called by who feeds it after what changes what wanted() returns: a decision, or the end of a
    // history; must not block. Set before history is folded.
    void on_change(std::function<void()> changed) { changed_ = std::move(changed); }
    void apply(const runtime::Counted& counted) override;
    void folded(int partition) override;

    std::vector<Wanted> wanted() const;

private:
    std::function<void()> changed_;
};

}  // namespace tocsin::trigger
