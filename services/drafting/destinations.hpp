// Where agencies publish, and as whom: what a message that is submitted says of that. Pure.
#pragma once

#include "content/finding.hpp"
#include "content/publishers.hpp"
#include "drafting/event.hpp"

#include <map>
#include <string>
#include <vector>

namespace tocsin::drafting {

struct Destinations {
    struct Owned {
        std::string agency;
        content::Destination destination;
    };
    // Channels in use, by id.
    std::map<std::string, Owned> channels;
    // Agencies as the roster last named them, without destinations.
    std::map<std::string, content::Publisher> agencies;
};

// For each agency of the draft, in its order and once.
std::vector<content::Publisher> publishers_of(const Destinations& destinations,
                                              const content::Draft& draft);

// What is wrong with where `draft` goes. Paths are of the draft.
std::vector<content::Finding> destination_findings(
    const std::vector<content::Publisher>& publishers, const content::Draft& draft);

// ---- reactions to approval and publishing

bool concerns_destinations(const runtime::Foreign& foreign);
void follow_destinations(const Destinations& destinations, const runtime::Foreign& foreign,
                         Happened& happened);

// ---- events

void evolve(Destinations& destinations, const v1::ChannelFollowed& followed);
void evolve(Destinations& destinations, const v1::AgenciesFollowed& followed);

}  // namespace tocsin::drafting
