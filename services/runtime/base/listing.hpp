// The order in which a view lists its items, and which of them are in which part of the whole:
// those of one state, of one incident. No list walks past items that it does not show.
#pragma once

#include "runtime/base/shared_map.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace tocsin::runtime {

// A value whose copy costs O(1). Every change costs O(log n).
class Listing {
public:
    // Behind all others; its place, which it keeps. Places begin at 1.
    std::int64_t add(const std::string& id) {
        ids_.set(++last_, id);
        return last_;
    }
    // Out of the whole; leave() it from its parts first.
    void remove(std::int64_t place) { ids_.erase(place); }

    void enter(const std::string& part, std::int64_t place) {
        const std::int64_t* known = parts_.find(part);
        const std::int64_t number = known ? *known : static_cast<std::int64_t>(parts_.size()) + 1;
        if (!known) parts_.set(part, number);
        members_.set({number, place}, 1);
    }
    void leave(const std::string& part, std::int64_t place) {
        if (const std::int64_t* number = parts_.find(part)) members_.erase({*number, place});
    }

    std::size_t size() const { return ids_.size(); }
    // Of an item that is in the whole.
    const std::string& id(std::int64_t place) const { return *ids_.find(place); }

    // Calls `use(place, id)` for the items of a part, of all where its name is empty, from the
    // newest before `before` (of all where that is 0) to older ones, until it returns false.
    template <class Use>
    void newest_first(const std::string& part, std::int64_t before, Use&& use) const {
        const std::int64_t end = before == 0 ? last_ + 1 : before;
        if (part.empty()) {
            ids_.descend(&end, use);
            return;
        }
        const std::int64_t* number = parts_.find(part);
        if (!number) return;
        const Member bound{*number, end};
        members_.descend(&bound, [&](const Member& member, char) {
            return member.part == *number && use(member.place, *ids_.find(member.place));
        });
    }

private:
    struct Member {
        std::int64_t part = 0;
        std::int64_t place = 0;
        auto operator<=>(const Member&) const = default;
    };

    std::int64_t last_ = 0;
    SharedMap<std::int64_t, std::string> ids_;  // by place
    SharedMap<std::string, std::int64_t> parts_;
    SharedMap<Member, char> members_;
};

}  // namespace tocsin::runtime
