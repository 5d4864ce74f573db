#include "publishing/feed.hpp"

#include "content/cap.hpp"
#include "content/checks.hpp"
#include "content/content.hpp"
#include "content/feed_page.hpp"
#include "content/texts.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::publishing {

static content::FeedEntry entry_of(const content::Content& content, const Alert& alert,
                                   const std::string& language) {
    const content::v1::Fixed& fixed = alert.armed->fixed;
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
    entry.author = content::sender_name(fixed, language);
    if (entry.author.empty()) entry.author = fixed.agency();
    entry.message_type = content::cap_message_type(content, fixed);
    entry.references = content::cap_references(content, fixed);
    entry.category = content::cap_word(content.draft().category());
    entry.status = content::cap_status(content);
    entry.published = alert.fire_at;
    entry.updated = alert.public_at();
    return entry;
}

namespace {

class FeedBuilder {
public:
    FeedBuilder(const Realm& realm, std::string name, std::string language, std::string base_url,
                Time now, FeedEntries& entries, Time updated_before)
        : name_(std::move(name)),
          language_(std::move(language)),
          base_url_(std::move(base_url)),
          before_(entries) {
        index_.version = realm.listed_version();
        index_.from = now;
        index_.until = Time::max();
        index_.updated =
            std::max({updated_before, realm.feed_since().value_or(Time{}), realm.last_unlisted()});
        realm.listed().descend(nullptr, [&](const auto&, const auto& alert) {
            take(alert, now);
            return true;
        });
        std::swap(entries, entries_);
    }

    FeedIndex build() {
        std::size_t at = 0;
        do {
            std::vector<const std::string*> rows;
            std::size_t bytes = 0;
            while (at < shown_.size() && rows.size() < feed_rows_max) {
                const std::string& entry = *shown_[at];
                if (!rows.empty() && bytes + entry.size() > feed_bytes_max) break;
                bytes += entry.size();
                rows.push_back(&entry);
                ++at;
            }
            add_page(rows, at < shown_.size());
        } while (at < shown_.size());
        return std::move(index_);
    }

private:
    // Every alert that is in force is listed: a sixth one must not push the first one out. An alert
    // stays beside its Cancel, so that a reader of either finds the other.
    void take(const std::shared_ptr<const Alert>& alert, Time now) {
        if (alert->expires <= now) {
            index_.updated = std::max(index_.updated, alert->expires);
            return;
        }
        index_.until = std::min(index_.until, alert->expires);
        if (!alert->is_public(now)) {
            index_.until = std::min(index_.until, alert->fire_at);
            return;
        }
        const auto known = before_.find(alert->identifier);
        if (known != before_.end())
            entries_.insert(before_.extract(known));
        else if (!render(*alert))
            return;
        index_.updated = std::max(index_.updated, alert->public_at());
        shown_.push_back(&entries_.at(alert->identifier));
    }

    bool render(const Alert& alert) {
        if (!alert.content) return false;
        const auto content = content::parse(alert.content->bytes());
        if (!content) return false;
        entries_[alert.identifier] = content::atom_entry(entry_of(*content, alert, language_));
        return true;
    }

    std::string address(int number) const {
        const std::string first = fmt::format("{}/feeds/{}/{}.atom", base_url_, name_, language_);
        return number == 1 ? first : fmt::format("{}?page={}", first, number);
    }

    void add_page(const std::vector<const std::string*>& rows, bool more) {
        const int number = static_cast<int>(index_.pages.size()) + 1;
        content::FeedInfo feed;
        feed.self = address(number);
        feed.id = address(1);
        feed.title = language_.starts_with("fr") ? fmt::format("Alertes : {}", name_)
                                                 : fmt::format("Alerts: {}", name_);
        feed.language = language_;
        // Several agencies publish on it: each entry names its own.
        feed.author = name_;
        feed.updated = index_.updated;
        if (more) feed.next = address(number + 1);
        FeedPage page{content::atom_feed_of(feed, rows), {}};
        page.etag = content::digest(page.body);
        index_.pages.push_back(std::move(page));
    }

    std::string name_, language_, base_url_;
    FeedEntries& before_;
    FeedEntries entries_;
    std::vector<const std::string*> shown_;  // in entries_
    FeedIndex index_;
};

}  // namespace

FeedIndex build_feed(const Realm& realm, const std::string& name, const std::string& language,
                     const std::string& base_url, Time now, FeedEntries& entries,
                     Time updated_before) {
    return FeedBuilder{realm, name, language, base_url, now, entries, updated_before}.build();
}

// The same on every instance, and after every restart. Empty: nothing speaks it.
static std::string spoken(const Realm& realm, const std::string& language) {
    if (realm.languages().contains(language)) return language;
    std::vector<std::string> all(content::required_languages.begin(),
                                 content::required_languages.end());
    if (std::ranges::find(all, language) != all.end()) return language;
    realm.languages().ascend(nullptr, [&](const std::string& one, char) {
        all.push_back(one);
        return true;
    });
    const auto primary = content::primary_language(language);
    const auto near = std::ranges::find(all, primary, content::primary_language);
    return near == all.end() ? std::string{} : *near;
}

std::shared_ptr<const FeedIndex> FeedPages::index(const Realm& snapshot, const std::string& realm,
                                                  const std::string& language,
                                                  const std::string& base_url, Time now) {
    const std::int64_t version = snapshot.listed_version();
    FeedEntries none;
    // Nothing to keep for names that anybody may ask for.
    if (version == 0)
        return std::make_shared<const FeedIndex>(
            build_feed(snapshot, realm, language, base_url, now, none));
    std::shared_ptr<Slot> slot;
    std::shared_ptr<const FeedIndex> known;
    {
        const std::lock_guard lock(mutex_);
        auto& place = slots_[realm][language];
        if (!place) place = std::make_shared<Slot>();
        slot = place;
        known = slot->index;
    }
    if (known && known->right(version, now)) return known;
    const std::lock_guard building(slot->building);
    {
        const std::lock_guard lock(mutex_);
        known = slot->index;
    }
    if (known && known->right(version, now)) return known;
    auto fresh = std::make_shared<const FeedIndex>(
        build_feed(snapshot, realm, language, base_url, now, slot->entries, slot->updated));
    slot->updated = fresh->updated;
    const std::lock_guard lock(mutex_);
    slot->index = fresh;
    return fresh;
}

std::shared_ptr<const FeedPage> FeedPages::page(const std::string& realm,
                                                const std::string& language, int number,
                                                const std::string& base_url, Time now) {
    const auto snapshot = view_.snapshot(realm);
    if (!snapshot->feed_since()) return nullptr;
    const Time at = std::max(now, snapshot->decided_at());
    const std::string known = spoken(*snapshot, language);
    if (known.empty()) return nullptr;
    auto found = index(*snapshot, realm, known, base_url, at);
    if (number < 1 || number > std::ssize(found->pages)) return nullptr;
    const FeedPage* page = &found->pages[static_cast<std::size_t>(number - 1)];
    return {std::move(found), page};
}

}  // namespace tocsin::publishing
