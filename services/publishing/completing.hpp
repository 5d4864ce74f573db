// The end of a release, or of its retraction: which one it comes to once nothing is left to wait
// for.
#pragma once

#include "publishing/release_steps.hpp"

namespace tocsin::publishing {

// Ends the release, or its retraction, if nothing is left to wait for.
void complete(Turn& turn);

}  // namespace tocsin::publishing
