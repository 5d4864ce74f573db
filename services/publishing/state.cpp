#include "publishing/state.hpp"

#include <algorithm>

namespace tocsin::publishing {

using runtime::from_proto;

// A retraction is tried for this long: a wrong message stays wrong after it expired.
static constexpr Duration retraction_lifetime = std::chrono::hours{24};

bool Item::settled() const {
    return is("confirmed") || is("refused") || is("stood_down") || is("skipped");
}

bool Item::may_be_public() const {
    if (is("confirmed") || is("unknown") || is("claimed")) return true;
    // A receiver cannot be asked: what it had once it may have, whatever became of the repeats.
    if (delivery.kind() == "webhook" && doubted) return true;
    // The public feed shows an alert from T0 on once it was claimed, whatever became of asking it.
    return delivery.kind() == "feed" && delivery.attempts() > 0;
}

bool Release::at_rest() const {
    return !is("preparing") && !is("waiting") && !is("armed") && !is("firing") && !is("retracting");
}

const Item* Release::find(std::string_view delivery_id) const {
    const auto found =
        std::ranges::find_if(items, [&](const Item& item) { return item.id() == delivery_id; });
    return found == items.end() ? nullptr : &*found;
}

Time Release::deadline(v1::Purpose purpose) const {
    if (purpose == v1::PURPOSE_RETRACTION && retract_at) return *retract_at + retraction_lifetime;
    return expires;
}

std::optional<Time> Release::due() const {
    std::optional<Time> claim_over;
    for (const Item& item : items) {
        if (!item.is("claimed")) continue;
        const Time over = from_proto(item.delivery.give_up_at()) + claim_margin;
        claim_over = claim_over ? std::min(*claim_over, over) : over;
    }
    if (claim_over) return claim_over;
    if (is("preparing") || is("waiting")) {
        const bool waits = policy != content::v1::STRAGGLER_POLICY_GO_WITHOUT &&
                           policy != content::v1::STRAGGLER_POLICY_ABORT;
        return waits ? expires : std::min(prepare_until, expires);
    }
    if (is("armed") || is("firing")) return expires;
    if (is("retracting")) return deadline(v1::PURPOSE_RETRACTION);
    return std::nullopt;
}

v1::Release Release::whole() const {
    v1::Release all = head;
    for (const Item& item : items) *all.add_deliveries() = item.delivery;
    return all;
}

namespace {

Item* find_item(Release& release, std::string_view delivery_id) {
    return const_cast<Item*>(std::as_const(release).find(delivery_id));
}

void planned(Release& release, const v1::ReleasePlanned& event) {
    release.head = event.release();
    release.head.clear_deliveries();
    release.head.set_state("preparing");
    release.head.set_skew_ms(-1);
    for (const v1::Delivery& delivery : event.release().deliveries())
        release.items.push_back({.delivery = delivery});
    release.content = event.content();
    release.senders = {event.senders().begin(), event.senders().end()};
    release.sender_names = {event.sender_names().begin(), event.sender_names().end()};
    release.feed_base_url = event.feed_base_url();
    release.arm_lead = std::chrono::milliseconds{event.arm_lead_ms()};
    if (event.has_release_at()) release.release_at = from_proto(event.release_at());
    release.expires = from_proto(event.expires());
    release.prepare_until = from_proto(event.prepare_until());
    release.policy = event.straggler_policy();
}

void prepared(Release& release, const v1::DeliveryPrepared& event) {
    if (Item* item = find_item(release, event.delivery_id())) {
        item->delivery.set_state(event.ready() ? "ready" : "not_ready");
        item->delivery.set_reason(event.reason());
        item->text_max = event.text_max();
    }
    const bool heard_all =
        std::ranges::none_of(release.items, [](const Item& item) { return item.is("planned"); });
    const bool all_ready =
        std::ranges::all_of(release.items, [](const Item& item) { return item.is("ready"); });
    release.head.set_state(heard_all && !all_ready ? "waiting" : "preparing");
}

void armed(Release& release, const v1::ReleaseArmed& event) {
    release.head.set_state("armed");
    *release.head.mutable_fire_at() = event.fire_at();
    *release.head.mutable_identifiers() = event.identifiers();
    for (const v1::Delivery& delivery : event.deliveries()) {
        if (Item* item = find_item(release, delivery.delivery_id())) {
            item->delivery = delivery;
            item->delivery.set_state("armed");
        }
    }
    // What is not in the event stays behind; its reason says why.
    for (Item& item : release.items) {
        if (item.is("armed") || item.settled()) continue;
        item.delivery.set_state("skipped");
        if (item.delivery.reason().empty())
            item.delivery.set_reason("It was not ready in time: the others went without it.");
    }
}

void claimed(Release& release, const v1::DeliveriesClaimed& event, Time decided_at) {
    for (const std::string& id : event.delivery_ids()) {
        Item* item = find_item(release, id);
        if (!item) continue;
        item->delivery.set_state("claimed");
        item->delivery.set_executor(event.executor());
        item->delivery.set_attempts(event.attempt());
        *item->delivery.mutable_give_up_at() = event.give_up_at();
        item->retry_at.reset();
        if (!item->first_claimed_at) item->first_claimed_at = decided_at;
        if (release.is("armed")) release.head.set_state("firing");
    }
}

void settled(Release& release, const v1::DeliverySettled& event) {
    Item* item = find_item(release, event.delivery_id());
    if (!item) return;
    v1::Delivery& delivery = item->delivery;
    delivery.set_state(event.state());
    delivery.set_reason(event.reason());
    if (!event.url().empty()) delivery.set_url(event.url());
    if (!event.receipt().empty()) delivery.set_receipt(event.receipt());
    if (event.has_written_at()) *delivery.mutable_written_at() = event.written_at();
    if (event.has_confirmed_at()) *delivery.mutable_confirmed_at() = event.confirmed_at();
    item->retry_at.reset();
}

void cancelled(Release& release, const v1::ReleaseCancelled& event) {
    release.head.set_state("cancelled");
    release.head.set_reason(event.reason());
    for (Item& item : release.items)
        if (!item.settled()) item.delivery.set_state("stood_down");
}

void ended(Release& release, const v1::ReleaseEnded& event) {
    release.head.set_state(event.state());
    release.head.set_reason(event.reason());
    for (Item& item : release.items)
        if (!item.settled()) item.delivery.set_state("stood_down");
}

void retraction_armed(Release& release, const v1::RetractionArmed& event) {
    release.head.set_state("retracting");
    release.head.set_reason(event.reason());
    release.retract_at = from_proto(event.fire_at());
    // What was still to be sent again must not follow its own retraction.
    for (Item& item : release.items) {
        if (!item.is("armed")) continue;
        item.delivery.set_state("stood_down");
        item.delivery.set_reason("The message was retracted before this channel confirmed it.");
        item.retry_at.reset();
    }
    for (const v1::Delivery& delivery : event.deliveries()) {
        Item item{.delivery = delivery};
        item.delivery.set_state("armed");
        const auto answers = event.in_reply_to().find(delivery.delivery_id());
        if (answers != event.in_reply_to().end()) item.in_reply_to = answers->second;
        release.items.push_back(std::move(item));
    }
}

void unknown(Release& release, const v1::DeliveryUnknown& event) {
    Item* item = find_item(release, event.delivery_id());
    if (!item) return;
    item->doubted = true;
    item->delivery.set_state("unknown");
    item->delivery.set_reason(event.reason());
    if (event.has_written_at()) *item->delivery.mutable_written_at() = event.written_at();
}

void rearmed(Release& release, const v1::DeliveryRearmed& event) {
    Item* item = find_item(release, event.delivery_id());
    if (!item) return;
    item->delivery.set_state("armed");
    item->delivery.set_reason(event.reason());
    item->delivery.clear_written_at();
    item->retry_at = from_proto(event.retry_at());
}

void completed(Release& release, const v1::ReleaseCompleted& event) {
    release.head.set_state(event.state());
    release.head.set_reason(event.reason());
    // The skew of a release is that of its message, not that of its retraction.
    if (!release.retract_at) release.head.set_skew_ms(event.skew_ms());
}

}  // namespace

std::string_view release_of(const v1::Event& event) {
    switch (event.body_case()) {
        case v1::Event::kChannelPut:
        case v1::Event::kChannelRemoved:
            return {};
        case v1::Event::kReleasePlanned:
            return event.release_planned().release().release_id();
        case v1::Event::kDeliveryPrepared:
            return event.delivery_prepared().release_id();
        case v1::Event::kReleaseArmed:
            return event.release_armed().release_id();
        case v1::Event::kDeliveriesClaimed:
            return event.deliveries_claimed().release_id();
        case v1::Event::kDeliverySettled:
            return event.delivery_settled().release_id();
        case v1::Event::kReleaseCancelled:
            return event.release_cancelled().release_id();
        case v1::Event::kReleaseEnded:
            return event.release_ended().release_id();
        case v1::Event::kRetractionArmed:
            return event.retraction_armed().release_id();
        case v1::Event::kDeliveryUnknown:
            return event.delivery_unknown().release_id();
        case v1::Event::kDeliveryRearmed:
            return event.delivery_rearmed().release_id();
        case v1::Event::kReleaseCompleted:
            return event.release_completed().release_id();
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return {};
}

void evolve(Release& release, const v1::Event& event, Time decided_at) {
    ++release.version;
    switch (event.body_case()) {
        case v1::Event::kReleasePlanned:
            return planned(release, event.release_planned());
        case v1::Event::kDeliveryPrepared:
            return prepared(release, event.delivery_prepared());
        case v1::Event::kReleaseArmed:
            return armed(release, event.release_armed());
        case v1::Event::kDeliveriesClaimed:
            return claimed(release, event.deliveries_claimed(), decided_at);
        case v1::Event::kDeliverySettled:
            return settled(release, event.delivery_settled());
        case v1::Event::kReleaseCancelled:
            return cancelled(release, event.release_cancelled());
        case v1::Event::kReleaseEnded:
            return ended(release, event.release_ended());
        case v1::Event::kRetractionArmed:
            return retraction_armed(release, event.retraction_armed());
        case v1::Event::kDeliveryUnknown:
            return unknown(release, event.delivery_unknown());
        case v1::Event::kDeliveryRearmed:
            return rearmed(release, event.delivery_rearmed());
        case v1::Event::kReleaseCompleted:
            return completed(release, event.release_completed());
        case v1::Event::kChannelPut:
        case v1::Event::kChannelRemoved:
        case v1::Event::BODY_NOT_SET:
            return;
    }
}

bool evolve(State& state, const v1::Event& event, Time decided_at) {
    if (event.body_case() == v1::Event::BODY_NOT_SET) return false;
    if (event.has_channel_put()) {
        NumberedChannel& known = state.channels[event.channel_put().channel().channel_id()];
        known.channel = event.channel_put().channel();
        ++known.version;
        return true;
    }
    if (event.has_channel_removed()) {
        const auto known = state.channels.find(event.channel_removed().channel_id());
        if (known == state.channels.end()) return true;
        known->second.channel.set_active(false);
        ++known->second.version;
        return true;
    }
    const std::string id{release_of(event)};
    if (event.has_release_planned()) state.order.push_back(id);
    Release& release = state.releases[id];
    if (const auto due = release.due()) state.due.erase({*due, id});
    evolve(release, event, decided_at);
    if (const auto due = release.due()) state.due.emplace(*due, id);
    return true;
}

}  // namespace tocsin::publishing
