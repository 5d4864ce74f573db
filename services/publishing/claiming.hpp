// The claim, after which something may be public.
#pragma once

#include "publishing/budgets.hpp"
#include "publishing/holds.hpp"
#include "publishing/release_steps.hpp"

namespace tocsin::publishing {

// ---- commands

// `holds` and `budgets` keep some of it back.
Verdict claim_release(const Releases& releases, const Holds& holds, const Budgets& budgets,
                      const runtime::Asking& asking, const v1::ClaimRelease& claim, Time now);

}  // namespace tocsin::publishing
