// The deliveries of a release, in the order in which they were planned and added. A copy costs O(1)
// and shares them; one is found and changed in O(log n): a decision about one delivery costs the
// same whether its release has three or a thousand.
#pragma once

#include "publishing/delivery.hpp"
#include "runtime/base/shared_map.hpp"

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::publishing {

class Deliveries {
public:
    class Iterator {
    public:
        using value_type = Delivery;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        Iterator(const Deliveries* deliveries, int at) : deliveries_(deliveries), at_(at) {}
        const Delivery& operator*() const { return *deliveries_->all_.find(at_); }
        const Delivery* operator->() const { return &**this; }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        Iterator operator++(int) {
            const Iterator before = *this;
            ++at_;
            return before;
        }
        bool operator==(const Iterator& other) const { return at_ == other.at_; }

    private:
        const Deliveries* deliveries_ = nullptr;
        int at_ = 0;
    };

    Iterator begin() const { return {this, 0}; }
    Iterator end() const { return {this, static_cast<int>(size())}; }
    std::size_t size() const { return all_.size(); }
    bool empty() const { return all_.empty(); }

    // Null: there is none. Valid until the next change.
    const Delivery* find(std::string_view delivery_id) const {
        const int* at = places_.find(std::string{delivery_id});
        return at ? all_.find(*at) : nullptr;
    }
    // To change it; null: there is none. Valid until the next change or copy.
    Delivery* edit(std::string_view delivery_id) {
        const int* at = places_.find(std::string{delivery_id});
        return at ? &all_.edit(*at) : nullptr;
    }
    void add(Delivery delivery) {
        const int at = static_cast<int>(size());
        places_.set(delivery.id(), at);
        all_.set(at, std::move(delivery));
    }
    // `change(Delivery&)` for each that `which(const Delivery&)` says.
    template <class Which, class Change>
    void change_all(Which&& which, Change&& change) {
        for (int at = 0; at < static_cast<int>(size()); ++at)
            if (which(*all_.find(at))) change(all_.edit(at));
    }

private:
    // By place, from 0 on without a gap.
    runtime::SharedMap<int, Delivery> all_;
    // The place of each, by its id.
    runtime::SharedMap<std::string, int> places_;
};

}  // namespace tocsin::publishing
