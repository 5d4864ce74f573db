// How events change a release and its deliveries: one fold, of the decider and of the view.
#pragma once

#include "publishing/release.hpp"

#include <functional>
#include <memory>
#include <string>

namespace tocsin::publishing {

// The part of an event that concerns its release. False: it cannot follow what happened before, by
// the moves of states.hpp; the release is of no use then.
bool evolve(Release& release, const v1::Event& event, Time decided_at);

// Gives the deliveries of a release that was just planned their channels as they are now.
using ChannelOf = std::function<std::shared_ptr<const v1::Channel>(const std::string& id)>;
void attach_channels(Release& release, const ChannelOf& channel_of);

}  // namespace tocsin::publishing
