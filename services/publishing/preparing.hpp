// Which deliveries are ready, and what happens while some are not.
#pragma once

#include "publishing/release_steps.hpp"

namespace tocsin::publishing {

// ---- commands

Verdict record_prepared(const Releases& releases, const runtime::Asking& asking,
                        const v1::RecordPrepared& result, Time now);

// How long channels may take to answer.
Duration time_to_answer(const content::v1::Stragglers& stragglers);

// ---- steps

// Arms, waits or gives up, by readiness, by what the message says of stragglers, and by time; and
// arms what follows a release that is on its way.
void advance(Turn& turn);

}  // namespace tocsin::publishing
