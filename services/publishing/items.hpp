// The deliveries of a release, in the order in which they were planned and added. A copy costs O(1)
// and shares them; one is found and changed in O(log n): a decision about one delivery costs the
// same whether its release has three or a thousand.
#pragma once

#include "content/channel.hpp"
#include "publishing/sealed.hpp"
#include "runtime/base/shared_map.hpp"
#include "runtime/base/time.hpp"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::publishing {

using runtime::Duration;
using runtime::Time;

// What deliveries have in common that send the same.
struct Armed {
    content::v1::Fixed fixed;
    content::v1::Rendition rendition;  // without its body
    std::string digest;                // of the body
};

struct Item {
    // Without channel, rendition and fixed values, which are shared.
    v1::Delivery delivery{};
    // Where it is, as it was when the release was planned.
    std::shared_ptr<const v1::Channel> channel{};
    // Null until it is armed.
    std::shared_ptr<const Armed> armed{};
    int64_t text_max = 0;
    // Set while it is armed again after an attempt.
    std::optional<Time> retry_at{};
    std::optional<Time> first_claimed_at{};
    // The first attempt of which nobody knew whether it went out; 0: there was none.
    int first_doubted = 0;
    // While it is unknown: the channel was asked, and did not tell.
    bool asked = false;
    // What the attempt in doubt came to, whatever was found out since.
    std::string last_answer{};
    // The channel's words, where it refused the attempt in doubt: they stand unless it is found.
    std::string refusal{};
    // That attempt repeated one in doubt: what it was refused for may be that it is there already.
    bool refused_repeat = false;

    const std::string& id() const { return delivery.delivery_id(); }
    const std::string& state() const { return delivery.state(); }
    bool is(std::string_view state) const { return delivery.state() == state; }
    bool retracts() const { return delivery.purpose() == v1::PURPOSE_RETRACTION; }
    const content::v1::Fixed& fixed() const;
    const content::Traits& traits() const { return content::traits_of(delivery.kind()); }
    // Nothing more happens to it.
    bool settled() const;
    // The public has it, or may have it.
    bool may_be_public() const;
    // It was given up in doubt: a request that is still under way may yet be carried out.
    bool may_come_late() const { return doubted() && !is("confirmed"); }
    // Nobody ever had it, for certain.
    bool never_left() const { return !may_be_public() && !doubted(); }
    bool doubted() const { return first_doubted > 0; }
};

class Items {
public:
    class Iterator {
    public:
        using value_type = Item;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        Iterator(const Items* items, int at) : items_(items), at_(at) {}
        const Item& operator*() const { return *items_->items_.find(at_); }
        const Item* operator->() const { return &**this; }
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
        const Items* items_ = nullptr;
        int at_ = 0;
    };

    Iterator begin() const { return {this, 0}; }
    Iterator end() const { return {this, static_cast<int>(size())}; }
    std::size_t size() const { return items_.size(); }
    bool empty() const { return items_.empty(); }

    // Null: there is none. Valid until the next change.
    const Item* find(std::string_view delivery_id) const {
        const int* at = places_.find(std::string{delivery_id});
        return at ? items_.find(*at) : nullptr;
    }
    // To change it; null: there is none. Valid until the next change or copy.
    Item* edit(std::string_view delivery_id) {
        const int* at = places_.find(std::string{delivery_id});
        return at ? &items_.edit(*at) : nullptr;
    }
    void add(Item item) {
        const int at = static_cast<int>(size());
        places_.set(item.id(), at);
        items_.set(at, std::move(item));
    }
    // `change(Item&)` for each that `which(const Item&)` says.
    template <class Which, class Change>
    void change_all(Which&& which, Change&& change) {
        for (int at = 0; at < static_cast<int>(size()); ++at)
            if (which(*items_.find(at))) change(items_.edit(at));
    }

private:
    runtime::SharedMap<int, Item> items_;
    runtime::SharedMap<std::string, int> places_;
};

}  // namespace tocsin::publishing
