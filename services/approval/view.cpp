#include "approval/view.hpp"

#include <ranges>

namespace tocsin::approval {

void Realm::apply(const runtime::Counted& counted) {
    if (counted.service != "approval") return;
    for (const std::string& bytes : counted.decision.accepted().events()) {
        v1::Event event;
        // An event that this version cannot read has already stopped the partition.
        if (!event.ParseFromString(bytes)) continue;
        Decider::evolve(state_, event, counted.decided_at);
        if (event.has_review_opened()) opened(event.review_opened().review().message_id());
    }
}

void Realm::opened(const std::string& message_id) {
    const auto before = place_.find(message_id);
    if (before != place_.end()) order_.erase(before->second);
    place_[message_id] = next_place_;
    order_[next_place_++] = message_id;
}

std::vector<const v1::Review*> Realm::reviews(std::string_view review_state) const {
    std::vector<const v1::Review*> result;
    for (const auto& [place, message_id] : std::views::reverse(order_)) {
        const v1::Review& review = state_.reviews.at(message_id);
        if (review_state.empty() || review.state() == review_state) result.push_back(&review);
    }
    return result;
}

}  // namespace tocsin::approval
