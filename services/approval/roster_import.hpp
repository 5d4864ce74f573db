// What an import may change of the roster, and what it makes of it.
#pragma once

#include "approval/roster.hpp"

#include <optional>

namespace tocsin::approval {

// Agencies and people that are named once, each person of an agency of the same import.
std::optional<runtime::Rejection> require_sound(const v1::Roster& imported);

// An agency is changed by its own admins; one that is new, or has none, by any of the realm's.
std::optional<runtime::Rejection> require_own_agencies(const v1::Roster& present,
                                                       const runtime::Asking& asking,
                                                       const v1::Roster& imported);

// Agencies that are not named stay as they are, with their people; what is there already keeps its
// place.
v1::Roster merged(const v1::Roster& present, const v1::Roster& imported);

// What must be true of the whole roster after the import: `all` is what merged() made.
std::optional<runtime::Rejection> require_sound_merge(const v1::Roster& all,
                                                      const runtime::Asking& asking,
                                                      const v1::Roster& imported);

}  // namespace tocsin::approval
