// What trigger shows: sources, rules and where they stand, crossings. It also tells the poller what
// to poll.
#pragma once

#include "runtime/base/shared_bytes.hpp"
#include "runtime/ledger/view.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_service.pb.h"
#include "trigger/decider.hpp"
#include "trigger/heard.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
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
    // Another one whenever what is read from a source matters anew: the source was put, or a rule
    // on it was put, removed or pointed elsewhere.
    std::int64_t revision(const std::string& source_id) const;
    // The version of the source with which its URL or format last changed, as every instance counts
    // it: what was read under a lower one says nothing of it.
    std::int64_t address(const std::string& source_id) const;
    // Of the source, see Wanted.
    std::map<std::string, runtime::Duration> watched(const std::string& source_id) const;

    // With what drafting made of it, and how its evidence was corrected.
    v1::Crossing shown(v1::Crossing crossing) const;
    // Why drafting made no message of it; empty: it made one, or has not answered yet.
    std::string refusal_of(const std::string& crossing_id) const {
        const Answer* answer = answers_.find(crossing_id);
        return answer ? answer->refused : "";
    }
    // Crossings since `from` of which drafting made no message, of rules that still read the same:
    // who removes the rule, or has it read another series, has seen to it.
    std::int64_t refused(Time from) const;
    // Null: drafting has none of that name.
    const runtime::Packed<drafting::v1::Template>* template_of(
        const std::string& template_id) const {
        return templates_.find(template_id);
    }
    // The agencies that take part; null: there is no such incident.
    const std::vector<std::string>* agencies(const std::string& incident_id) const {
        return incidents_.find(incident_id);
    }
    // By id.
    std::vector<std::string> template_ids() const {
        std::vector<std::string> all;
        templates_.ascend(nullptr, [&](const std::string& id, const auto&) {
            all.push_back(id);
            return true;
        });
        return all;
    }

private:
    struct Answer {
        std::string message_id, refused;
    };
    void apply(const v1::Event& event, Time decided_at);
    // The rule as it is, if it is on, reads another series from now on, or none.
    void leave_series_of(const std::string& rule_id);
    void note_seen_to(const v1::Event& event);
    void apply_drafting(const drafting::v1::Event& event);

    State state_;
    runtime::SharedMap<std::string, runtime::Packed<drafting::v1::Template>> templates_;
    runtime::SharedMap<std::string, std::vector<std::string>> incidents_;
    runtime::SharedMap<std::string, Answer> answers_;
    runtime::SharedMap<std::string, std::vector<runtime::Packed<content::v1::EvidenceRevision>>>
        revised_;
    runtime::SharedMap<std::int64_t, runtime::Packed<v1::Crossing>> crossings_;  // from number 1
    std::int64_t last_crossing_ = 0;
    // By rule that was removed, or reads another series than before: the last crossing until then.
    runtime::SharedMap<std::string, std::int64_t> seen_to_;
    runtime::SharedMap<std::string, std::int64_t> revisions_;  // of sources in use
    std::int64_t last_revision_ = 0;
};

// `series`: as this instance met it last; nothing: it never did.
Stands stands_now(const RuleState& rule, const std::optional<Heard::Series>& series,
                  const SourceState* source, Time now);
v1::RuleStatus status_of(const RuleState& rule, const std::optional<Heard::Series>& series,
                         const SourceState* source, Time now);
content::v1::Evidence newest_of(const std::string& source_id, const std::string& name,
                                const Heard::Series& series);

// A source that should be polled.
struct Wanted {
    std::string realm;
    v1::Source source;
    std::int64_t revision = 0;
    std::int64_t address = 0;  // see Realm
    // By series that rules read: how much of the time before they need in a record.
    std::map<std::string, runtime::Duration> watched;
};

// What should be polled, and of which realms that is all: while a history is folded, nothing of its
// realms is wanted.
struct Wants {
    std::vector<Wanted> sources;
    std::function<bool(const std::string& realm)> whole;
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
