// The roster: which agencies a realm has, and who may do what for them.
#pragma once

#include "approval/event.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::approval {

struct RosterState {
    v1::Roster current;
    std::int64_t version = 0;  // Imports so far; 0 while there is no roster.
};

// As somebody of that agency: a person may act for several, with a token for each.
const v1::Person* find_person(const v1::Roster& roster, std::string_view subject,
                              std::string_view agency_id);
const v1::Agency* find_agency(const v1::Roster& roster, std::string_view agency_id);

// The caller must be on the roster for the agency of the token, and both must give one of `roles`:
// the token was checked at the edge, but the roster may have changed since.
std::optional<runtime::Rejection> require_role_on_roster(const v1::Roster& roster,
                                                         const runtime::Asking& asking,
                                                         const std::vector<std::string>& roles);

// ---- commands

Verdict import_roster(const RosterState& state, const runtime::Asking& asking,
                      const v1::ImportRosterRequest& request);

// ---- events

void evolve(RosterState& state, const v1::RosterImported& imported);

}  // namespace tocsin::approval
