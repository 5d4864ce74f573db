#include "trigger/crossing_view.hpp"

#include <utility>

namespace tocsin::trigger {

static constexpr std::int64_t crossings_max = 10'000;
static constexpr std::size_t revisions_max = 20;  // of a crossing's evidence

void CrossingView::apply(const drafting::v1::Event& event) {
    if (event.has_message_created() && !event.message_created().crossing_id().empty())
        answers_.set(event.message_created().crossing_id(), {event.message_id(), {}});
    if (!event.has_crossing_refused()) return;
    const auto& refused = event.crossing_refused();
    const Answer* known = answers_.find(refused.crossing_id());
    if (!known || known->message_id.empty())
        answers_.set(refused.crossing_id(), {{}, refused.reason()});
}

void CrossingView::apply(const v1::Event& event, const Rules& rules) {
    if (event.has_rule_removed() || event.has_rule_put()) note_dealt_with(event, rules);
    if (event.has_evidence_revised()) {
        auto& revisions = revised_.edit(event.evidence_revised().crossing_id());
        if (revisions.size() >= revisions_max) revisions.erase(revisions.begin());
        revisions.emplace_back(event.evidence_revised().revision());
    }
    if (event.has_rule_crossed()) add(event.rule_crossed().crossing());
}

void CrossingView::add(const v1::Crossing& crossing) {
    crossings_.set(++last_, runtime::Packed(crossing));
    const std::int64_t oldest = last_ - crossings_max;
    if (const auto* gone = crossings_.find(oldest)) {
        answers_.erase(gone->get().crossing_id());
        revised_.erase(gone->get().crossing_id());
        crossings_.erase(oldest);
    }
}

// A rule that crossed and from then on reads another series, or none.
void CrossingView::note_dealt_with(const v1::Event& event, const Rules& rules) {
    const std::string& rule_id = event.rule_id();
    const RuleState* known = rules.find(rule_id);
    if (!known || last_ == 0) return;
    if (event.has_rule_put() && same_series(*known, event.rule_put().rule())) return;
    dealt_with_.set(rule_id, last_);
    if (dealt_with_.size() <= rules.size()) return;
    // Of rules that were forgotten since they were removed.
    std::vector<std::string> gone;
    dealt_with_.ascend(nullptr, [&](const std::string& id, std::int64_t) {
        if (!rules.contains(id)) gone.push_back(id);
        return true;
    });
    for (const std::string& id : gone) dealt_with_.erase(id);
}

v1::Crossing CrossingView::shown(v1::Crossing crossing) const {
    if (const Answer* answer = answers_.find(crossing.crossing_id())) {
        crossing.set_message_id(answer->message_id);
        crossing.set_refused(answer->refused);
    }
    if (const auto* revisions = revised_.find(crossing.crossing_id()))
        for (const auto& revision : *revisions) *crossing.add_evidence_revisions() = revision.get();
    return crossing;
}

std::string CrossingView::refusal_of(const std::string& crossing_id) const {
    const Answer* answer = answers_.find(crossing_id);
    return answer ? answer->refused : "";
}

std::int64_t CrossingView::refused(Time from, const Rules& rules) const {
    std::int64_t number = 0;
    crossings_.descend(nullptr, [&](std::int64_t place, const auto& packed) {
        const v1::Crossing crossing = packed.get();
        if (runtime::from_proto(crossing.cross_time()) < from) return false;
        const Answer* answer = answers_.find(crossing.crossing_id());
        const std::int64_t* until = dealt_with_.find(crossing.rule_id());
        const bool over = !rules.contains(crossing.rule_id()) || (until && place <= *until);
        number += answer && !answer->refused.empty() && !over ? 1 : 0;
        return true;
    });
    return number;
}

}  // namespace tocsin::trigger
