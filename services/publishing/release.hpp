// What is known of one release. Events change it by release_events.hpp, for the decider and the
// view alike, so that what people read and what is decided cannot differ.
//
// A copy costs O(1) in the number of deliveries, and so does an event about one of them, but for a
// factor of log n: a decision in the making and a view's snapshot are copies.
#pragma once

#include "publishing/deliveries.hpp"
#include "publishing/sealed.hpp"

#include <array>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace tocsin::publishing {

// Where deliveries of a release stand: whose channel, of which kind, in which state.
struct Standing {
    std::string agency, kind;
    v1::DeliveryState state = v1::DELIVERY_STATE_UNSPECIFIED;
    auto operator<=>(const Standing&) const = default;
};

// The reason of what a later message left no time for.
inline constexpr const char* superseded_before =
    "A later message took the place of this one before this channel had it.";

struct Release {
    v1::Release head;  // without deliveries
    Deliveries deliveries;
    // Null when it is not to go out, and once the texts were dropped.
    std::shared_ptr<const Approved> content;
    // Agencies that planned the message on their feed.
    std::shared_ptr<const std::set<std::string>> feeds;
    // What armed deliveries send, by digest, while there is something to send or to look for. Null
    // bytes: they follow.
    using Bodies = std::map<std::string, std::shared_ptr<const Sealed>>;
    std::shared_ptr<const Bodies> bodies;
    // How many of them follow, exactly; and since when.
    int missing = 0;
    Time missing_since;
    std::string feed_base_url;
    Duration arm_lead{};
    Time expires;
    // When what is ready by now is prepared once more; nothing once it was, or need not be.
    std::optional<Time> prepare_again_at;
    // Nothing waits for a channel longer.
    Time go_at;
    content::v1::Stragglers stragglers;
    // When its last event was decided.
    Time changed_at;
    // T0 of the last retraction, and who ordered it.
    std::optional<Time> retract_at;
    std::string retracted_by;
    // It ended before anything was public: the message is drafting's again.
    bool text_returned = false;
    // Something was claimed: it is or was or may be public.
    bool went_out = false;
    // Number of events so far: the etag.
    int64_t version = 0;
    // How many deliveries stand where; exactly those of `deliveries`, and none that is 0.
    runtime::SharedMap<Standing, int> standings;

    const std::string& id() const { return head.release_id(); }
    bool is(v1::ReleaseState state) const { return head.state() == state; }
    bool at_rest() const { return publishing::at_rest(head.state()); }
    const Delivery* find(std::string_view delivery_id) const {
        return deliveries.find(delivery_id);
    }
    // Deliveries of `purpose` in this state, in one of these, or in any.
    int count(v1::Purpose purpose, v1::DeliveryState state) const;
    int count(v1::Purpose purpose, std::initializer_list<v1::DeliveryState> states) const;
    int count(v1::Purpose purpose) const;
    // Nothing is fixed yet.
    bool prepares() const {
        return is(v1::RELEASE_STATE_PREPARING) || is(v1::RELEASE_STATE_WAITING);
    }
    // What was not ready at T0 may still follow.
    bool takes_stragglers() const;
    // Its channel may still become ready.
    bool waits_for(const Delivery& delivery) const {
        return (prepares() || takes_stragglers()) && !delivery.retracts() &&
               (delivery.is(v1::DELIVERY_STATE_PLANNED) ||
                delivery.is(v1::DELIVERY_STATE_NOT_READY));
    }
    // Its channel is to be prepared.
    bool to_prepare(const Delivery& delivery) const {
        return waits_for(delivery) && !delivery.apart;
    }
    // As many are ready as the message needs.
    bool has_quorum() const;
    // While it prepares: when the next step is due, if no channel says anything more before.
    Time advances_at() const;
    // A delivery of it may still be sent, or looked for.
    bool sends() const;
    // No delivery of `purpose` waits for anything.
    bool is_settled(v1::Purpose purpose) const;
    // Nobody ever had any of it, for certain.
    bool never_left() const;
    // The last retraction that was ordered of this delivery; null: there is none.
    const Delivery* retraction_of(std::string_view original_id) const;
    // Whether an armed delivery may be claimed now. A retraction never overtakes its original: that
    // is settled without a doubt, or its executor had to stop and the channel was queried.
    bool claimable(const Delivery& delivery, Time now) const;
    // The exact bytes of an armed delivery; null when they follow, are still to be signed or were
    // dropped.
    std::shared_ptr<const Sealed> body(const Delivery& delivery) const;
    // The same without a signature.
    std::shared_ptr<const Sealed> rendered(const Delivery& delivery) const;
    // Its bytes are there, and wait for their signature.
    bool to_sign(const Delivery& delivery) const {
        return delivery.is(v1::DELIVERY_STATE_ARMED) && delivery.wants_signature &&
               !delivery.signature && rendered(delivery) != nullptr;
    }
    // After it nothing of `purpose` is started again.
    Time deadline(v1::Purpose purpose) const;
    // When the decider must look at it again without a command of anybody; `claim_over` is the
    // first time at which a claim that is still open is over.
    std::optional<Time> due(std::optional<Time> claim_over) const;
    // When its texts may be dropped, if it has any.
    std::optional<Time> fades() const;
    void drop_texts();

    // Whom it concerns.
    content::v1::Parties parties() const;
    // As people see it, with all deliveries.
    v1::Release whole() const;
    // One delivery with everything about it.
    v1::Delivery whole(const Delivery& delivery) const;

    // To its next state. False: there is no such move, and nothing was changed.
    bool move(v1::ReleaseState to);
    // The same for a delivery, with `change(Delivery&)`. True where there is no such delivery.
    template <class Change>
    bool move(std::string_view delivery_id, v1::DeliveryState to, Change&& change) {
        Delivery* delivery = deliveries.edit(delivery_id);
        return !delivery || apply_move(*delivery, to, change);
    }
    // For each that `which(const Delivery&)` says. False: one has no such move.
    template <class Which, class Change>
    bool move_all(Which&& which, v1::DeliveryState to, Change&& change) {
        bool all = true;
        deliveries.change_all(
            which, [&](Delivery& delivery) { all = apply_move(delivery, to, change) && all; });
        return all;
    }
    void add(Delivery delivery) {
        tally(delivery, 1);
        deliveries.add(std::move(delivery));
    }

private:
    template <class Change>
    bool apply_move(Delivery& delivery, v1::DeliveryState to, Change& change) {
        if (!may_move(delivery.state(), to)) return false;
        tally(delivery, -1);
        change(delivery);
        delivery.head.set_state(to);
        tally(delivery, 1);
        return true;
    }
    void tally(const Delivery& delivery, int by);

    // By purpose and state; exactly those of `deliveries`.
    std::array<std::array<int, v1::DeliveryState_ARRAYSIZE>, 2> counts_{};
};

}  // namespace tocsin::publishing
