// How a message is taken back, with the words that were approved together with it.
#pragma once

#include "publishing/release_steps.hpp"

#include <optional>
#include <string>

namespace tocsin::publishing {

// ---- steps

// Stops what is still to go out, and arms a retraction of all that may be public and has none that
// stands. Adds nothing where all that was ordered before. The refusal: nothing is to be stopped,
// and there are no words to take the rest back.
std::optional<runtime::Rejection> retract(Turn& turn, const std::string& actor,
                                          const std::string& reason);
// What became of a delivery of a retracted message may concern its retraction.
void follow_original(Turn& turn, const std::string& delivery_id);

}  // namespace tocsin::publishing
