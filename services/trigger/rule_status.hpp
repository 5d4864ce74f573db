// Rules as people read them: with where they stand by what this instance met of their series.
#pragma once

#include "tocsin/trigger/v1/trigger_service.pb.h"
#include "trigger/heard.hpp"
#include "trigger/rule_standing.hpp"
#include "trigger/source.hpp"

#include <optional>
#include <string>

namespace tocsin::trigger {

// `series`: as this instance met it last; nothing: it never did. `source`: null where there is
// none.
Standing standing_now(const RuleState& rule, const std::optional<Heard::Series>& series,
                      const SourceState* source, Time now);
v1::RuleStatus status_of(const RuleState& rule, const std::optional<Heard::Series>& series,
                         const SourceState* source, Time now);
content::v1::Evidence newest_of(const std::string& source_id, const std::string& name,
                                const Heard::Series& series);

}  // namespace tocsin::trigger
