// Read models. A view is fed every decision that counts, once and in the order of its ledger; calls
// read immutable snapshots of it. It sees counted decisions only.
//
// The ledger thread feeds it. While history is read several threads do, and the ledger thread waits
// for them: each partition is one thread's, so that what a view keeps of several partitions needs a
// lock, and nothing else does.
#pragma once

#include "runtime/base/shared_bytes.hpp"
#include "runtime/host/metrics.hpp"
#include "runtime/ledger/decider.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::runtime {

// One decision that counted, of the own ledger or of one that the service follows.
struct Counted {
    std::string_view service;
    int partition = 0;
    std::int64_t offset = 0;
    Time decided_at;
    const ledger::v1::Decision& decision;
    // False while history is read at start: what happened then is not news.
    bool live = false;

    // Calls `use(Event&&)` for each event. What this version cannot parse it passes over: the
    // ledger has stopped before that already.
    template <class Event, class Use>
    void each(Use&& use) const {
        for (const std::string& bytes : decision.accepted().events()) {
            Event event;
            if (event.ParseFromString(bytes)) use(std::move(event));
        }
    }

    template <class Event>
    std::vector<Event> events() const {
        std::vector<Event> all;
        each<Event>([&](Event&& event) { all.push_back(std::move(event)); });
        return all;
    }
};

class View {
public:
    virtual ~View() = default;
    // Must not block.
    virtual void apply(const Counted& counted) = 0;
    // The ledger turned out to have lost its tail: forget everything of this partition; it is
    // applied again from the first decision of every ledger.
    virtual void reset(int partition) = 0;
    // On the ledger thread: history of this partition was read to its end, at start and again after
    // every reset. What was applied so far is to be seen from now on.
    virtual void folded(int /*partition*/) {}
    // On the ledger thread: this partition halted. Nothing more of it is applied for now, and
    // streams of it must not stay open in silence.
    virtual void halted(int /*partition*/) {}
};

// Which partition a realm lives in. Our own hash (FNV-1a, 64 bit), so that no client library's
// choice matters.
int partition_of(std::string_view realm, int partitions);

// The metrics of SnapshotViews; null: none.
struct ViewGauges {
    prometheus::Gauge* items = nullptr;
    prometheus::Gauge* shared_bytes = nullptr;  // of the process
};
ViewGauges view_gauges(Metrics& metrics, const std::string& service);

// A view kept per realm, read as snapshots. `Realm` has `void apply(const Counted&)`, called for
// every decision of that realm that was accepted or rejected, and is a value whose copy costs O(1)
// and shares everything with it: SharedMap, SharedBytes, pointers to what never changes.
//
// The ledger thread owns one Realm each and changes it. What readers get is a copy made after every
// decision of the present and once at the end of history, not after each decision of it. A reader
// holds its snapshot as long as it likes: the ledger thread waits for no reader, and no reader for
// the ledger thread, but for the few instructions in which a pointer is copied.
template <class Realm>
class SnapshotViews : public View {
public:
    using Snapshot = std::shared_ptr<const Realm>;

    explicit SnapshotViews(int partitions)
        : partitions_(partitions), realms_(static_cast<std::size_t>(partitions)) {}

    // Shows how much there is to read, from the next publication on. Before history is folded;
    // `Realm` has `size()`.
    void show_size(ViewGauges gauges) { gauges_ = gauges; }

    void apply(const Counted& counted) override {
        if (fold(counted) && counted.live) publish(counted.decision.realm());
    }
    void folded(int partition) override {
        for (const auto& [name, realm] : realms_[static_cast<std::size_t>(partition)])
            publish(name);
    }
    void reset(int partition) override {
        realms_[static_cast<std::size_t>(partition)].clear();
        Snapshots ended;  // Freed after the lock is given back.
        const std::lock_guard lock(mutex_);
        for (auto& entry : snapshots_)
            if (partition_of(entry.first, partitions_) == partition)
                ended[entry.first] = std::move(entry.second);
        for (const auto& entry : ended) {
            snapshots_.erase(entry.first);
            count(*entry.second, Realm{});
        }
    }

    // Any thread. Never null: an unknown realm reads as an empty one. All of one snapshot is of one
    // moment; two snapshots may be of two.
    Snapshot snapshot(const std::string& realm) const {
        static const Snapshot nothing = std::make_shared<const Realm>();
        const std::lock_guard lock(mutex_);
        const auto found = snapshots_.find(realm);
        return found == snapshots_.end() ? nothing : found->second;
    }
    // `reader(const Realm&)` on a snapshot, which ends when this returns.
    template <class Reader>
    auto read(const std::string& realm, Reader&& reader) const {
        const Snapshot held = snapshot(realm);
        return std::forward<Reader>(reader)(*held);
    }
    // `reader(name, const Realm&)` for each realm, each on a snapshot of its own.
    template <class Reader>
    void each(Reader&& reader) const {
        Snapshots all;
        {
            const std::lock_guard lock(mutex_);
            all = snapshots_;
        }
        for (const auto& [name, held] : all) reader(name, *held);
    }

    // For who feeds it: the realm as far as it was applied, also while history is read. What
    // another view that is fed after this one must use instead of a snapshot.
    const Realm& current(const std::string& realm) const {
        static const Realm nothing{};
        const auto& here = realms_[static_cast<std::size_t>(partition_of(realm, partitions_))];
        const auto found = here.find(realm);
        return found == here.end() ? nothing : found->second;
    }

protected:
    // For a view that does more than `apply` does.
    // Null: the decision is of no realm, or refuses what lay in another one's partition.
    const Realm* fold(const Counted& counted) {
        const std::string& name = counted.decision.realm();
        if (name.empty() || partition_of(name, partitions_) != counted.partition) return nullptr;
        Realm& realm = realms_[static_cast<std::size_t>(counted.partition)][name];
        realm.apply(counted);
        return &realm;
    }
    void publish(const std::string& realm) {
        const auto fresh = std::make_shared<const Realm>(current(realm));
        Snapshot before = fresh;
        {
            const std::lock_guard lock(mutex_);
            std::swap(snapshots_[realm], before);
            count(before ? *before : Realm{}, *fresh);
        }
        // Where no reader holds the one before, it is freed here, without the lock.
    }

private:
    using Snapshots = std::map<std::string, Snapshot>;

    // With the lock held.
    void count(const Realm& before, const Realm& after) {
        if constexpr (requires { after.size(); }) {
            if (!gauges_.items) return;
            items_ += static_cast<double>(after.size()) - static_cast<double>(before.size());
            gauges_.items->Set(items_);
            gauges_.shared_bytes->Set(static_cast<double>(shared_totals().bytes));
        }
    }

    const int partitions_;
    ViewGauges gauges_;
    double items_ = 0;
    std::vector<std::map<std::string, Realm>> realms_;  // by partition; for who feeds it
    // Held for the copy or the exchange of pointers, never while anything is read.
    mutable std::mutex mutex_;
    Snapshots snapshots_;
};

}  // namespace tocsin::runtime
