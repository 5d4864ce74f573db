#include "publishing/view.hpp"

#include "content/texts.hpp"
#include "runtime/ledger/view_events.hpp"

#include <algorithm>
#include <atomic>

namespace tocsin::publishing {

using runtime::from_proto;

// Of all realms, so that one which is folded again does not come by a number that it had before.
static std::int64_t next_version() {
    static std::atomic<std::int64_t> last{0};
    return ++last;
}

bool needs_work(const Release& release) {
    if (!release.at_rest()) return true;
    for (const auto purpose : {v1::PURPOSE_MESSAGE, v1::PURPOSE_RETRACTION})
        if (release.count(purpose, "unknown") + release.count(purpose, "claimed") > 0) return true;
    return false;
}

void Realm::apply(const runtime::Counted& counted) {
    if (counted.service != "publishing" || !counted.decision.has_accepted()) return;
    // What this service tells itself carries no trace of its own.
    const std::string& trace = counted.decision.cause().traceparent();
    bool of_releases = false;
    runtime::each_event<v1::Event>(counted, [&](const v1::Event& event) {
        apply(event, counted.decided_at, trace);
        of_releases = of_releases || !release_of(event).empty();
    });
    decided_at_ = counted.decided_at;
    unlist_expired(counted.decided_at);
    faded_now_.clear();
    // With the same decisions as the decider: until then it may still decide on them.
    if (of_releases) drop_faded(counted.decided_at);
}

void Realm::apply(const v1::Event& event, Time decided_at, const std::string& trace) {
    const std::string id{release_of(event)};
    if (id.empty()) {
        const std::string& channel = channel_of(event);
        if (!feed_since_ && event.has_channel_put() &&
            content::traits_of(event.channel_put().channel().kind()).public_from_claim)
            feed_since_ = decided_at;
        if (event.has_channel_put() || channels_.contains(channel))
            evolve(channels_.edit(channel), event);
        return;
    }
    if (!event.has_release_planned() && !releases_.contains(id)) return;
    Release& release = releases_.edit(id);
    if (const auto at = release.fades()) fading_.erase({*at, id});
    evolve(release, event, decided_at);
    if (event.has_release_planned())
        attach_channels(release, [&](const std::string& channel) {
            const NumberedChannel* known = channels_.find(channel);
            return known ? known->shared : nullptr;
        });
    if (const auto at = release.fades()) fading_.set({*at, id}, 1);
    if (needs_work(release))
        open_.set(id, 1);
    else
        open_.erase(id);
    if (!trace.empty()) traces_.set(id, trace);
    note(id, event, decided_at);
}

void Realm::note(const std::string& id, const v1::Event& event, Time decided_at) {
    const Release& release = *releases_.find(id);
    if (event.has_release_planned()) {
        by_message_.edit(release.head.message_id()) = id;
        order_.set(static_cast<std::int64_t>(order_.size()) + 1, id);
    }
    if (!event.has_deliveries_claimed()) return;
    const Item* listed = nullptr;
    for (const std::string& delivery : event.deliveries_claimed().delivery_ids())
        if (const Item* item = release.find(delivery);
            item && item->traits().public_from_claim && item->armed) {
            list(release, *item, decided_at);
            listed = item;
        }
    // All that is claimed at once is of one purpose, and says the same.
    if (listed) learn_languages(release, listed->fixed());
}

void Realm::list(const Release& release, const Item& item, Time claimed_at) {
    const content::v1::Fixed& fixed = item.fixed();
    if (alerts_.contains(fixed.identifier())) return;
    Alert alert{.identifier = fixed.identifier(),
                .body = release.body(item),
                .armed = item.armed,
                .fire_at = from_proto(fixed.fire_at()),
                .claimed_at = claimed_at,
                .expires = release.expires,
                .content = nullptr};
    alerts_.set(alert.identifier, std::make_shared<const Alert>(alert));
    // Its own, so that it is not held parsed with that of the release.
    if (release.content)
        alert.content =
            std::make_shared<const Approved>(release.content->bytes(), release.content->digest());
    const std::pair place{alert.fire_at, ++listings_};
    listed_until_.set({alert.expires, listings_}, alert.fire_at);
    listed_.set(place, std::make_shared<const Alert>(std::move(alert)));
    listed_version_ = next_version();
}

void Realm::learn_languages(const Release& release, const content::v1::Fixed& fixed) {
    // Checked when it was planned: this is only read, and by the ledger's thread.
    content::Content content;
    if (!release.content || !content.ParseFromString(release.content->bytes())) return;
    for (const content::Text& text : content::said(content, fixed))
        if (languages_.size() < feed_languages_max && !languages_.contains(text.language()))
            languages_.set(text.language(), 1);
}

void Realm::unlist_expired(Time now) {
    for (auto due = listed_until_.first(); due && due->first <= now; due = listed_until_.first()) {
        listed_.erase({*listed_until_.find(*due), due->second});
        listed_until_.erase(*due);
        last_unlisted_ = std::max(last_unlisted_, due->first);
        listed_version_ = next_version();
    }
}

void Realm::drop_faded(Time now) {
    for (auto due = fading_.first(); due && due->first <= now; due = fading_.first()) {
        fading_.erase(*due);
        const auto& [at, id] = *due;
        Release& release = releases_.edit(id);
        for (const Item& item : release.items)
            if (item.traits().public_from_claim) alerts_.erase(item.fixed().identifier());
        release.drop_texts();
        traces_.erase(id);
        if (at == Time{}) continue;  // Never public: the decider keeps it too.
        faded_.edit(id) = Faded(release);
        releases_.erase(id);
        open_.erase(id);
        faded_now_.insert(id);
    }
}

std::string Realm::trace(const std::string& release_id) const {
    const std::string* found = traces_.find(release_id);
    return found ? *found : std::string{};
}

content::v1::Parties Realm::parties(const std::string& id) const {
    if (const Release* known = releases_.find(id)) return known->parties();
    if (const Faded* known = faded_.find(id)) return known->parties();
    return {};
}

std::optional<v1::Release> Realm::whole_release(const std::string& id) const {
    if (const Release* known = release(id)) return known->whole();
    if (const Faded* known = faded_.find(id)) return known->whole();
    return std::nullopt;
}

std::shared_ptr<const Alert> Realm::alert(const std::string& identifier, Time now) const {
    const std::shared_ptr<const Alert>* found = alerts_.find(identifier);
    return found && (*found)->is_public(now) ? *found : nullptr;
}

}  // namespace tocsin::publishing
