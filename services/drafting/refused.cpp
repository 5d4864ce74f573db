#include "drafting/refused.hpp"

#include "tocsin/trigger/v1/trigger_ledger.pb.h"

namespace tocsin::drafting {

using runtime::Time;

void RefusedCrossings::refuse(const v1::CrossingRefused& refused, Time at) {
    const std::string& id = refused.crossing_id();
    const Refused* before = find(id);
    const std::int64_t number = before ? before->number : ++numbers_;
    const std::int64_t attempts = before ? before->attempts : 0;
    forget(id);
    trigger::v1::RuleCrossed crossed;
    if (!crossed.ParseFromString(refused.crossed()) || !crossed.has_draft_until()) return;
    Refused& kept = all_[id];
    kept.crossed = refused.crossed();
    kept.template_id = crossed.template_id();
    kept.incident_id = crossed.crossing().incident_id();
    kept.draft_until = runtime::from_proto(crossed.draft_until());
    kept.number = number;
    kept.attempts = attempts + 1;
    by_number_.emplace(number, id);
    by_draft_until_.emplace(kept.draft_until, id);
    if (refused.no_room()) make_due(id, kept, at);
    if (all_.size() > kept_max) forget(std::string(by_number_.begin()->second));
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
    while (!by_draft_until_.empty() && by_draft_until_.begin()->first <= now)
        forget(std::string(by_draft_until_.begin()->second));
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

const Refused* RefusedCrossings::find(const std::string& crossing_id) const {
    const auto found = all_.find(crossing_id);
    return found == all_.end() ? nullptr : &found->second;
}

std::optional<std::string> RefusedCrossings::first_due() const {
    if (due_.empty()) return std::nullopt;
    return due_.begin()->second;
}

}  // namespace tocsin::drafting
