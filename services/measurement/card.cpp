// The arithmetic of a scorecard.
#include "measurement/view.hpp"

#include <algorithm>

namespace tocsin::measurement {
namespace {

Time time_of(const v1::Milestone& point) { return runtime::from_proto(point.at()); }

// Clocks of different machines can differ by more than what lies between: never below 0.
double seconds(std::optional<Time> from, std::optional<Time> to) {
    if (!from || !to) return -1;
    return std::max(0.0, static_cast<double>((*to - *from).count()) / 1e6);
}

}  // namespace

void Card::insert(const v1::Milestone& point) {
    const auto place = std::ranges::upper_bound(milestones_, time_of(point), {}, time_of);
    milestones_.insert(place, point);
}

void Card::crossed(const v1::MilestoneReached& crossing) {
    insert(crossing.milestone());
    if (crossing.has_reading()) reading_ = crossing.reading();
}

void Card::reached(const v1::MilestoneReached& reached) {
    const v1::Milestone& point = reached.milestone();
    // Told again, `fired` is the earlier one.
    if (point.kind() == "fired")
        std::erase_if(milestones_, [&](const v1::Milestone& known) {
            return known.kind() == "fired" && known.purpose() == point.purpose();
        });
    insert(point);
    const auto delivery = deliveries_.find({reached.release_id(), reached.delivery_id()});
    if (delivery == deliveries_.end()) return;
    delivery->second.state = point.kind();
    if (point.kind() == "confirmed") delivery->second.confirmed_at = time_of(point);
}

void Card::noted(const v1::DeliveriesNoted& noted) {
    for (const v1::NotedDelivery& one : noted.deliveries()) {
        Delivery& delivery = deliveries_[{noted.release_id(), one.delivery_id()}];
        delivery.purpose = one.purpose();
        delivery.state = one.state();
    }
}

std::optional<Time> Card::first(std::string_view kind) const {
    const auto found = std::ranges::find(milestones_, kind, &v1::Milestone::kind);
    if (found == milestones_.end()) return std::nullopt;
    return time_of(*found);
}

std::optional<Time> Card::last_channel() const {
    std::optional<Time> last;
    for (const auto& [key, delivery] : deliveries_) {
        if (delivery.purpose != "message" || delivery.state == "skipped") continue;
        const bool settled = delivery.state == "confirmed" || delivery.state == "refused" ||
                             delivery.state == "stood_down";
        if (!settled) return std::nullopt;
        if (delivery.state != "confirmed" || !delivery.confirmed_at) continue;
        if (!last || *delivery.confirmed_at > *last) last = delivery.confirmed_at;
    }
    return last;
}

Clocks Card::clocks() const {
    return {seconds(first("crossed"), first("drafted")),
            seconds(first("drafted"), first("cleared")), seconds(first("cleared"), last_channel()),
            seconds(first("retraction_ordered"), first("corrected"))};
}

v1::Scorecard Card::scorecard(const std::string& message_id) const {
    v1::Scorecard card;
    card.set_message_id(message_id);
    for (const v1::Milestone& point : milestones_) *card.add_milestones() = point;
    const auto [to_draft, to_cleared, to_channel, to_corrected] = clocks();
    card.set_reading_to_draft_seconds(to_draft);
    card.set_draft_to_cleared_seconds(to_cleared);
    card.set_cleared_to_last_channel_seconds(to_channel);
    card.set_mistake_to_corrected_seconds(to_corrected);
    for (const auto& [key, delivery] : deliveries_) ++(*card.mutable_deliveries())[delivery.state];
    card.set_skew_ms(skew_ms_);
    if (reading_) *card.mutable_reading() = *reading_;
    return card;
}

}  // namespace tocsin::measurement
