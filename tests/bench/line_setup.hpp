// A whole Tocsin that waits for one river to rise.
#pragma once

#include "bench/river.hpp"
#include "bench/stage.hpp"

namespace tocsin::bench {

// Starts tocsin-all in the live world with roster, policy, feed and webhook channel, incident,
// template, source and rule.
Running start_line(Stage& stage, const River& river, const Receiver& receiver);

}  // namespace tocsin::bench
