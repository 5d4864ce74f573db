// Which deliveries are ready, and what happens while some are not.
#pragma once

#include "publishing/release_steps.hpp"

namespace tocsin::publishing {

// ---- commands

Verdict record_prepared(const Releases& releases, const runtime::Asking& asking,
                        const v1::RecordPrepared& result, Time now);

// ---- steps

// Arms, waits or gives up, by readiness, by what the message says of stragglers, and by time; and
// arms what follows a release that is on its way.
void advance(Turn& turn);

}  // namespace tocsin::publishing
