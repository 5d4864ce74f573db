// Policies: whose approval a message of a severity needs from an agency.
#pragma once

#include "approval/roster.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::approval {

// The roles that approve: a policy names one of them at least and no other (SetPolicyRequest).
inline constexpr std::array<std::string_view, 2> approving_roles{"approver", "duty-officer"};
// What binds an agency that set no policy for a severity: two people, of any approving role. Part
// of the contract (ListPoliciesResponse), so a new default is a new PolicySet and not an edit here.
inline constexpr int default_quorum = 2;

struct KeptPolicy {
    v1::Policy policy;
    std::int64_t version = 0;  // The etag: how often it was set.
};

struct Policies {
    std::map<std::pair<std::string, int>, KeptPolicy> by_agency;  // and severity
};

// Quorum and roles that bind an agency now: of the policy that it set, or the defaults.
v1::Policy binding_policy(const Policies& policies, const std::string& agency_id, int severity);

// ---- commands

Verdict set_policy(const Policies& policies, const v1::Roster& roster,
                   const runtime::Asking& asking, const v1::SetPolicyRequest& request);

// ---- events

void evolve(Policies& policies, const v1::PolicySet& set);

}  // namespace tocsin::approval
