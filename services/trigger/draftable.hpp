// Whether a message could be made of what a rule crosses at: what drafting would refuse a crossing
// for, found while a person puts the rule. Pure.
#pragma once

#include "runtime/ledger/decider.hpp"
#include "tocsin/drafting/v1/drafting_service.pb.h"
#include "tocsin/trigger/v1/trigger_service.pb.h"

#include <optional>
#include <string>
#include <vector>

namespace tocsin::trigger {

struct Draftable {
    const v1::PutRuleRequest& put;
    const std::string& agency;  // of the rule
    const drafting::v1::Template& source;
    const std::vector<std::string>& members;  // of the incident
    runtime::Time now;
};
// Why none could: a placeholder that no reading fills, an agency that is missing or does not take
// part, or an error that the draft has once it is filled. Nothing: one could, if all stays so.
std::optional<runtime::Rejection> require_draftable(const Draftable& rule);

}  // namespace tocsin::trigger
