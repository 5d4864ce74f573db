#include "approval/view.hpp"

#include "texts/enum_names.hpp"

namespace tocsin::approval {

std::string Realm::part_of(v1::ReviewState state) { return std::string(texts::enum_name(state)); }

void Realm::apply(const runtime::Counted& counted) {
    if (counted.service == "trigger")
        counted.each<trigger::v1::Event>([&](const trigger::v1::Event& event) {
            if (event.has_evidence_revised()) corrections_.add(event.evidence_revised());
        });
    if (counted.service != "approval") return;
    counted.each<v1::Event>([&](const v1::Event& event) { apply(event, counted.decided_at); });
    drop_old_contents(counted.decided_at);
}

void Realm::apply(const v1::Event& event, Time decided_at) {
    if (event.has_roster_imported())
        roster_ = std::make_shared<const v1::Roster>(event.roster_imported().roster());
    if (event.has_policy_set()) {
        const v1::Policy& policy = event.policy_set().policy();
        policies_.set({policy.agency_id(), policy.severity()}, policy);
    }
    const std::string& message_id = event.message_id();
    if (message_id.empty()) return;
    Shown& shown = reviews_.edit(message_id);
    // Only what this service would never decide, at which its ledger stops.
    if (!evolve(shown.review, event, decided_at)) return;
    if (event.has_review_opened()) shown.crossing_id = event.review_opened().crossing_id();
    file(message_id, shown, event.has_review_opened(), decided_at);
}

void Realm::file(const std::string& message_id, Shown& shown, bool opened, Time at) {
    const v1::ReviewState state = shown.review.get().state();
    if (state == shown.state && !opened) return;
    if (shown.place != 0) list_.leave(part_of(shown.state), shown.place);
    if (shown.ending) endings_.erase(*shown.ending);
    shown.ending.reset();
    if (opened) {
        if (shown.place != 0) list_.remove(shown.place);
        shown.place = list_.add(message_id);
        shown.dropped = false;
    }
    shown.state = state;
    if (shown.place == 0) return;
    list_.enter(part_of(shown.state), shown.place);
    if (shown.state == v1::REVIEW_STATE_IN_REVIEW) return;
    shown.ending = Ending{(at + content_kept).time_since_epoch().count(), shown.place};
    endings_.set(*shown.ending, 1);
}

// By the time of decisions, never by a clock: every instance and every replay shows the same.
void Realm::drop_old_contents(Time now) {
    const auto latest = now.time_since_epoch().count();
    for (auto due = endings_.first(); due && due->first <= latest; due = endings_.first()) {
        endings_.erase(*due);
        list_.newest_first({}, due->second + 1, [&](std::int64_t, const std::string& message_id) {
            Shown& shown = reviews_.edit(message_id);
            shown.review.content = {};
            shown.ending.reset();
            shown.dropped = true;
            return false;
        });
    }
}

const v1::Roster& Realm::roster() const {
    return roster_ ? *roster_ : v1::Roster::default_instance();
}

std::optional<v1::Review> Realm::review_head(const std::string& message_id) const {
    const Shown* shown = reviews_.find(message_id);
    if (!shown) return std::nullopt;
    v1::Review review = shown->review.get();
    review.set_content_dropped(shown->dropped);
    corrections_.show(shown->crossing_id, review);
    return review;
}

std::optional<v1::Review> Realm::review(const std::string& message_id) const {
    auto review = review_head(message_id);
    if (review) review->set_content(*reviews_.find(message_id)->review.content);
    return review;
}

}  // namespace tocsin::approval
