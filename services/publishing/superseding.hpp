// Updates and cancels: a later message takes the place of earlier ones, and never overtakes them.
// Pure.
#pragma once

#include "publishing/releases.hpp"

#include <expected>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace tocsin::publishing {

// A release by its id; null: it is not known any more.
using ReleaseOf = std::function<const Release*(const std::string&)>;

// The releases whose alerts the content updates or cancels, each once; or why it cannot go out: one
// of them is not in force, or has an alert that the content does not refer to.
std::expected<std::vector<std::string>, std::string> earlier_releases(
    const Releases& releases, const content::Content& content);

// The channel's id of the post that `delivery` of `release`, which is being planned, answers: the
// newest confirmed one, in the same account and language, of what the release updates or cancels.
// Empty: there is none, or the channel has no replies.
std::string answered_post(const Releases& releases, const content::Content& content,
                          const v1::Release& release, const v1::Delivery& delivery);

// The channels on which a delivery of `release` would overtake what that updates or cancels, or
// what those do in turn: an attempt at them is under way there, or one may yet be carried out.
std::set<std::string> channels_taken(const Release& release, const ReleaseOf& release_of, Time now);

// ---- steps

// Adds to the decision that claims something of `release` for the first time that the earlier ones
// end: what was still to go out of them stays.
void supersede(const Releases& releases, const Release& release, Time now, Happened& happened);

// Adds to any decision what it means for updates and for what they update. Of a release that it
// makes not in force those updates end of which nothing is out. Of one that ends before anything of
// it was public the earlier ones are in force as before, unless a later one took its place.
void follow_ends(const Releases& releases, Time now, Happened& happened);

}  // namespace tocsin::publishing
