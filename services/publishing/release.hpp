// What is known of one release, and how events change it. Decider and view fold the same, so that
// what people read and what is decided cannot differ.
//
// A copy costs O(1) in the number of deliveries, and so does an event about one of them, but for a
// factor of log n: a decision in the making and a view's snapshot are copies.
#pragma once

#include "publishing/items.hpp"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::publishing {

// How long a request that posts something may take, on any channel.
inline constexpr std::chrono::milliseconds post_lifetime{15'000};
// A claim that was not answered is in doubt this long after its executor had to stop.
inline constexpr Duration claim_margin = std::chrono::seconds{2};

inline constexpr std::array<std::string_view, 10> delivery_states{
    "planned",   "ready",   "not_ready", "armed",      "claimed",
    "confirmed", "refused", "unknown",   "stood_down", "skipped"};

// Where deliveries of a release stand: whose channel, of which kind, in which state.
struct Standing {
    std::string agency, kind, state;
    auto operator<=>(const Standing&) const = default;
};

// Who an agency is to the public.
struct Sender {
    std::string cap_sender;
    v1::PublicNames names;
};

struct Release {
    v1::Release head;  // without deliveries
    Items items;
    // Null when it is not to go out, and once the texts were dropped.
    std::shared_ptr<const Approved> content;
    std::shared_ptr<const std::map<std::string, Sender>> senders;  // by agency
    // Agencies that planned the message on their feed.
    std::shared_ptr<const std::set<std::string>> feeds;
    // What armed deliveries send, by digest, while there is something to send or to look for. Null
    // bytes: they follow.
    using Bodies = std::map<std::string, std::shared_ptr<const Sealed>>;
    std::shared_ptr<const Bodies> bodies;
    // Of them, those that follow; since when.
    int missing = 0;
    Time missing_since;
    std::string feed_base_url;
    Duration arm_lead{};
    std::optional<Time> release_at;
    Time expires;
    Time prepare_until;
    content::v1::StragglerPolicy policy = content::v1::STRAGGLER_POLICY_WAIT;
    // T0 of the last retraction.
    std::optional<Time> retract_at;
    // Something was claimed: it is or was or may be public.
    bool went_out = false;
    // Number of events so far: the etag.
    int64_t version = 0;
    // How many deliveries stand where.
    runtime::SharedMap<Standing, int> standings;

    const std::string& id() const { return head.release_id(); }
    bool is(std::string_view state) const { return head.state() == state; }
    // Neither prepared, nor armed, nor on its way.
    bool at_rest() const;
    const Item* find(std::string_view delivery_id) const { return items.find(delivery_id); }
    // Deliveries of `purpose` in this state.
    int count(v1::Purpose purpose, std::string_view state) const;
    int count(v1::Purpose purpose) const;
    // Nobody ever had any of it, for certain.
    bool never_left() const;
    // The last retraction that was ordered of this delivery; null: there is none.
    const Item* retraction_of(std::string_view original_id) const;
    // Whether an armed delivery may be claimed now. A retraction never overtakes its original: that
    // is settled without a doubt, or its executor had to stop and the channel was asked.
    bool claimable(const Item& item, Time now) const;
    // The exact bytes of an armed delivery; null when they follow or were dropped.
    std::shared_ptr<const Sealed> body(const Item& item) const;
    // After it nothing of `purpose` is started again.
    Time deadline(v1::Purpose purpose) const;
    // When the decider must look at it again though nobody asks; `claim_over` is the first time at
    // which a claim that is still open is over.
    std::optional<Time> due(std::optional<Time> claim_over) const;
    // When its texts may be dropped, if it has any.
    std::optional<Time> fades() const;
    void drop_texts();

    // Whom it concerns.
    content::v1::Parties parties() const;
    // As people see it, with all deliveries.
    v1::Release whole() const;
    // One delivery with everything about it.
    v1::Delivery whole(const Item& item) const;

    // `change(Item&)`; nothing where there is no such delivery.
    template <class Change>
    void change(std::string_view delivery_id, Change&& change) {
        if (Item* item = items.edit(delivery_id)) apply_change(*item, change);
    }
    template <class Which, class Change>
    void change_all(Which&& which, Change&& change) {
        items.change_all(which, [&](Item& item) { apply_change(item, change); });
    }
    void add(Item item) {
        tally(item, 1);
        items.add(std::move(item));
    }

private:
    template <class Change>
    void apply_change(Item& item, Change& change) {
        tally(item, -1);
        change(item);
        tally(item, 1);
    }
    void tally(const Item& item, int by);

    std::array<std::array<int, delivery_states.size()>, 2> counts_{};
};

// The delivery that a retraction takes back, and the name of the retraction that is its `number`th.
std::string_view original_of(std::string_view retraction_id);
std::string retraction_id(std::string_view original_id, int number);

// The part of an event that concerns its release.
void evolve(Release& release, const v1::Event& event, Time decided_at);
// Gives the deliveries of a release that was just planned their channels as they are now.
using ChannelOf = std::function<std::shared_ptr<const v1::Channel>(const std::string& id)>;
void attach_channels(Release& release, const ChannelOf& channel_of);
// The release that an event is about; empty for one about a channel.
std::string_view release_of(const v1::Event& event);
// The deliveries that an event names, where it is about some of a release that it does not add.
std::vector<std::string> deliveries_of(const v1::Event& event);

}  // namespace tocsin::publishing
