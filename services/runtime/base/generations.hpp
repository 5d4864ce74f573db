// What is remembered by name of things that callers may make more of: two generations of at most so
// many. When the young one is full, the old one is forgotten, and what is still in use has moved
// to the young one by then.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>

namespace tocsin::runtime {

// One thread, or a lock of the owner's.
template <class Value>
class Generations {
public:
    explicit Generations(std::size_t of_one_max) : of_one_max_(of_one_max) {}

    // Null: it is not remembered. Valid until the next change.
    const Value* find(const std::string& name) const {
        if (const auto young = young_.find(name); young != young_.end()) return &young->second;
        const auto old = old_.find(name);
        return old == old_.end() ? nullptr : &old->second;
    }
    // The same; this use keeps it.
    const Value* use(const std::string& name) {
        if (auto old = old_.extract(name)) keep(name, std::move(old.mapped()));
        const auto young = young_.find(name);
        return young == young_.end() ? nullptr : &young->second;
    }
    void keep(const std::string& name, Value value) {
        if (young_.size() >= of_one_max_ && !young_.contains(name)) turn();
        young_.insert_or_assign(name, std::move(value));
    }
    void forget(const std::string& name) {
        young_.erase(name);
        old_.erase(name);
    }
    // What is young is old from now on.
    void turn() { old_ = std::exchange(young_, {}); }
    void clear() { young_ = old_ = {}; }
    std::size_t size() const { return young_.size() + old_.size(); }

private:
    std::size_t of_one_max_;
    std::unordered_map<std::string, Value> young_, old_;
};

}  // namespace tocsin::runtime
