// Which deliveries are ready, and what happens while some are not.
#pragma once

#include "publishing/release_steps.hpp"

namespace tocsin::publishing {

// ---- commands

Verdict record_prepared(const Releases& releases, const runtime::Asking& asking,
                        const v1::RecordPrepared& result, Time now);

// ---- steps

// Arms, waits or gives up, by readiness, policy and time.
void proceed(Turn& turn);

}  // namespace tocsin::publishing
