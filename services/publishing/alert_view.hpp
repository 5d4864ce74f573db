// The alerts that a realm's public feed is made of.
//
// An alert is public when its feed delivery was claimed, by a decision that counted, and its T0 has
// passed: no instance has to do anything at T0, and every instance shows the same.
#pragma once

#include "publishing/release.hpp"
#include "runtime/base/shared_map.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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

// What took the place of an alert.
struct Successor {
    // Its CAP identifier; of no alert on the feed where that does not have it.
    std::string identifier;
    Time since;
    bool cancels = false;  // else it updates

    bool operator==(const Successor&) const = default;
};

// A value whose copy costs O(1).
class AlertView {
public:
    // The alert with this CAP identifier, once it is public. Null: there is none, or its texts were
    // dropped.
    std::shared_ptr<const Alert> alert(const std::string& identifier, Time now) const;
    // Alerts that are listed or will be, by T0 and the order in which they came.
    using Listed = runtime::SharedMap<std::pair<Time, std::int64_t>, std::shared_ptr<const Alert>>;
    const Listed& listed() const { return listed_; }
    // What took the place of this alert, or will at its T0; null: nothing.
    const Successor* successor(const std::string& identifier) const {
        return successors_.find(identifier);
    }
    // Changes whenever these do, and never comes back; 0: nothing was ever listed.
    std::int64_t listed_version() const { return listed_version_; }
    // Every language that an alert ever spoke, at most `feed_languages_max`.
    const runtime::SharedMap<std::string, char>& languages() const { return languages_; }
    // When the realm first had a feed; nothing: it never had one.
    std::optional<Time> feed_since() const { return feed_since_; }
    // The latest expiry of an alert that is not listed any more; the epoch: of none.
    Time last_unlisted() const { return last_unlisted_; }

    // ---- events

    void apply(const v1::ChannelPut& put, Time decided_at);
    // What was claimed of this release becomes public.
    void claimed(const Release& release, const v1::Event& event, Time decided_at);
    // `later`, null for none, takes the place of this release from now on.
    void supersede(const Release& release, const Release* later, Time decided_at);
    // At the end of each decision.
    void unlist_expired(Time now);
    // The texts of this release are dropped.
    void drop(const Release& release);

private:
    void list(const Release& release, const Delivery& delivery, Time claimed_at);
    void succeed(const std::string& identifier, std::optional<Successor> successor);
    std::string successor_of(const Alert& alert, const Release& later) const;
    void learn_languages(const Release& release, const content::v1::Fixed& fixed);

    runtime::SharedMap<std::string, std::shared_ptr<const Alert>> alerts_;  // by identifier
    runtime::SharedMap<std::string, Successor> successors_;  // of those, by identifier
    Listed listed_;
    // Exactly those of `listed_`, by expiry: the T0 of each.
    runtime::SharedMap<std::pair<Time, std::int64_t>, Time> listed_until_;
    runtime::SharedMap<std::string, char> languages_;
    std::int64_t listings_ = 0;
    std::int64_t listed_version_ = 0;
    std::optional<Time> feed_since_;
    Time last_unlisted_{};
};

}  // namespace tocsin::publishing
