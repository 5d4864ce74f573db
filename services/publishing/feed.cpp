#include "publishing/feed.hpp"

#include "content/cap.hpp"
#include "content/checks.hpp"
#include "content/content.hpp"
#include "content/geojson.hpp"
#include "content/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tocsin::publishing {

using content::FeedFormat;

static content::FeedEntry entry_of(const content::Content& content, const Alert& alert,
                                   const std::string& language) {
    const content::v1::Fixed& fixed = alert.armed->fixed;
    const content::Texts& texts = content::said(content, fixed);
    const int index = std::max(content::find_text(texts, language), 0);
    content::FeedEntry entry;
    entry.id = fixed.permalink();
    entry.href = fixed.permalink();
    if (index < texts.size()) {
        entry.title = content::marked(content, texts[index].headline());
        entry.summary = content::marked(content, texts[index].description());
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
    return entry;
}

namespace {

class FeedBuilder {
public:
    FeedBuilder(const Realm& realm, std::string name, FeedChoice choice, std::string base_url,
                Time now, FeedRows& rows, Time updated_before)
        : realm_(realm),
          name_(std::move(name)),
          choice_(std::move(choice)),
          base_url_(std::move(base_url)),
          now_(now),
          before_(rows) {
        index_.version = realm.listed_version();
        index_.from = now;
        index_.until = Time::max();
        index_.updated =
            std::max({updated_before, realm.feed_since().value_or(Time{}), realm.last_unlisted()});
        std::vector<const Alert*> listed;
        realm.listed().descend(nullptr, [&](const auto&, const auto& alert) {
            if (is_listed(*alert)) listed.push_back(alert.get());
            return true;
        });
        for (const Alert* alert : listed) joint_[message_of(*alert)].push_back(alert);
        for (const Alert* alert : listed) show(*alert);
        std::swap(rows, rows_);
    }

    FeedIndex build() {
        std::size_t at = 0;
        do {
            std::vector<const std::string*> rows;
            std::size_t bytes = 0;
            while (at < shown_.size() && rows.size() < feed_rows_max) {
                const std::string& row = *shown_[at];
                if (!rows.empty() && bytes + row.size() > feed_bytes_max) break;
                bytes += row.size();
                rows.push_back(&row);
                ++at;
            }
            add_page(rows, at < shown_.size());
        } while (at < shown_.size());
        return std::move(index_);
    }

private:
    // What the alerts of a joint message have in common, and its retractions.
    using Message = std::pair<std::string, bool>;
    static Message message_of(const Alert& alert) {
        return {alert.armed->fixed.release_id(), alert.armed->fixed.retraction()};
    }

    // Every alert that is in force is listed: a sixth one must not push the first one out. An alert
    // stays beside its Cancel, so that a reader of either finds the other.
    bool is_listed(const Alert& alert) {
        if (alert.expires <= now_) {
            index_.updated = std::max(index_.updated, alert.expires);
            return false;
        }
        index_.until = std::min(index_.until, alert.expires);
        if (alert.is_public(now_)) return alert.content != nullptr;
        index_.until = std::min(index_.until, alert.fire_at);
        return false;
    }

    std::optional<content::Superseded> superseded(const Successor* successor) {
        if (!successor) return std::nullopt;
        if (successor->since > now_) {
            index_.until = std::min(index_.until, successor->since);
            return std::nullopt;
        }
        const auto later = realm_.alert(successor->identifier, now_);
        return content::Superseded{successor->cancels,
                                   later ? later->armed->fixed.permalink() : std::string{}};
    }

    std::vector<std::string> joint(const Alert& alert) const {
        std::vector<std::string> links;
        for (const Alert* other : joint_.at(message_of(alert)))
            if (other != &alert) links.push_back(other->armed->fixed.permalink());
        std::ranges::sort(links);
        return links;
    }

    void show(const Alert& alert) {
        const Successor* successor = realm_.successor(alert.identifier);
        FeedRow row{superseded(successor), joint(alert), {}};
        Time updated = alert.public_at();
        if (row.superseded) updated = std::max(updated, successor->since);
        const auto known = before_.find(alert.identifier);
        if (known != before_.end() && known->second.superseded == row.superseded &&
            known->second.joint == row.joint)
            row.text = std::move(known->second.text);
        else
            row.text = render(alert, row, updated);
        if (row.text.empty()) return;
        index_.updated = std::max(index_.updated, updated);
        shown_.push_back(
            &rows_.insert_or_assign(alert.identifier, std::move(row)).first->second.text);
    }

    std::string render(const Alert& alert, const FeedRow& row, Time updated) const {
        const auto content = content::parse(alert.content->bytes());
        if (!content) return {};
        content::FeedEntry entry = entry_of(*content, alert, choice_.language);
        entry.superseded = row.superseded;
        entry.joint = row.joint;
        entry.updated = updated;
        switch (choice_.format) {
            case FeedFormat::atom:
                return content::atom_entry(entry, choice_.language);
            case FeedFormat::rss:
                return content::rss_item(entry, choice_.language);
            case FeedFormat::geojson:
                return content::geojson_feature(entry, *content, alert.armed->fixed,
                                                choice_.language);
        }
        return {};
    }

    std::string address(int number) const {
        const std::string first = fmt::format("{}/feeds/{}/{}.{}", base_url_, name_,
                                              choice_.language, suffix_of(choice_.format));
        return number == 1 ? first : fmt::format("{}?page={}", first, number);
    }

    void add_page(const std::vector<const std::string*>& rows, bool more) {
        const int number = static_cast<int>(index_.pages.size()) + 1;
        content::FeedInfo feed;
        feed.self = address(number);
        feed.id = address(1);
        feed.title = choice_.language.starts_with("fr") ? fmt::format("Alertes : {}", name_)
                                                        : fmt::format("Alerts: {}", name_);
        feed.language = choice_.language;
        // Several agencies publish on it: each entry names its own.
        feed.author = name_;
        feed.updated = index_.updated;
        if (more) feed.next = address(number + 1);
        FeedPage page{document(feed, rows), {}, index_.updated};
        page.etag = content::digest(page.body);
        index_.pages.push_back(std::move(page));
    }

    std::string document(const content::FeedInfo& feed,
                         const std::vector<const std::string*>& rows) const {
        switch (choice_.format) {
            case FeedFormat::atom:
                return content::atom_feed_of(feed, rows);
            case FeedFormat::rss:
                return content::rss_feed_of(feed, rows);
            case FeedFormat::geojson:
                return content::geojson_feed_of(feed, rows);
        }
        return {};
    }

    const Realm& realm_;
    std::string name_;
    FeedChoice choice_;
    std::string base_url_;
    Time now_;
    FeedRows& before_;
    FeedRows rows_;
    std::map<Message, std::vector<const Alert*>> joint_;
    std::vector<const std::string*> shown_;  // in rows_
    FeedIndex index_;
};

}  // namespace

FeedIndex build_feed(const Realm& realm, const std::string& name, const FeedChoice& choice,
                     const std::string& base_url, Time now, FeedRows& rows, Time updated_before) {
    return FeedBuilder{realm, name, choice, base_url, now, rows, updated_before}.build();
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
                                                  const FeedChoice& choice,
                                                  const std::string& base_url, Time now) {
    const std::int64_t version = snapshot.listed_version();
    FeedRows none;
    // Nothing to keep for names that anybody may ask for.
    if (version == 0)
        return std::make_shared<const FeedIndex>(
            build_feed(snapshot, realm, choice, base_url, now, none));
    std::shared_ptr<Slot> slot;
    std::shared_ptr<const FeedIndex> known;
    {
        const std::lock_guard lock(mutex_);
        auto& place = slots_[realm][choice];
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
        build_feed(snapshot, realm, choice, base_url, now, slot->rows, slot->updated));
    slot->updated = fresh->updated;
    const std::lock_guard lock(mutex_);
    slot->index = fresh;
    return fresh;
}

std::shared_ptr<const FeedPage> FeedPages::page(const std::string& realm, const FeedChoice& choice,
                                                int number, const std::string& base_url, Time now) {
    const auto snapshot = view_.snapshot(realm);
    if (!snapshot->feed_since()) return nullptr;
    const Time at = std::max(now, snapshot->decided_at());
    const std::string known = spoken(*snapshot, choice.language);
    if (known.empty()) return nullptr;
    auto found = index(*snapshot, realm, {known, choice.format}, base_url, at);
    if (number < 1 || number > std::ssize(found->pages)) return nullptr;
    const FeedPage* page = &found->pages[static_cast<std::size_t>(number - 1)];
    return {std::move(found), page};
}

}  // namespace tocsin::publishing
