// From a clearance to a planned release, or to one that is aborted at once and says why.
#pragma once

#include "publishing/channel.hpp"
#include "publishing/releases.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace tocsin::publishing {

// What a realm begins with and no event changes. `world` never varies within a ledger, since the
// names of its topics carry it. The others are recorded in ReleasePlanned and read from there ever
// after, so that a replay under other settings comes to the same state.
struct Constants {
    std::string world = "live";
    std::string feed_base_url = "http://127.0.0.1:8080";
    // See leads.hpp.
    Duration arm_lead = std::chrono::milliseconds{100};
};

// ---- reactions to approval

// Plans a release for each clearance in a decision of approval; at most one for the same content.
std::optional<Happened> plan_releases(const Constants& constants, const Channels& channels,
                                      const Releases& releases, const runtime::Foreign& foreign,
                                      Time now);

}  // namespace tocsin::publishing
