// Channels: where each agency publishes, and with which credential. What speaks to them is
// wire.hpp.
#pragma once

#include "publishing/event.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace tocsin::publishing {

struct NumberedChannel {
    v1::Channel channel;
    // How often it was put or removed: the etag.
    std::int64_t version = 0;
    // A copy of `channel`, shared by the deliveries that are planned while it is so. Null until it
    // was put.
    std::shared_ptr<const v1::Channel> shared{};
};

struct Channels {
    // One that was removed stays, inactive: its id belongs to its agency for good.
    std::map<std::string, NumberedChannel> by_id;
};

// A channel as it is now; null: there never was one.
std::shared_ptr<const v1::Channel> shared_channel(const Channels& channels, const std::string& id);

// Names the account that it posts as: channels with the same URL and credential share one.
std::string account_of(const v1::Channel& channel);

// ---- commands

// What is wrong with the URL and the credential of a channel, apart from who puts it.
std::optional<runtime::Rejection> require_place(const v1::PutChannelRequest& request);
Verdict put_channel(const Channels& channels, const runtime::Asking& asking,
                    const v1::PutChannelRequest& request);
Verdict remove_channel(const Channels& channels, const runtime::Asking& asking,
                       const v1::RemoveChannelRequest& request);

// ---- events

// The channel that an event is about; empty for one about a release.
const std::string& channel_of(const v1::Event& event);
// Nothing changes by an event that is not about a channel. The view folds with it too.
void evolve(NumberedChannel& channel, const v1::Event& event);
void evolve(Channels& channels, const v1::Event& event);

}  // namespace tocsin::publishing
