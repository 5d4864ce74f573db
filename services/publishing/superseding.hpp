// Updates and cancels: a later message takes the place of earlier ones, and never overtakes them.
// Pure.
#pragma once

#include "publishing/releases.hpp"

#include <expected>
#include <functional>
#include <string>
#include <vector>

namespace tocsin::publishing {

struct Turn;

// A release by its id; null: it is not known any more.
using ReleaseOf = std::function<const Release*(const std::string&)>;

// The releases whose alerts the content updates or cancels, each once; or why it cannot go out:
// one of them is not in force.
std::expected<std::vector<std::string>, std::string> earlier_releases(
    const Releases& releases, const content::Content& content);

// Whether `delivery` would overtake, on its channel, what its release updates or cancels. That is
// over where no attempt at it is under way and none may yet be carried out.
bool overtakes(const Release& release, const Delivery& delivery, const ReleaseOf& release_of,
               Time now);

// ---- steps

// Adds to the decision that claims something of `release` for the first time that the earlier ones
// end: what was still to go out of them stays.
void supersede(const Releases& releases, const Release& release, Time now, Happened& happened);

// Adds to a decision, for each release that it ends before anything of it was public, that the
// earlier ones are in force as before.
void restore_earlier(const Releases& releases, Happened& happened);

// Ends the releases that update or cancel `earlier`, which is not in force any more, and of which
// nothing is out; all but `except`.
void end_overtaken(const Releases& releases, const std::string& earlier, const std::string& except,
                   const std::string& why, Time now, Happened& happened);

}  // namespace tocsin::publishing
