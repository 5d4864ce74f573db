#include "approval/review_view.hpp"

#include "texts/enum_names.hpp"

namespace tocsin::approval {

std::string ReviewView::part_of(v1::ReviewState state) {
    return std::string(texts::enum_name(state));
}

void ReviewView::apply(const trigger::v1::Event& event) {
    if (event.has_evidence_revised()) corrections_.add(event.evidence_revised());
}

void ReviewView::apply(const v1::Event& event, Time decided_at) {
    const std::string& message_id = event.message_id();
    if (message_id.empty()) return;
    Shown& shown = by_message_.edit(message_id);
    // Only what this service would never decide, at which its ledger stops.
    if (!evolve(shown.review, event, decided_at)) return;
    if (event.has_review_opened()) shown.crossing_id = event.review_opened().crossing_id();
    file(message_id, shown, event.has_review_opened(), decided_at);
}

void ReviewView::file(const std::string& message_id, Shown& shown, bool opened, Time at) {
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
void ReviewView::drop_old_contents(Time now) {
    const auto latest = now.time_since_epoch().count();
    for (auto due = endings_.first(); due && due->first <= latest; due = endings_.first()) {
        endings_.erase(*due);
        list_.newest_first({}, due->second + 1, [&](std::int64_t, const std::string& message_id) {
            Shown& shown = by_message_.edit(message_id);
            shown.review.content = {};
            shown.ending.reset();
            shown.dropped = true;
            return false;
        });
    }
}

std::optional<v1::Review> ReviewView::head(const std::string& message_id) const {
    const Shown* shown = by_message_.find(message_id);
    if (!shown) return std::nullopt;
    v1::Review review = shown->review.get();
    review.set_content_dropped(shown->dropped);
    corrections_.show(shown->crossing_id, review);
    return review;
}

std::optional<v1::Review> ReviewView::whole(const std::string& message_id) const {
    auto review = head(message_id);
    if (review) review->set_content(*by_message_.find(message_id)->review.content);
    return review;
}

}  // namespace tocsin::approval
