#include "publishing/release.hpp"

#include "publishing/limits.hpp"
#include "runtime/base/planted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tocsin::publishing {

using runtime::from_proto;

// A retraction is tried for this long: a wrong message stays wrong after it expired.
static constexpr Duration retraction_lifetime = std::chrono::hours{24};

const content::v1::Fixed& Item::fixed() const {
    return armed ? armed->fixed : content::v1::Fixed::default_instance();
}

bool Item::settled() const {
    return is("confirmed") || is("refused") || is("stood_down") || is("skipped");
}

bool Item::may_be_public() const {
    if (is("confirmed") || is("unknown") || is("claimed")) return true;
    // What cannot be asked may have what it had once, whatever became of the repeats.
    if (!traits().can_be_asked && doubted()) return true;
    return traits().public_from_claim && delivery.attempts() > 0;
}

static std::size_t index_of(std::string_view state) {
    const auto found = std::ranges::find(delivery_states, state);
    return static_cast<std::size_t>(found - delivery_states.begin());
}

static std::size_t index_of(v1::Purpose purpose) {
    return purpose == v1::PURPOSE_RETRACTION ? 1 : 0;
}

bool Release::at_rest() const {
    return !is("preparing") && !is("waiting") && !is("armed") && !is("firing") && !is("retracting");
}

int Release::count(v1::Purpose purpose, std::string_view state) const {
    return counts_[index_of(purpose)][index_of(state)];
}

int Release::count(v1::Purpose purpose) const {
    int all = 0;
    for (const int some : counts_[index_of(purpose)]) all += some;
    return all;
}

void Release::tally(const Item& item, int by) {
    const std::size_t state = index_of(item.state());
    // A state of a newer version is counted nowhere; the release is not read by this one then.
    if (state == delivery_states.size()) return;
    counts_[index_of(item.delivery.purpose())][state] += by;
    const Standing where{item.delivery.agency_id(), item.delivery.kind(), item.state()};
    const int* known = standings.find(where);
    const int number = (known ? *known : 0) + by;
    if (number == 0)
        standings.erase(where);
    else
        standings.set(where, number);
}

static constexpr std::string_view cancel_mark = ":cancel";

std::string_view original_of(std::string_view retraction_id) {
    return retraction_id.substr(0, retraction_id.find(cancel_mark));
}

std::string retraction_id(std::string_view original_id, int number) {
    return fmt::format("{}{}{}", original_id, cancel_mark,
                       number == 1 ? std::string{} : fmt::format(":{}", number));
}

bool Release::never_left() const { return std::ranges::all_of(items, &Item::never_left); }

const Item* Release::retraction_of(std::string_view original_id) const {
    const Item* last = nullptr;
    for (int number = 1; const Item* item = find(retraction_id(original_id, number)); ++number)
        last = item;
    return last;
}

bool Release::claimable(const Item& item, Time now) const {
    if (!item.is("armed") || (item.retry_at && *item.retry_at > now) || !body(item)) return false;
    if (!item.retracts() || planted(runtime::Bug::retraction_first)) return true;
    const Item* original = find(original_of(item.id()));
    if (original == nullptr || (original->settled() && !original->may_come_late())) return true;
    // It is shown from T0 on without anybody doing anything.
    if (original->traits().public_from_claim && original->delivery.attempts() > 0) return true;
    // Started at the last moment, it may still be carried out.
    const Time over = from_proto(original->delivery.give_up_at()) + claim_margin + post_lifetime;
    return (original->settled() || (original->is("unknown") && original->asked)) && now >= over;
}

std::shared_ptr<const Sealed> Release::body(const Item& item) const {
    if (!bodies || !item.armed) return nullptr;
    const auto found = bodies->find(item.armed->digest);
    return found == bodies->end() ? nullptr : found->second;
}

Time Release::deadline(v1::Purpose purpose) const {
    if (purpose == v1::PURPOSE_RETRACTION && retract_at) return *retract_at + retraction_lifetime;
    return expires;
}

std::optional<Time> Release::due(std::optional<Time> claim_over) const {
    if (missing > 0) return claim_over ? std::min(*claim_over, missing_since) : missing_since;
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

std::optional<Time> Release::fades() const {
    if (!content || !at_rest()) return std::nullopt;
    // Nothing to take back.
    if (!went_out) return Time{};
    const Time last = expires + kept_after_expiry;
    return retract_at ? std::max(last, *retract_at + retraction_lifetime) : last;
}

void Release::drop_texts() {
    content.reset();
    senders.reset();
    bodies.reset();
    missing = 0;
    // Of what was sent the digest stays.
    std::map<const Armed*, std::shared_ptr<const Armed>> digests;
    items.change_all([](const Item& item) { return item.armed != nullptr; },
                     [&](Item& item) {
                         auto& digest = digests[item.armed.get()];
                         if (!digest)
                             digest =
                                 std::make_shared<const Armed>(Armed{{}, {}, item.armed->digest});
                         item.armed = digest;
                     });
}

content::v1::Parties Release::parties() const {
    content::v1::Parties parties;
    *parties.mutable_agencies() = head.agencies();
    *parties.mutable_incident_agencies() = head.incident_agencies();
    return parties;
}

v1::Release Release::whole() const {
    v1::Release all = head;
    for (const Item& item : items) {
        v1::Delivery& delivery = *all.add_deliveries();
        delivery = item.delivery;
        if (item.channel) *delivery.mutable_channel() = *item.channel;
        if (!item.armed) continue;
        *delivery.mutable_rendition() = item.armed->rendition;
        delivery.set_rendition_digest(item.armed->digest);
    }
    return all;
}

v1::Delivery Release::whole(const Item& item) const {
    v1::Delivery delivery = item.delivery;
    if (item.channel) *delivery.mutable_channel() = *item.channel;
    if (!item.armed) return delivery;
    *delivery.mutable_fixed() = item.armed->fixed;
    *delivery.mutable_rendition() = item.armed->rendition;
    delivery.set_rendition_digest(item.armed->digest);
    if (const auto bytes = body(item)) delivery.mutable_rendition()->set_body(bytes->bytes());
    return delivery;
}

void attach_channels(Release& release, const ChannelOf& channel_of) {
    release.items.change_all(
        [](const Item&) { return true; },
        [&](Item& item) { item.channel = channel_of(item.delivery.channel_id()); });
}

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
        case v1::Event::kRenditionKept:
            return event.rendition_kept().release_id();
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return {};
}

std::vector<std::string> deliveries_of(const v1::Event& event) {
    switch (event.body_case()) {
        case v1::Event::kDeliveryPrepared:
            return {event.delivery_prepared().delivery_id()};
        case v1::Event::kDeliveriesClaimed: {
            const auto& ids = event.deliveries_claimed().delivery_ids();
            return {ids.begin(), ids.end()};
        }
        case v1::Event::kDeliverySettled:
            return {event.delivery_settled().delivery_id()};
        case v1::Event::kDeliveryUnknown:
            return {event.delivery_unknown().delivery_id()};
        case v1::Event::kDeliveryRearmed:
            return {event.delivery_rearmed().delivery_id()};
        case v1::Event::kChannelPut:
        case v1::Event::kChannelRemoved:
        case v1::Event::kReleasePlanned:
        case v1::Event::kReleaseArmed:
        case v1::Event::kReleaseCancelled:
        case v1::Event::kReleaseEnded:
        case v1::Event::kRetractionArmed:
        case v1::Event::kReleaseCompleted:
        case v1::Event::kRenditionKept:
        case v1::Event::BODY_NOT_SET:
            break;
    }
    return {};
}

}  // namespace tocsin::publishing
