#include "publishing/release.hpp"

#include "content/cap.hpp"
#include "publishing/limits.hpp"
#include "publishing/next_action.hpp"
#include "runtime/base/planted.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace tocsin::publishing {

static std::size_t index_of(v1::Purpose purpose) {
    return purpose == v1::PURPOSE_RETRACTION ? 1 : 0;
}

bool Release::move(v1::ReleaseState to) {
    if (!may_move(head.state(), to)) return false;
    head.set_state(to);
    return true;
}

int Release::count(v1::Purpose purpose, v1::DeliveryState state) const {
    return counts_[index_of(purpose)].at(static_cast<std::size_t>(state));
}

int Release::count(v1::Purpose purpose, std::initializer_list<v1::DeliveryState> states) const {
    int all = 0;
    for (const v1::DeliveryState state : states) all += count(purpose, state);
    return all;
}

int Release::count(v1::Purpose purpose) const {
    int all = 0;
    for (const int some : counts_[index_of(purpose)]) all += some;
    return all;
}

void Release::tally(const Delivery& delivery, int by) {
    counts_[index_of(delivery.head.purpose())].at(static_cast<std::size_t>(delivery.state())) += by;
    const Standing where{delivery.head.agency_id(), delivery.head.kind(), delivery.state()};
    const int* known = standings.find(where);
    const int number = (known ? *known : 0) + by;
    if (number == 0)
        standings.erase(where);
    else
        standings.set(where, number);
}

bool Release::takes_stragglers() const {
    if (planted(runtime::Bug::straggler_lost)) return false;
    return !retract_at && head.superseded_by().empty() &&
           (is(v1::RELEASE_STATE_ARMED) || is(v1::RELEASE_STATE_FIRING));
}

bool Release::has_quorum() const {
    if (stragglers.quorum_percent() == 0) return true;
    const auto excused = std::ranges::count_if(
        deliveries, [](const Delivery& delivery) { return delivery.head.excused(); });
    const int wanted = count(v1::PURPOSE_MESSAGE) - static_cast<int>(excused);
    return 100 * count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_READY) >=
           wanted * stragglers.quorum_percent();
}

Time Release::advances_at() const {
    const int ready = count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_READY);
    const int silent = count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_PLANNED);
    const int open = silent + count(v1::PURPOSE_MESSAGE, v1::DELIVERY_STATE_NOT_READY);
    if (is_settled(v1::PURPOSE_MESSAGE)) return changed_at;
    if (prepare_again_at) return std::min(*prepare_again_at, expires);
    const bool for_all = stragglers.wait_seconds() > 0 || planted(runtime::Bug::straggler_waits);
    const bool waits = (for_all ? open : silent) > 0;
    if (ready > 0 && has_quorum() && !waits) return changed_at;
    // The first that is ready goes then, or too few are.
    return ready > 0 || !has_quorum() ? std::min(go_at, expires) : expires;
}

bool Release::sends() const {
    for (const auto purpose : {v1::PURPOSE_MESSAGE, v1::PURPOSE_RETRACTION})
        if (count(purpose, {v1::DELIVERY_STATE_ARMED, v1::DELIVERY_STATE_CLAIMED,
                            v1::DELIVERY_STATE_UNKNOWN}) > 0)
            return true;
    return false;
}

bool Release::is_settled(v1::Purpose purpose) const {
    return count(purpose, {v1::DELIVERY_STATE_CONFIRMED, v1::DELIVERY_STATE_REFUSED,
                           v1::DELIVERY_STATE_STOOD_DOWN, v1::DELIVERY_STATE_SKIPPED}) ==
           count(purpose);
}

bool Release::never_left() const { return std::ranges::all_of(deliveries, &Delivery::never_left); }

const Delivery* Release::retraction_of(std::string_view original_id) const {
    const Delivery* last = nullptr;
    for (int number = 1; const Delivery* delivery = find(retraction_id(original_id, number));
         ++number)
        last = delivery;
    return last;
}

bool Release::claimable(const Delivery& delivery, Time now) const {
    if (!delivery.is(v1::DELIVERY_STATE_ARMED) || (delivery.retry_at && *delivery.retry_at > now) ||
        !rendered(delivery) || (delivery.wants_signature && !delivery.signature))
        return false;
    if (!delivery.retracts() || planted(runtime::Bug::retraction_first)) return true;
    const Delivery* original = find(original_of(delivery.id()));
    return original == nullptr || original->lets_pass(now);
}

std::shared_ptr<const Sealed> Release::body(const Delivery& delivery) const {
    auto armed = rendered(delivery);
    if (!armed || !delivery.wants_signature) return armed;
    if (!delivery.signature) return nullptr;
    const Signature& signature = *delivery.signature;
    return std::make_shared<const Sealed>(content::signed_cap(armed->bytes(), signature.element),
                                          signature.digest);
}

std::shared_ptr<const Sealed> Release::rendered(const Delivery& delivery) const {
    if (!bodies || !delivery.armed) return nullptr;
    const auto found = bodies->find(delivery.armed->digest);
    return found == bodies->end() ? nullptr : found->second;
}

Time Release::deadline(v1::Purpose purpose) const {
    if (purpose == v1::PURPOSE_RETRACTION && retract_at) return *retract_at + retraction_lifetime;
    return expires;
}

std::optional<Time> Release::due(std::optional<Time> claim_over) const {
    if (missing > 0) return claim_over ? std::min(*claim_over, missing_since) : missing_since;
    if (claim_over) return claim_over;
    if (prepares()) return advances_at();
    if (is(v1::RELEASE_STATE_ARMED) || is(v1::RELEASE_STATE_FIRING)) return expires;
    if (is(v1::RELEASE_STATE_RETRACTING)) return deadline(v1::PURPOSE_RETRACTION);
    return std::nullopt;
}

std::optional<Time> Release::fades() const {
    if (!content || !at_rest()) return std::nullopt;
    // Nothing to take back.
    if (!went_out) return Time{};
    const Time last = retract_at ? std::max(expires, *retract_at + retraction_lifetime) : expires;
    return last + kept_after_expiry;
}

void Release::drop_texts() {
    content.reset();
    bodies.reset();
    missing = 0;
    // Of what was sent the digest stays.
    std::map<const Armed*, std::shared_ptr<const Armed>> digests;
    deliveries.change_all(
        [](const Delivery& delivery) { return delivery.armed != nullptr; },
        [&](Delivery& delivery) {
            if (delivery.signature)
                delivery.signature = std::make_shared<const Signature>(
                    Signature{.element = {}, .digest = delivery.signature->digest});
            auto& digest = digests[delivery.armed.get()];
            if (!digest)
                digest = std::make_shared<const Armed>(Armed{{}, {}, delivery.armed->digest});
            delivery.armed = digest;
        });
}

content::v1::Parties Release::parties() const {
    content::v1::Parties parties;
    *parties.mutable_agencies() = head.agencies();
    *parties.mutable_incident_agencies() = head.incident_agencies();
    return parties;
}

static v1::Delivery without_bytes(const Release& release, const Delivery& delivery) {
    v1::Delivery all = delivery.head;
    say_next(release, delivery, all);
    if (delivery.channel) *all.mutable_channel() = *delivery.channel;
    if (!delivery.armed) return all;
    *all.mutable_rendition() = delivery.armed->rendition;
    all.set_rendition_digest(delivery.digest());
    return all;
}

v1::Release Release::whole() const {
    v1::Release all = head;
    for (const Delivery& delivery : deliveries)
        *all.add_deliveries() = without_bytes(*this, delivery);
    return all;
}

v1::Delivery Release::whole(const Delivery& delivery) const {
    v1::Delivery all = without_bytes(*this, delivery);
    if (!delivery.armed) return all;
    *all.mutable_fixed() = delivery.armed->fixed;
    if (const auto bytes = body(delivery)) all.mutable_rendition()->set_body(bytes->bytes());
    return all;
}

}  // namespace tocsin::publishing
