// Read models. A view is fed every decision that counts, once and in the order of its ledger, by
// the ledger thread; calls read it under a shared lock. It sees counted decisions only.
#pragma once

#include "runtime/decider.hpp"

#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

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
};

class View {
public:
    virtual ~View() = default;
    // On the ledger thread; must not block.
    virtual void apply(const Counted& counted) = 0;
    // The ledger turned out to have lost its tail: forget everything of this partition; it is
    // applied again from the first decision of every ledger.
    virtual void reset(int partition) = 0;
};

// Which partition a realm lives in. Our own hash (FNV-1a, 64 bit), so that no client library's
// choice matters.
int partition_of(std::string_view realm, int partitions);

// A view kept per realm. `Realm` has `void apply(const Counted&)`, called for every decision of
// that realm that was accepted or rejected.
template <class Realm>
class RealmViews : public View {
public:
    explicit RealmViews(int partitions) : partitions_(partitions) {}

    void apply(const Counted& counted) override {
        apply_then(counted, [](const Realm&) {});
    }

    void reset(int partition) override {
        const std::unique_lock lock(mutex_);
        std::erase_if(realms_, [&](const auto& entry) {
            return partition_of(entry.first, partitions_) == partition;
        });
    }

    // Runs `reader(const Realm&)` under the shared lock; an unknown realm reads as an empty one.
    template <class Reader>
    decltype(auto) read(const std::string& realm, Reader&& reader) const {
        static const Realm nothing{};
        const std::shared_lock lock(mutex_);
        const auto found = realms_.find(realm);
        return std::forward<Reader>(reader)(found == realms_.end() ? nothing : found->second);
    }

    // Runs `reader(name, const Realm&)` for each realm under the shared lock.
    template <class Reader>
    void each(Reader&& reader) const {
        const std::shared_lock lock(mutex_);
        for (const auto& [name, realm] : realms_) reader(name, realm);
    }

protected:
    // Applies it and runs `then(const Realm&)` under the same lock.
    template <class Then>
    void apply_then(const Counted& counted, Then&& then) {
        if (counted.decision.realm().empty()) return;
        const std::unique_lock lock(mutex_);
        Realm& realm = realms_[counted.decision.realm()];
        realm.apply(counted);
        std::forward<Then>(then)(std::as_const(realm));
    }

private:
    int partitions_;
    mutable std::shared_mutex mutex_;
    std::map<std::string, Realm> realms_;
};

}  // namespace tocsin::runtime
