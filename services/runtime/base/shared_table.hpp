// Items by id, in no order, whose copies share what they have in common: SharedMap's counterpart
// for many items that are only looked up. A hash array mapped trie (Bagwell, "Ideal Hash Trees",
// 2001): a look-up among a million goes through four nodes, of which the upper ones are hot.
#pragma once

#include "runtime/base/shared_tag.hpp"

#include <absl/hash/hash.h>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::runtime {

// A value whose copy costs O(1); a change costs O(log n). Items are never removed. Each version is
// a value of its own: any number of threads read one, one thread at a time changes one.
template <class Value, class Hash = absl::Hash<std::string_view>>
class SharedTable {
public:
    SharedTable() = default;
    SharedTable(const SharedTable& other) = default;
    SharedTable(SharedTable&& other) noexcept { swap(other); }
    SharedTable& operator=(SharedTable other) noexcept {
        swap(other);
        return *this;
    }
    ~SharedTable() = default;

    std::size_t size() const { return size_; }

    // Null: there is none. Valid as long as this version, and no longer than its next change.
    const Value* find(std::string_view id) const {
        std::size_t hash = hash_of(id);
        const Node* at = root_.get();
        for (; at; hash >>= bits) {
            const std::uint32_t bit = bit_of(hash);
            if (at->node_bits & bit) {
                at = at->nodes[rank(at->node_bits, bit)].get();
                continue;
            }
            if (!(at->item_bits & bit)) return nullptr;
            const Item* item = at->items[rank(at->item_bits, bit)].get();
            while (item && item->id != id) item = item->next.get();
            return item ? &item->value : nullptr;
        }
        return nullptr;
    }

    // The value to change, added where there is none. Valid until the next change or copy.
    Value& edit(std::string_view id) {
        std::size_t hash = hash_of(id);
        if (!root_) root_ = new Node(tag_.get());
        Node* at = &own(root_);
        for (int depth = 0;; ++depth, hash >>= bits) {
            const std::uint32_t bit = bit_of(hash);
            const std::size_t place = rank(at->item_bits, bit);
            if (!(at->node_bits & bit)) {
                if (!(at->item_bits & bit)) {
                    at->items.insert(at->items.begin() + static_cast<std::ptrdiff_t>(place),
                                     nullptr);
                    at->item_bits |= bit;
                    return item(at->items[place], id).value;
                }
                const std::size_t other = hash_of(at->items[place]->id) >> (depth * bits);
                if (other == hash) return item(at->items[place], id).value;
                part(*at, bit, other >> bits);
            }
            at = &own(at->nodes[rank(at->node_bits, bit)]);
        }
    }

private:
    // Of a hash, which choose one of 32 places in a node.
    static constexpr int bits = 5;

    struct Item;
    struct Node;
    using ItemPtr = boost::intrusive_ptr<Item>;
    using NodePtr = boost::intrusive_ptr<Node>;
    // Copied, one counts its references anew.
    struct Item : boost::intrusive_ref_counter<Item> {
        Item(std::uint64_t made_by, std::string_view name) : tag(made_by), id(name) {}
        std::uint64_t tag;
        std::string id;
        Value value{};
        ItemPtr next;  // of the same hash
    };
    struct Node : boost::intrusive_ref_counter<Node> {
        explicit Node(std::uint64_t made_by) : tag(made_by) {}
        std::uint64_t tag;
        // Which places hold an item, and which a node; one at most.
        std::uint32_t item_bits = 0, node_bits = 0;
        std::vector<ItemPtr> items;
        std::vector<NodePtr> nodes;
    };

    // Abseil's is this process's own: nobody outside can choose ids of one hash.
    static std::size_t hash_of(std::string_view id) { return Hash{}(id); }
    static std::uint32_t bit_of(std::size_t hash) { return std::uint32_t{1} << (hash % 32); }
    static std::size_t rank(std::uint32_t all, std::uint32_t bit) {
        return static_cast<std::size_t>(std::popcount(all & (bit - 1)));
    }

    template <class Shared>
    Shared& own(boost::intrusive_ptr<Shared>& shared) {
        if (shared->tag != tag_.get()) {
            shared = new Shared(*shared);
            shared->tag = tag_.get();
        }
        return *shared;
    }

    // The item of that id in a list of those of one hash, added at its end.
    Item& item(ItemPtr& first, std::string_view id) {
        ItemPtr* at = &first;
        for (; *at; at = &(*at)->next)
            if (own(*at).id == id) return **at;
        *at = new Item(tag_.get(), id);
        ++size_;
        return **at;
    }

    // Moves the item at `bit` into a node of its own, to which others can be added.
    void part(Node& node, std::uint32_t bit, std::size_t hash) {
        const auto place = static_cast<std::ptrdiff_t>(rank(node.item_bits, bit));
        NodePtr below = new Node(tag_.get());
        below->item_bits = bit_of(hash);
        below->items.push_back(std::move(node.items[static_cast<std::size_t>(place)]));
        node.items.erase(node.items.begin() + place);
        node.item_bits &= ~bit;
        const auto there = static_cast<std::ptrdiff_t>(rank(node.node_bits, bit));
        node.nodes.insert(node.nodes.begin() + there, std::move(below));
        node.node_bits |= bit;
    }

    void swap(SharedTable& other) noexcept {
        root_.swap(other.root_);
        std::swap(size_, other.size_);
        tag_.swap(other.tag_);
    }

    NodePtr root_;
    std::size_t size_ = 0;
    SharedTag tag_;
};

}  // namespace tocsin::runtime
