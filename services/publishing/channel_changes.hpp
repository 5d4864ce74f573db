// What a channel that is not as it was approved means for a release: nothing goes where nobody
// approved that it goes. Pure.
#pragma once

#include "content/publishers.hpp"
#include "publishing/channel.hpp"
#include "publishing/releases.hpp"

#include <string>

namespace tocsin::publishing {

struct Turn;

// Why nothing may go to a channel as it is now under an approval for `target`; empty where it may.
std::string reason_apart(const content::Target& target, const v1::Channel& channel);

// Nobody has it, and no claim may bring it to anybody.
bool can_be_skipped(const Delivery& delivery);

// ---- commands

// Adds to the decision to put or to remove a channel, also as it was, what becomes of the
// deliveries of releases that are on their way.
Verdict follow_channel(Verdict changed, const Channels& channels, const Releases& releases,
                       const runtime::Asking& asking, Time now);

// ---- steps

// `excused`: a quorum does not count them.
void skip(Turn& turn, const std::vector<std::string>& ids, const std::string& actor,
          std::string reason, bool excused);
// Whether its channel is in use, and leads to where people approved that the message goes.
bool leads_there(const Channels& channels, const Release& release, const Delivery& delivery);
// What may be public is queried and taken back by the credentials that its channels have now.
// `only`: of that channel.
void refresh_channels(Turn& turn, const Channels& channels, const std::string& only = {});

}  // namespace tocsin::publishing
