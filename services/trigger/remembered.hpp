// The sources, or the rules, of a realm, with those that were removed of late: who puts one of them
// again continues its versions, and no other agency takes its id. Pure.
#pragma once

#include "runtime/base/shared_map.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace tocsin::trigger {

// A value whose copy costs O(1), so that the view can keep it too. A `Thing` has a `version`, which
// each put and removal raises, and a `removal`: its number among the removals; 0: it is in use.
template <class Thing>
class Remembered {
public:
    // To put and remove for ever must take no room for ever: beyond so many that are removed, the
    // one that was removed first is forgotten.
    static constexpr std::size_t removed_max = 1000;

    // Null: there is none, or it was forgotten.
    const Thing* find(const std::string& id) const { return all_.find(id); }
    bool contains(const std::string& id) const { return all_.contains(id); }
    bool empty() const { return all_.empty(); }
    // With the removed ones.
    std::size_t size() const { return all_.size(); }
    std::size_t removed() const { return removed_.size(); }
    std::size_t in_use() const { return all_.size() - removed_.size(); }
    // The version that a put of this id follows; of one that is not known the highest that was
    // forgotten, so that no id has a version twice.
    std::int64_t last_version(const std::string& id) const {
        const Thing* known = find(id);
        return known ? known->version : forgotten_version_;
    }
    // As SharedMap::ascend.
    template <class Use>
    void ascend(const std::string* after, Use&& use) const {
        all_.ascend(after, use);
    }
    template <class Counts>
    std::size_t count(const Counts& counts) const {
        std::size_t number = 0;
        all_.ascend(nullptr, [&](const std::string&, const Thing& thing) {
            number += counts(thing) ? 1 : 0;
            return true;
        });
        return number;
    }

    Thing& edit(const std::string& id) { return all_.edit(id); }
    // In use from now on.
    Thing& put(const std::string& id) {
        const std::int64_t version = last_version(id) + 1;
        Thing& thing = all_.edit(id);
        thing.version = version;
        removed_.erase(std::exchange(thing.removal, 0));
        return thing;
    }
    // Out of use from now on.
    void remove(const std::string& id) {
        Thing& thing = all_.edit(id);
        ++thing.version;
        if (thing.removal != 0) return;
        thing.removal = ++last_removal_;
        removed_.set(thing.removal, id);
        if (removed_.size() > removed_max) forget_oldest();
    }

private:
    void forget_oldest() {
        const std::int64_t first = *removed_.first();
        const std::string oldest = *removed_.find(first);
        forgotten_version_ = std::max(forgotten_version_, all_.find(oldest)->version);
        all_.erase(oldest);
        removed_.erase(first);
    }

    runtime::SharedMap<std::string, Thing> all_;  // by id
    // Ids by removal: exactly those of `all_` that are not in use.
    runtime::SharedMap<std::int64_t, std::string> removed_;
    std::int64_t last_removal_ = 0;       // no removal has a higher number
    std::int64_t forgotten_version_ = 0;  // the highest; never falls
};

}  // namespace tocsin::trigger
