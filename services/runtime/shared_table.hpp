// Items by id, in no order, whose copies share what they have in common: SharedMap for look-ups
// that go by a hash and so compare one id, not one at every level.
#pragma once

#include "runtime/shared_map.hpp"

#include <absl/hash/hash.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::runtime {

// A value whose copy costs O(1); a change costs O(log n). Items are never removed.
template <class Value>
class SharedTable {
public:
    std::size_t size() const { return items_.size(); }

    // Null: there is none. Valid as long as this version, and no longer than its next change.
    const Value* find(std::string_view id) const {
        for (Place place = first(id);; ++place.next) {
            const Item* item = items_.find(place);
            if (!item) return nullptr;
            if (item->id == id) return &item->value;
        }
    }
    // The value to change, added where there is none. Valid until the next change or copy.
    Value& edit(std::string_view id) {
        Place place = first(id);
        for (const Item* item = items_.find(place); item && item->id != id;
             item = items_.find(place))
            ++place.next;
        Item& item = items_.edit(place);
        if (item.id.empty()) item.id = id;
        return item.value;
    }

private:
    struct Item {
        std::string id;
        Value value{};
    };
    // The hash is this process's own, so that nobody outside can choose ids of one hash.
    struct Place {
        std::size_t hash = 0;
        std::int64_t next = 0;  // of several ids with one hash
        auto operator<=>(const Place&) const = default;
    };
    static Place first(std::string_view id) { return {absl::Hash<std::string_view>{}(id), 0}; }

    SharedMap<Place, Item> items_;
};

}  // namespace tocsin::runtime
