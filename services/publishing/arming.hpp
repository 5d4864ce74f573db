// Arming fixes everything that goes out: the bytes are the same in every attempt from then on. They
// are kept in the ledger, in records that fit, and not rendered again: another version would render
// other ones, and an alert that is public must not change or vanish by an upgrade.
#pragma once

#include "publishing/release_steps.hpp"

#include <string>

namespace tocsin::publishing {

// Arms what is ready, or ends the release where nothing can go out.
void arm(Turn& turn);
// Arms what was not ready then, and is now.
void arm_stragglers(Turn& turn);
// Gives the release up: fewer are ready than the message needs. `late`: who is not, and why.
void end_without_quorum(Turn& turn, const std::string& late);
// Keeps renditions that did not fit into the decision that armed them, as many as fit into one.
void keep_renditions(Turn& turn);

}  // namespace tocsin::publishing
