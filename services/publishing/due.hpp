// What is done for a release when its time has come, without a command of anybody.
#pragma once

#include "publishing/releases.hpp"

namespace tocsin::publishing {

// ---- commands

// Of a timer's command that came before its time.
std::optional<runtime::Rejection> require_due(const v1::ReachDue& due, Time now);

// The timer of releases.hpp sends it.
Verdict reach_due(const Releases& releases, const runtime::Asking& asking, const v1::ReachDue& due,
                  Time now);

}  // namespace tocsin::publishing
