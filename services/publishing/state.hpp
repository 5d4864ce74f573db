// What the decider of publishing knows of one realm, and how events change it.
#pragma once

#include "publishing/release.hpp"
#include "runtime/base/parties.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace tocsin::publishing {

struct NumberedChannel {
    v1::Channel channel;
    int64_t version = 0;
    // The same, for the deliveries that are planned while it is so.
    std::shared_ptr<const v1::Channel> shared{};
};

struct State {
    std::map<std::string, NumberedChannel> channels;
    std::map<std::string, Release> releases;
    // Releases that are on their way, by message.
    std::map<std::string, std::string> on_way;
    // Claims that are open, by release: when they are over, with their delivery.
    std::map<std::string, std::set<std::pair<Time, std::string>>> claims;
    // Releases with a due time, the earliest first.
    std::set<std::pair<Time, std::string>> due;
    // Releases whose texts are dropped at a time, the earliest first.
    std::set<std::pair<Time, std::string>> fading;
    // Those whose texts were dropped after they had been public, and whom they concern: nothing of
    // them can be changed any more. The view shows what became of them.
    std::map<std::string, runtime::KeptParties> faded;
};

// False: an event of a newer version. O(log n) in deliveries and releases, for an event about one
// delivery.
bool evolve(State& state, const v1::Event& event, Time decided_at);
// Changes a channel; false: the event is about a release.
bool evolve(NumberedChannel& channel, const v1::Event& event);
// The channel that an event is about; empty for one about a release.
const std::string& channel_of(const v1::Event& event);

}  // namespace tocsin::publishing
