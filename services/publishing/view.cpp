#include "publishing/view.hpp"

#include "content/cap.hpp"
#include "content/content.hpp"
#include "content/feed_page.hpp"
#include "content/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

namespace tocsin::publishing {

using runtime::from_proto;

void Realm::apply(const runtime::Counted& counted) {
    if (counted.service != "publishing" || !counted.decision.has_accepted()) return;
    for (const std::string& bytes : counted.decision.accepted().events()) {
        v1::Event event;
        // The ledger stops before this service at an event that it does not know.
        if (!event.ParseFromString(bytes)) continue;
        evolve(state_, event, counted.decided_at);
        if (event.has_release_planned()) {
            const v1::Release& release = event.release_planned().release();
            by_message_[release.message_id()] = release.release_id();
        }
        // What this service tells itself carries no trace of its own.
        const std::string& trace = counted.decision.cause().traceparent();
        if (const std::string_view id = release_of(event); !id.empty() && !trace.empty())
            traces_[std::string(id)] = trace;
        const auto index = [&](const auto& deliveries, const std::string& release_id) {
            for (const v1::Delivery& delivery : deliveries)
                if (delivery.kind() == "feed")
                    by_identifier_[delivery.fixed().identifier()] = {release_id,
                                                                     delivery.delivery_id()};
        };
        if (event.has_release_armed())
            index(event.release_armed().deliveries(), event.release_armed().release_id());
        if (event.has_retraction_armed())
            index(event.retraction_armed().deliveries(), event.retraction_armed().release_id());
    }
}

const Release* Realm::release(const std::string& id) const {
    const auto found = state_.releases.find(id);
    return found == state_.releases.end() ? nullptr : &found->second;
}

std::string Realm::trace(const std::string& release_id) const {
    const auto found = traces_.find(release_id);
    return found == traces_.end() ? std::string{} : found->second;
}

const Release* Realm::release_of_message(const std::string& message_id) const {
    const auto found = by_message_.find(message_id);
    return found == by_message_.end() ? nullptr : release(found->second);
}

const Item* Realm::alert(const std::string& identifier, Time now) const {
    const auto found = by_identifier_.find(identifier);
    if (found == by_identifier_.end()) return nullptr;
    const Release* of = release(found->second.first);
    const Item* item = of ? of->find(found->second.second) : nullptr;
    return item && is_public(*item, now) ? item : nullptr;
}

bool is_public(const Item& item, Time now) {
    return item.delivery.kind() == "feed" && item.delivery.attempts() > 0 &&
           now >= from_proto(item.delivery.fixed().fire_at());
}

static content::FeedEntry entry_of(const content::Content& content, const Item& item,
                                   const std::string& language) {
    const content::v1::Fixed& fixed = item.delivery.fixed();
    const content::Texts& texts = content::said(content, fixed);
    const int index = std::max(content::find_text(texts, language), 0);
    content::FeedEntry entry;
    entry.id = fixed.permalink();
    entry.href = fixed.permalink();
    if (index < texts.size()) {
        const std::string_view marking = content::marking(content);
        entry.title = marking.empty() ? texts[index].headline()
                                      : fmt::format("{}: {}", marking, texts[index].headline());
        entry.summary = texts[index].description();
    } else {
        entry.title = fixed.identifier();
    }
    entry.category = content::cap_word(content.draft().category());
    entry.status = content::cap_status(content);
    entry.published = from_proto(fixed.fire_at());
    entry.updated = entry.published;
    return entry;
}

std::string feed_page(const State& state, const std::string& realm, const std::string& language,
                      const std::string& base_url, Time now) {
    std::vector<content::FeedEntry> entries;
    std::string author;
    for (const std::string& id : std::views::reverse(state.order)) {
        const Release& release = state.releases.at(id);
        // Every alert that is in force is listed: a sixth one must not push the first one out.
        if (release.expires <= now) continue;
        const bool shown = std::ranges::any_of(
            release.items, [&](const Item& item) { return is_public(item, now); });
        const auto content = shown ? content::parse(release.content)
                                   : std::unexpected<std::string>("nothing public");
        if (!content) continue;
        // An alert stays beside its Cancel, so that a reader of either finds the other.
        for (const Item& item : std::views::reverse(release.items)) {
            if (!is_public(item, now)) continue;
            entries.push_back(entry_of(*content, item, language));
            if (author.empty()) author = content::sender_name(item.delivery.fixed(), language);
        }
    }
    std::ranges::stable_sort(entries, std::greater{}, &content::FeedEntry::updated);
    content::FeedInfo feed;
    feed.self = fmt::format("{}/feeds/{}/{}.atom", base_url, realm, language);
    feed.id = feed.self;
    feed.title = language.starts_with("fr") ? fmt::format("Alertes : {}", realm)
                                            : fmt::format("Alerts: {}", realm);
    feed.language = language;
    feed.author = author.empty() ? realm : author;
    feed.updated = entries.empty() ? Time{} : entries.front().updated;
    return content::atom_feed(feed, entries);
}

}  // namespace tocsin::publishing
