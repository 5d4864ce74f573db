#include "drafting/refused.hpp"

#include "tocsin/trigger/v1/trigger_ledger.pb.h"

#include <algorithm>

namespace tocsin::drafting {

using runtime::Time;

std::vector<std::string> RefusedCrossings::of_rule(const std::string& rule_id) const {
    std::vector<std::string> ids;
    for (const auto& [id, refused] : all_)
        if (refused.rule_id == rule_id) ids.push_back(id);
    return ids;
}

const Refused* RefusedCrossings::find(const std::string& crossing_id) const {
    const auto found = all_.find(crossing_id);
    return found == all_.end() ? nullptr : &found->second;
}

// ---- events

void RefusedCrossings::refuse(const v1::CrossingRefused& refused, Time at) {
    const std::string& id = refused.crossing_id();
    const Refused* before = find(id);
    const std::int64_t number = before ? before->number : ++numbers_;
    const std::int64_t attempts = before ? before->attempts : 0;
    forget(id);
    trigger::v1::RuleCrossed crossed;
    const bool is_dated = crossed.ParseFromString(refused.crossed()) && crossed.has_draft_until();
    const Time draft_until = is_dated ? runtime::from_proto(crossed.draft_until()) : at;
    remember(id, std::max(draft_until, at + known_time));
    if (!is_dated || draft_until <= at) return;
    Refused& kept = all_[id];
    kept.crossed = refused.crossed();
    kept.rule_id = crossed.crossing().rule_id();
    kept.template_id = crossed.template_id();
    kept.incident_id = crossed.crossing().incident_id();
    kept.draft_until = draft_until;
    kept.number = number;
    kept.attempts = attempts + 1;
    by_number_.emplace(number, id);
    by_draft_until_.emplace(kept.draft_until, id);
    if (refused.no_room()) make_due(id, kept, at);
    if (all_.size() > kept_max) forget(std::string(by_number_.begin()->second));
}

// Never for a shorter time than before: a refusal that ends the attempts does not end the crossing.
void RefusedCrossings::remember(const std::string& crossing_id, Time until) {
    const auto [found, fresh] = known_.try_emplace(crossing_id);
    Known& known = found->second;
    if (fresh) {
        known.number = ++numbers_;
        known_by_number_.emplace(known.number, crossing_id);
    } else {
        known_by_time_.erase({known.until, crossing_id});
    }
    known.until = fresh ? until : std::max(known.until, until);
    known_by_time_.emplace(known.until, crossing_id);
    if (known_.size() > known_max) forget_known(std::string(known_by_number_.begin()->second));
}

void RefusedCrossings::drafted(const std::string& crossing_id) {
    forget(crossing_id);
    forget_known(crossing_id);
}

void RefusedCrossings::forget_known(const std::string& crossing_id) {
    const auto found = known_.find(crossing_id);
    if (found == known_.end()) return;
    known_by_number_.erase(found->second.number);
    known_by_time_.erase({found->second.until, crossing_id});
    known_.erase(found);
}

void RefusedCrossings::forget(const std::string& crossing_id) {
    const auto found = all_.find(crossing_id);
    if (found == all_.end()) return;
    const Refused& gone = found->second;
    by_number_.erase(gone.number);
    by_draft_until_.erase({gone.draft_until, crossing_id});
    if (gone.due) due_.erase({*gone.due, crossing_id});
    all_.erase(found);
}

void RefusedCrossings::forget_old(Time now) {
    while (!known_by_time_.empty() && known_by_time_.begin()->first <= now)
        forget_known(std::string(known_by_time_.begin()->second));
}

void RefusedCrossings::make_due(const std::string& crossing_id, Refused& refused, Time at) {
    if (refused.due) return;
    refused.due = at;
    due_.emplace(at, crossing_id);
}

void RefusedCrossings::template_changed(const std::string& template_id, Time at) {
    for (auto& [id, refused] : all_)
        if (refused.template_id == template_id) make_due(id, refused, at);
}

void RefusedCrossings::incident_changed(const std::string& incident_id, Time at) {
    for (auto& [id, refused] : all_)
        if (refused.incident_id == incident_id) make_due(id, refused, at);
}

// ---- due times

std::optional<std::pair<Time, std::string>> RefusedCrossings::first_due() const {
    if (due_.empty() && by_draft_until_.empty()) return std::nullopt;
    if (due_.empty()) return *by_draft_until_.begin();
    if (by_draft_until_.empty()) return *due_.begin();
    return std::min(*due_.begin(), *by_draft_until_.begin());
}

}  // namespace tocsin::drafting
