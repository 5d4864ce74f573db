#include "approval/corrections.hpp"

namespace tocsin::approval {

void Corrections::add(const trigger::v1::EvidenceRevised& revised) {
    Corrected& corrected = by_crossing_.edit(revised.crossing_id());
    by_number_.erase(corrected.number);
    corrected.number = ++numbers_;
    by_number_.set(corrected.number, revised.crossing_id());
    corrected.revisions.edit([&](v1::Review& kept) {
        auto& all = *kept.mutable_evidence_revisions();
        *all.Add() = revised.revision();
        if (all.size() > of_a_crossing_max) all.DeleteSubrange(0, all.size() - of_a_crossing_max);
    });
    if (by_crossing_.size() <= crossings_max) return;
    const std::int64_t oldest = *by_number_.first();
    by_crossing_.erase(*by_number_.find(oldest));
    by_number_.erase(oldest);
}

void Corrections::show(const std::string& crossing_id, v1::Review& review) const {
    if (crossing_id.empty()) return;
    const Corrected* corrected = by_crossing_.find(crossing_id);
    if (!corrected) return;
    *review.mutable_evidence_revisions() = corrected->revisions.get().evidence_revisions();
}

}  // namespace tocsin::approval
