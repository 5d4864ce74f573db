// What publishing shows: channels, releases, and what its public feed is made of.
//
// An alert is public when its feed delivery was claimed, by a decision that counted, and its T0 has
// passed: no instance has to do anything at T0, and every instance shows the same.
#pragma once

#include "publishing/faded.hpp"
#include "publishing/state.hpp"
#include "runtime/base/shared_table.hpp"
#include "runtime/ledger/view.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace tocsin::publishing {

inline constexpr std::size_t feed_languages_max = 100;

// One alert on the feed, from its claim on, until its release drops its texts.
struct Alert {
    std::string identifier;
    std::shared_ptr<const Sealed> body;
    std::shared_ptr<const Armed> armed;
    Time fire_at;
    // When its claim counted, which may be after T0.
    Time claimed_at;
    // It is listed until then.
    Time expires;
    // What the entry of the index says; null once it is not listed any more.
    std::shared_ptr<const Approved> content;

    bool is_public(Time now) const { return now >= fire_at; }
    // When it came to be public.
    Time public_at() const { return std::max(fire_at, claimed_at); }
};

// One realm. A copy costs O(1) and shares everything: a snapshot is one.
class Realm {
public:
    void apply(const runtime::Counted& counted);

    const runtime::SharedMap<std::string, NumberedChannel>& channels() const { return channels_; }
    // Release ids by the order in which they were planned.
    const runtime::SharedMap<std::int64_t, std::string>& order() const { return order_; }
    // Null: there is none, or its texts were dropped after it had been public.
    const Release* release(const std::string& id) const { return releases_.find(id); }
    // Whatever became of it, with all deliveries, as people see it.
    std::optional<v1::Release> whole_release(const std::string& id) const;
    // Whom a release concerns, also once its texts were dropped; nobody where there is none.
    content::v1::Parties parties(const std::string& id) const;
    // The latest release of a message; null: there is none.
    const std::string* release_of_message(const std::string& message_id) const {
        return by_message_.find(message_id);
    }
    // Those of which `release` no longer knows since the last decision.
    const std::set<std::string>& faded_now() const { return faded_now_; }
    // Releases that somebody may have to do something for.
    const runtime::SharedMap<std::string, char>& open() const { return open_; }
    // The alert with this CAP identifier, once it is public. Null: there is none, or its texts were
    // dropped.
    std::shared_ptr<const Alert> alert(const std::string& identifier, Time now) const;
    // Alerts that are listed or will be, by T0 and the order in which they came.
    using Listed = runtime::SharedMap<std::pair<Time, std::int64_t>, std::shared_ptr<const Alert>>;
    const Listed& listed() const { return listed_; }
    // Changes whenever `listed` does, and never comes back; 0: nothing was ever listed.
    std::int64_t listed_version() const { return listed_version_; }
    // Every language that an alert ever spoke, at most `feed_languages_max`.
    const runtime::SharedMap<std::string, char>& languages() const { return languages_; }
    // When the realm first had a feed; nothing: it never had one.
    std::optional<Time> feed_since() const { return feed_since_; }
    // The latest expiry of an alert that is not listed any more; the epoch: of none.
    Time last_unlisted() const { return last_unlisted_; }
    // Of the last decision: by a clock that is behind it nothing becomes untrue again.
    Time decided_at() const { return decided_at_; }
    // W3C traceparent of what last moved the release on by a word from outside; may be empty.
    std::string trace(const std::string& release_id) const;

private:
    using Moments = runtime::SharedMap<std::pair<Time, std::string>, char>;

    void apply(const v1::Event& event, Time decided_at, const std::string& trace);
    void note(const std::string& id, const v1::Event& event, Time decided_at);
    void list(const Release& release, const Item& item, Time claimed_at);
    void learn_languages(const Release& release, const content::v1::Fixed& fixed);
    void unlist_expired(Time now);
    void drop_faded(Time now);

    runtime::SharedMap<std::string, NumberedChannel> channels_;
    runtime::SharedMap<std::string, Release> releases_;
    runtime::SharedTable<Faded> faded_;
    std::set<std::string> faded_now_;
    runtime::SharedMap<std::int64_t, std::string> order_;
    runtime::SharedTable<std::string> by_message_;
    runtime::SharedMap<std::string, std::string> traces_;
    runtime::SharedMap<std::string, char> open_;
    Moments fading_;
    runtime::SharedMap<std::string, std::shared_ptr<const Alert>> alerts_;  // by identifier
    Listed listed_;
    // By expiry: the place in `listed_`.
    runtime::SharedMap<std::pair<Time, std::int64_t>, Time> listed_until_;
    runtime::SharedMap<std::string, char> languages_;
    std::int64_t listings_ = 0;
    std::int64_t listed_version_ = 0;
    std::optional<Time> feed_since_;
    Time last_unlisted_{};
    Time decided_at_{};
};

using PublishingView = runtime::SnapshotViews<Realm>;

// Whether an executor may have something to do for it, at once or later.
bool needs_work(const Release& release);

}  // namespace tocsin::publishing
