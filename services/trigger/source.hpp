// Sources: where readings are polled, and how. Pure.
#pragma once

#include "trigger/event.hpp"
#include "trigger/remembered.hpp"
#include "trigger/watching.hpp"

#include <cstdint>

namespace tocsin::trigger {

struct SourceState {
    v1::Source source;  // the last that was put; not active once removed
    std::int64_t version = 0;
    // The version that last changed where it is read, or how; never above `version`. Readings of an
    // earlier one are not of it.
    std::int64_t address = 0;
    std::int64_t removal = 0;  // see Remembered
};

using Sources = Remembered<SourceState>;

// ---- commands

Verdict put_source(const Sources& sources, const Watching& watching, const runtime::Asking& asking,
                   const v1::PutSourceRequest& request);
Verdict remove_source(const Sources& sources, const Watching& watching,
                      const runtime::Asking& asking, const v1::RemoveSourceRequest& request);

// ---- events

void evolve(Sources& sources, const v1::SourcePut& put);
void evolve(Sources& sources, const v1::SourceRemoved& removed);

}  // namespace tocsin::trigger
