// The signature of what an armed delivery sends, where its channel names a certificate. An executor
// makes it between arming and claim, by a key that the decider does not have, and the ledger keeps
// it: each attempt of the delivery sends these bytes, by any executor.
#pragma once

#include "publishing/release_steps.hpp"

namespace tocsin::publishing {

// ---- commands

// The first signature stays. Without one, the delivery is refused: nothing of it goes out unsigned.
Verdict record_signature(const Releases& releases, const runtime::Asking& asking,
                         const v1::RecordSignature& made, Time now);

}  // namespace tocsin::publishing
