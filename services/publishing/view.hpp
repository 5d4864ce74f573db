// What publishing shows: channels, releases, and the public feed.
//
// An alert is public when its feed delivery was claimed, by a decision that counted, and its T0 has
// passed: no instance has to do anything at T0, and every instance shows the same.
#pragma once

#include "publishing/state.hpp"
#include "runtime/view.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::publishing {

// One realm.
class Realm {
public:
    void apply(const runtime::Counted& counted);

    const State& state() const { return state_; }
    const Release* release(const std::string& id) const;
    // The latest release of a message.
    const Release* release_of_message(const std::string& message_id) const;
    // The alert with this CAP identifier, once it is public.
    const Item* alert(const std::string& identifier, Time now) const;
    // W3C traceparent of what last moved the release on by a word from outside; may be empty.
    std::string trace(const std::string& release_id) const;

private:
    State state_;
    std::map<std::string, std::string> by_message_;
    std::map<std::string, std::string> traces_;
    // Release and delivery by CAP identifier of a feed delivery.
    std::map<std::string, std::pair<std::string, std::string>> by_identifier_;
};

using PublishingView = runtime::RealmViews<Realm>;

bool is_public(const Item& item, Time now);

// The Atom index of the public alerts that have not expired, newest first.
std::string feed_page(const State& state, const std::string& realm, const std::string& language,
                      const std::string& base_url, Time now);

}  // namespace tocsin::publishing
