// The pages of the public feed, as the bytes that are served. They are built once per change of
// what is listed, and once more when an alert becomes public or expires, which is a matter of time
// and of no decision; on the thread of the first reader, and never on the ledger's.
#pragma once

#include "content/feed_page.hpp"
#include "publishing/view.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::publishing {

inline constexpr int feed_rows_max = 100;
inline constexpr std::size_t feed_bytes_max = std::size_t{1} << 20;

struct FeedPage {
    std::string body;  // in the format of its index
    std::string etag;
    // When what its index lists last changed.
    Time updated;
};

// An entry as it was rendered, and what later and other alerts had made of it then.
struct FeedRow {
    std::optional<content::Superseded> superseded;
    std::vector<std::string> joint;
    std::string text;
};
// By CAP identifier, kept between two builds.
using FeedRows = std::map<std::string, FeedRow>;

// What a reader asks for.
struct FeedChoice {
    std::string language;
    content::FeedFormat format = content::FeedFormat::atom;

    auto operator<=>(const FeedChoice&) const = default;
};

// All pages of one language and format, and how long they are right. At least one page.
struct FeedIndex {
    std::vector<FeedPage> pages;
    std::int64_t version = 0;
    Time from, until;
    Time updated;  // when what is on it last changed: Atom's `updated`

    bool right(std::int64_t listed_version, Time now) const {
        // Built of a later snapshot, it is right for a reader that still holds the one before.
        return version >= listed_version && now >= from && now < until;
    }
};

// The index of the public alerts that have not expired, newest first; those that a later one took
// the place of are marked. It was updated when an alert last became public, was superseded or
// expired, and not before `updated_before`; one that never had an alert, when the realm came to
// have a feed: every instance says so, and after every restart.
FeedIndex build_feed(const Realm& realm, const std::string& name, const FeedChoice& choice,
                     const std::string& base_url, Time now, FeedRows& rows,
                     Time updated_before = {});

// Any thread.
class FeedPages {
public:
    explicit FeedPages(const PublishingView& view) : view_(view) {}

    // Page `number` from 1; null: the index has fewer, the realm never had a feed, or no alert of
    // it ever spoke the language. `fr` is answered in the French that is spoken. The page lives as
    // long as it is held. A clock that is behind the last decision counts as being at it.
    std::shared_ptr<const FeedPage> page(const std::string& realm, const FeedChoice& choice,
                                         int number, const std::string& base_url, Time now);

private:
    struct Slot {
        std::mutex building;
        FeedRows rows;
        // Of the index before: a clock that was put back does not take it back.
        Time updated;
        std::shared_ptr<const FeedIndex> index;  // under mutex_
    };

    std::shared_ptr<const FeedIndex> index(const Realm& snapshot, const std::string& realm,
                                           const FeedChoice& choice, const std::string& base_url,
                                           Time now);
    const PublishingView& view_;
    std::mutex mutex_;
    std::map<std::string, std::map<FeedChoice, std::shared_ptr<Slot>>> slots_;  // by realm
};

}  // namespace tocsin::publishing
