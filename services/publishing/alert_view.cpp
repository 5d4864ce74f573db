#include "publishing/alert_view.hpp"

#include "content/texts.hpp"

#include <atomic>

namespace tocsin::publishing {

// Of all realms, so that one which is folded again does not come by a number that it had before.
static std::int64_t next_version() {
    static std::atomic<std::int64_t> last{0};
    return ++last;
}

std::shared_ptr<const Alert> AlertView::alert(const std::string& identifier, Time now) const {
    const std::shared_ptr<const Alert>* found = alerts_.find(identifier);
    return found && (*found)->is_public(now) ? *found : nullptr;
}

// ---- events

void AlertView::apply(const v1::ChannelPut& put, Time decided_at) {
    if (!feed_since_ && content::traits_of(put.channel().kind()).public_from_claim)
        feed_since_ = decided_at;
}

void AlertView::claimed(const Release& release, const v1::Event& event, Time decided_at) {
    const Delivery* listed = nullptr;
    for (const std::string& delivery_id : event.delivery_ids())
        if (const Delivery* delivery = release.find(delivery_id);
            delivery && delivery->traits().public_from_claim && delivery->armed) {
            list(release, *delivery, decided_at);
            listed = delivery;
        }
    // All that is claimed at once is of one purpose, and says the same.
    if (listed) learn_languages(release, listed->fixed());
}

void AlertView::list(const Release& release, const Delivery& delivery, Time claimed_at) {
    const content::v1::Fixed& fixed = delivery.fixed();
    if (alerts_.contains(fixed.identifier())) return;
    Alert alert{.identifier = fixed.identifier(),
                .body = release.body(delivery),
                .armed = delivery.armed,
                .fire_at = runtime::from_proto(fixed.fire_at()),
                .claimed_at = claimed_at,
                .expires = runtime::from_proto(fixed.expires()),
                .content = nullptr};
    alerts_.set(alert.identifier, std::make_shared<const Alert>(alert));
    // Its own, so that it is not held parsed with that of the release.
    if (release.content)
        alert.content =
            std::make_shared<const Approved>(release.content->bytes(), release.content->digest());
    const std::pair place{alert.fire_at, ++listings_};
    listed_until_.set({alert.expires, listings_}, alert.fire_at);
    const Time public_at = alert.public_at();
    listed_.set(place, std::make_shared<const Alert>(std::move(alert)));
    listed_version_ = next_version();
    if (fixed.has_retracts())
        succeed(fixed.retracts().identifier(), Successor{fixed.identifier(), public_at, true});
}

void AlertView::succeed(const std::string& identifier, std::optional<Successor> successor) {
    const Successor* known = successors_.find(identifier);
    if (!alerts_.contains(identifier) || (known ? successor == *known : !successor)) return;
    if (successor)
        successors_.set(identifier, std::move(*successor));
    else
        successors_.erase(identifier);
    listed_version_ = next_version();
}

// That of its own agency, or another one that the feed has.
std::string AlertView::successor_of(const Alert& alert, const Release& later) const {
    const auto& identifiers = later.head.identifiers();
    const auto own = identifiers.find(alert.armed->fixed.agency());
    std::string best = own == identifiers.end() ? std::string{} : own->second;
    if (alerts_.contains(best)) return best;
    std::string other;
    for (const auto& [agency, identifier] : identifiers)
        if (alerts_.contains(identifier) && (other.empty() || identifier < other))
            other = identifier;
    return other.empty() ? best : other;
}

void AlertView::supersede(const Release& release, const Release* later, Time decided_at) {
    std::optional<Successor> successor;
    if (later) {
        const bool readable = later->content && later->content->parsed();
        successor =
            Successor{.identifier = {},
                      .since = std::max(runtime::from_proto(later->head.fire_at()), decided_at),
                      .cancels = readable && later->content->parsed()->message_type() ==
                                                 content::v1::MESSAGE_TYPE_CANCEL};
    }
    for (const Delivery& delivery : release.deliveries) {
        if (!delivery.traits().public_from_claim || delivery.retracts()) continue;
        const std::string& identifier = delivery.fixed().identifier();
        const auto* alert = alerts_.find(identifier);
        if (!alert) continue;
        if (successor) successor->identifier = successor_of(**alert, *later);
        succeed(identifier, successor);
    }
}

void AlertView::learn_languages(const Release& release, const content::v1::Fixed& fixed) {
    // Checked when it was planned: this is only read, and by the ledger's thread.
    content::Content content;
    if (!release.content || !content.ParseFromString(release.content->bytes())) return;
    for (const content::Text& text : content::said(content, fixed))
        if (languages_.size() < feed_languages_max && !languages_.contains(text.language()))
            languages_.set(text.language(), 1);
}

void AlertView::unlist_expired(Time now) {
    for (auto due = listed_until_.first(); due && due->first <= now; due = listed_until_.first()) {
        listed_.erase({*listed_until_.find(*due), due->second});
        listed_until_.erase(*due);
        last_unlisted_ = std::max(last_unlisted_, due->first);
        listed_version_ = next_version();
    }
}

void AlertView::drop(const Release& release) {
    for (const Delivery& delivery : release.deliveries)
        if (delivery.traits().public_from_claim) {
            alerts_.erase(delivery.fixed().identifier());
            successors_.erase(delivery.fixed().identifier());
        }
}

}  // namespace tocsin::publishing
