// An ordered map whose copies share what they have in common: what a view's snapshots are made of.
//
// A copy costs O(1) and stays as it is whatever happens to the original. A change costs O(log n):
// it copies the nodes between the root and one entry, unless they were made since the last copy,
// which nobody else can hold. Each version is a value of its own: any number of threads read one,
// one thread at a time changes one.
#pragma once

#include "runtime/base/shared_tag.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin::runtime {

template <class Key, class Value>
class SharedMap {
public:
    SharedMap() = default;
    SharedMap(const SharedMap& other) = default;
    SharedMap(SharedMap&& other) noexcept { swap(other); }
    SharedMap& operator=(SharedMap other) noexcept {
        swap(other);
        return *this;
    }
    ~SharedMap() = default;

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    // Null: there is none. Valid as long as this version, and no longer than its next change.
    const Value* find(const Key& key) const {
        if (!root_) return nullptr;
        const Node* at = root_.get();
        while (!at->leaf()) at = at->children[child_for(*at, key)].get();
        const std::size_t i = lower(at->keys, key);
        if (i == at->keys.size() || key < key_of(at->keys[i])) return nullptr;
        return &value_of(at->values[i]);
    }
    bool contains(const Key& key) const { return find(key) != nullptr; }

    // The value to change, added where there is none. Valid until the next change or copy.
    Value& edit(const Key& key) {
        StoredValue& slot = slot_for(key);
        if constexpr (inline_value) {
            return slot;
        } else {
            if (!slot)
                slot = std::make_shared<Held>(tag(), Value{});
            else if (slot->tag != tag())
                slot = std::make_shared<Held>(tag(), slot->value);
            return slot->value;
        }
    }

    void set(const Key& key, Value value) {
        StoredValue& slot = slot_for(key);
        if constexpr (inline_value)
            slot = value;
        else
            slot = std::make_shared<Held>(tag(), std::move(value));
    }

    bool erase(const Key& key) {
        if (!contains(key)) return false;
        erase_in(root_, key);
        --size_;
        if (root_->keys.empty()) root_.reset();
        while (root_ && root_->children.size() == 1) root_ = NodePtr(root_->children.front());
        return true;
    }

    std::optional<Key> first() const {
        std::optional<Key> found;
        ascend(nullptr, [&](const Key& key, const Value&) {
            found = key;
            return false;
        });
        return found;
    }

    // Calls `use(key, value)` in order, from the first key beyond `after` (from the first at all
    // where it is null) until it returns false.
    template <class Use>
    void ascend(const Key* after, Use&& use) const {
        if (root_) up(*root_, after, use);
    }
    // The same from the last key below `before` downwards.
    template <class Use>
    void descend(const Key* before, Use&& use) const {
        if (root_) down(*root_, before, use);
    }

private:
    // Small enough that a copied node is cheap, wide enough that a million entries are 5 deep.
    static constexpr std::size_t width = 16;
    static constexpr bool inline_key = std::is_trivially_copyable_v<Key>;
    static constexpr bool inline_value = std::is_trivially_copyable_v<Value>;

    struct Held {
        Held(std::uint64_t made_by, Value held) : tag(made_by), value(std::move(held)) {}
        std::uint64_t tag;
        Value value;
    };
    using StoredKey = std::conditional_t<inline_key, Key, std::shared_ptr<const Key>>;
    using StoredValue = std::conditional_t<inline_value, Value, std::shared_ptr<Held>>;
    struct Node;
    using NodePtr = std::shared_ptr<Node>;
    struct Node {
        explicit Node(std::uint64_t made_by) : tag(made_by) {}
        bool leaf() const { return children.empty(); }

        std::uint64_t tag;  // the map and the time between two copies that it was made in
        // Of a leaf its keys; of an inner node, for each child, a key that none of the child's but
        // the first child's is less than.
        std::vector<StoredKey> keys;
        std::vector<StoredValue> values;
        std::vector<NodePtr> children;
    };

    // Both refer into a node, which outlives the reference.
    static const Key& key_of(const StoredKey& stored) {
        if constexpr (inline_key)
            return stored;  // NOLINT(bugprone-return-const-ref-from-parameter)
        else
            return *stored;
    }
    static const Value& value_of(const StoredValue& stored) {
        if constexpr (inline_value)
            return stored;  // NOLINT(bugprone-return-const-ref-from-parameter)
        else
            return stored->value;
    }
    static StoredKey store(const Key& key) {
        if constexpr (inline_key)
            return key;
        else
            return std::make_shared<const Key>(key);
    }
    static std::size_t lower(const std::vector<StoredKey>& keys, const Key& key) {
        const auto at = std::lower_bound(
            keys.begin(), keys.end(), key,
            [](const StoredKey& stored, const Key& wanted) { return key_of(stored) < wanted; });
        return static_cast<std::size_t>(at - keys.begin());
    }
    static std::size_t upper(const std::vector<StoredKey>& keys, const Key& key) {
        const auto at = std::upper_bound(
            keys.begin(), keys.end(), key,
            [](const Key& wanted, const StoredKey& stored) { return wanted < key_of(stored); });
        return static_cast<std::size_t>(at - keys.begin());
    }
    static std::size_t child_for(const Node& node, const Key& key) {
        return std::max<std::size_t>(upper(node.keys, key), 1) - 1;
    }

    std::uint64_t tag() { return tag_.get(); }

    template <class T>
    static std::vector<T> with_room(const std::vector<T>& items) {
        std::vector<T> copy;
        if (!items.empty()) copy.reserve(items.size() + 1);
        copy.assign(items.begin(), items.end());
        return copy;
    }

    Node& own(NodePtr& node) {
        if (node->tag != tag()) {
            auto copy = std::make_shared<Node>(tag());
            copy->keys = with_room(node->keys);
            copy->values = with_room(node->values);
            copy->children = with_room(node->children);
            node = std::move(copy);
        }
        return *node;
    }

    // Nodes that are full are parted on the way down, so that the leaf has room.
    StoredValue& slot_for(const Key& key) {
        if (!root_) root_ = std::make_shared<Node>(tag());
        if (root_->keys.size() >= width) {
            auto top = std::make_shared<Node>(tag());
            top->keys.push_back(root_->keys.front());
            top->children.push_back(std::move(root_));
            root_ = std::move(top);
        }
        Node* at = &own(root_);
        while (!at->leaf()) {
            std::size_t i = child_for(*at, key);
            if (at->children[i]->keys.size() >= width) {
                part(*at, i, key);
                i = child_for(*at, key);
            }
            at = &own(at->children[i]);
        }
        const std::size_t i = lower(at->keys, key);
        const auto place = static_cast<std::ptrdiff_t>(i);
        if (i == at->keys.size() || key < key_of(at->keys[i])) {
            at->keys.insert(at->keys.begin() + place, store(key));
            at->values.insert(at->values.begin() + place, StoredValue{});
            ++size_;
        }
        return at->values[i];
    }

    template <class T>
    static void move_tail(std::vector<T>& from, std::ptrdiff_t cut, std::vector<T>& to) {
        if (from.empty()) return;
        to.assign(std::make_move_iterator(from.begin() + cut), std::make_move_iterator(from.end()));
        from.resize(static_cast<std::size_t>(cut));
    }

    void part(Node& parent, std::size_t i, const Key& key) {
        Node& left = own(parent.children[i]);
        // Keys that only grow leave full nodes behind.
        const bool appends = !(key < key_of(left.keys.back()));
        const auto cut = static_cast<std::ptrdiff_t>(appends ? width - 1 : width / 2);
        auto right = std::make_shared<Node>(tag());
        move_tail(left.keys, cut, right->keys);
        move_tail(left.values, cut, right->values);
        move_tail(left.children, cut, right->children);
        const auto after = static_cast<std::ptrdiff_t>(i) + 1;
        parent.keys.insert(parent.keys.begin() + after, right->keys.front());
        parent.children.insert(parent.children.begin() + after, std::move(right));
    }

    void erase_in(NodePtr& node, const Key& key) {
        Node& at = own(node);
        if (at.leaf()) {
            const auto i = static_cast<std::ptrdiff_t>(lower(at.keys, key));
            at.keys.erase(at.keys.begin() + i);
            at.values.erase(at.values.begin() + i);
            return;
        }
        const std::size_t child = child_for(at, key);
        erase_in(at.children[child], key);
        if (!at.children[child]->keys.empty()) return;
        at.keys.erase(at.keys.begin() + static_cast<std::ptrdiff_t>(child));
        at.children.erase(at.children.begin() + static_cast<std::ptrdiff_t>(child));
    }

    template <class Use>
    static bool up(const Node& node, const Key* after, Use& use) {
        if (node.leaf()) {
            for (std::size_t i = after ? upper(node.keys, *after) : 0; i < node.keys.size(); ++i)
                if (!use(key_of(node.keys[i]), value_of(node.values[i]))) return false;
            return true;
        }
        for (std::size_t i = after ? child_for(node, *after) : 0; i < node.children.size(); ++i) {
            if (!up(*node.children[i], after, use)) return false;
            after = nullptr;
        }
        return true;
    }

    template <class Use>
    static bool down(const Node& node, const Key* before, Use& use) {
        std::size_t end = before ? lower(node.keys, *before) : node.keys.size();
        if (node.leaf()) {
            for (; end > 0; --end)
                if (!use(key_of(node.keys[end - 1]), value_of(node.values[end - 1]))) return false;
            return true;
        }
        for (end = std::max<std::size_t>(end, 1); end > 0; --end) {
            if (!down(*node.children[end - 1], before, use)) return false;
            before = nullptr;
        }
        return true;
    }

    void swap(SharedMap& other) noexcept {
        std::swap(root_, other.root_);
        std::swap(size_, other.size_);
        tag_.swap(other.tag_);
    }

    NodePtr root_;
    std::size_t size_ = 0;
    SharedTag tag_;
};

}  // namespace tocsin::runtime
