// Updates and cancels: a later message takes the place of earlier ones, and never overtakes them.
// Pure.
#pragma once

#include "publishing/releases.hpp"

#include <expected>
#include <functional>
#include <string>
#include <vector>

namespace tocsin::publishing {

// A release by its id; null: it is not known any more.
using ReleaseOf = std::function<const Release*(const std::string&)>;

// The releases whose alerts the content updates or cancels, each once; or why it cannot go out: one
// of them is not in force, or has an alert that the content does not refer to.
std::expected<std::vector<std::string>, std::string> earlier_releases(
    const Releases& releases, const content::Content& content);

// Whether `delivery` would overtake, on its channel, what its release updates or cancels, or what
// that does. That is over where no attempt at it is under way and none may yet be carried out.
bool overtakes(const Release& release, const Delivery& delivery, const ReleaseOf& release_of,
               Time now);

// ---- steps

// Adds to the decision that claims something of `release` for the first time that the earlier ones
// end: what was still to go out of them stays.
void supersede(const Releases& releases, const Release& release, Time now, Happened& happened);

// Adds to any decision what it means for updates and for what they update. Of a release that it
// makes not in force those updates end of which nothing is out. Of one that ends before anything of
// it was public the earlier ones are in force as before, unless a later one took its place.
void follow_ends(const Releases& releases, Time now, Happened& happened);

}  // namespace tocsin::publishing
