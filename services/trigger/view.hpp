// What trigger shows: sources, rules and where they stand, crossings. It also tells the poller what
// to poll.
#pragma once

#include "runtime/view.hpp"
#include "trigger/decider.hpp"

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tocsin::trigger {

// One realm. It is folded by the decider's own evolve: what is shown is what is decided upon.
class Realm {
public:
    void apply(const runtime::Counted& counted);

    const State& state() const { return state_; }
    // Newest first; the oldest fall off.
    const std::deque<v1::Crossing>& crossings() const { return crossings_; }
    // Grows whenever what is read from a source matters anew: the source or a rule on it was put.
    std::int64_t revision(const std::string& source_id) const;

private:
    void apply(const v1::Event& event, Time decided_at);

    State state_;
    std::deque<v1::Crossing> crossings_;
    std::map<std::string, std::int64_t> revisions_;
};

v1::RuleStatus status_of(const RuleState& rule);

// A source that should be polled.
struct Wanted {
    std::string realm;
    v1::Source source;
    std::int64_t revision = 0;
};

class TriggerView final : public runtime::RealmViews<Realm> {
public:
    using RealmViews::RealmViews;

    // Called on the ledger thread after a decision that changes what wanted() returns; must not
    // block. Set before history is folded.
    void on_change(std::function<void()> changed) { changed_ = std::move(changed); }
    void apply(const runtime::Counted& counted) override;

    std::vector<Wanted> wanted() const;

private:
    std::function<void()> changed_;
};

}  // namespace tocsin::trigger
