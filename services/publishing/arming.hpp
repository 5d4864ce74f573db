// Arming fixes everything that goes out: the bytes are the same in every attempt from then on. They
// are kept in the ledger, in records that fit, and not rendered again: another version would render
// other ones, and an alert that is public must not change or vanish by an upgrade.
#pragma once

#include "publishing/release_steps.hpp"

namespace tocsin::publishing {

// Arms what is ready, or ends the release where nothing can go out.
void arm(Turn& turn);
// Keeps renditions that did not fit into the decision that armed them, as many as fit into one.
void keep_renditions(Turn& turn);

}  // namespace tocsin::publishing
