#include "measurement/card.hpp"

#include "texts/enum_names.hpp"

#include <algorithm>

namespace tocsin::measurement {
namespace {

// Clocks of different machines can differ by more than what lies between: never below 0.
double seconds(std::optional<Time> from, std::optional<Time> to) {
    if (!from || !to) return -1;
    return std::max(0.0, static_cast<double>((*to - *from).count()) / 1e6);
}

}  // namespace

Card::Card(const v1::Scorecard& rested) : skew_ms_(rested.skew_ms()) {
    for (const v1::Milestone& point : rested.milestones()) {
        insert(point);
        if (point.kind() == v1::MILESTONE_KIND_CONFIRMED &&
            point.purpose() == published::PURPOSE_MESSAGE)
            last_confirmed_ = std::max(last_confirmed_, {runtime::from_proto(point.at())});
    }
    concerns(rested.parties());
    if (rested.has_reading()) reading_ = runtime::Packed(rested.reading());
    v1::Scorecard counts;
    *counts.mutable_deliveries() = rested.deliveries();
    rested_ = runtime::Packed(counts);
    reported = clocks();
}

bool Card::can_rest() const {
    bool all_final = true;
    deliveries_.ascend(nullptr, [&](const auto&, const Delivery& delivery) {
        return all_final = is_final(delivery.state);
    });
    return all_final;
}

void Card::insert(const v1::Milestone& point) {
    const Time at = runtime::from_proto(point.at());
    const Moment moment{at.time_since_epoch().count(), ++inserted_};
    milestones_.set(moment, point.SerializeAsString());
    const auto kind = std::ranges::find(clock_points, point.kind());
    if (kind != clock_points.end()) {
        auto& first = firsts_[static_cast<std::size_t>(kind - clock_points.begin())];
        // A release that was stopped before anything was public is no mistake to correct: the order
        // of the last one counts.
        const bool last = point.kind() == v1::MILESTONE_KIND_RETRACTION_ORDERED;
        first = last ? std::max(first.value_or(at), at) : std::min(first.value_or(at), at);
    }
    if (point.kind() != v1::MILESTONE_KIND_FIRED) return;
    // A second one is the earlier one.
    const auto before =
        std::ranges::find_if(fired_, [&](const auto& one) { return one.first == point.purpose(); });
    if (before == fired_.end()) {
        fired_.emplace_back(point.purpose(), moment);
    } else {
        milestones_.erase(before->second);
        before->second = moment;
    }
}

void Card::crossed(const v1::MilestoneReached& crossing) {
    insert(crossing.milestone());
    if (crossing.has_reading()) reading_ = runtime::Packed(crossing.reading());
}

void Card::reached(const v1::Event& event) {
    const v1::MilestoneReached& reached = event.milestone_reached();
    const v1::Milestone& point = reached.milestone();
    insert(point);
    const std::pair<std::string, std::string> key{event.release_id(), reached.delivery_id()};
    const Delivery* known = deliveries_.find(key);
    if (!known) return;
    Delivery delivery = *known;
    const published::DeliveryState to = state_by(point.kind());
    if (to != published::DELIVERY_STATE_UNSPECIFIED) delivery.state = to;
    if (to == published::DELIVERY_STATE_CONFIRMED)
        delivery.confirmed_at = runtime::from_proto(point.at());
    change(key, delivery);
}

void Card::noted(const v1::Event& event) {
    for (const v1::NotedDelivery& one : event.deliveries_noted().deliveries()) {
        const std::pair<std::string, std::string> key{event.release_id(), one.delivery_id()};
        const Delivery* known = deliveries_.find(key);
        Delivery delivery = known ? *known : Delivery{};
        delivery.purpose = one.purpose();
        delivery.state = one.state();
        change(key, delivery);
    }
}

bool Card::counts(const Delivery& delivery) {
    return delivery.purpose == published::PURPOSE_MESSAGE &&
           delivery.state != published::DELIVERY_STATE_SKIPPED;
}

bool Card::settled(const Delivery& delivery) {
    return delivery.state == published::DELIVERY_STATE_CONFIRMED ||
           delivery.state == published::DELIVERY_STATE_REFUSED ||
           delivery.state == published::DELIVERY_STATE_STOOD_DOWN;
}

void Card::change(const std::pair<std::string, std::string>& key, const Delivery& to) {
    const auto confirmed = [](const Delivery& delivery) -> std::optional<Time> {
        if (!counts(delivery) || delivery.state != published::DELIVERY_STATE_CONFIRMED)
            return std::nullopt;
        return delivery.confirmed_at;
    };
    const auto waits = [](const Delivery& one) { return counts(one) && !settled(one) ? 1 : 0; };
    const Delivery* known = deliveries_.find(key);
    const Delivery before = known ? *known : Delivery{};
    deliveries_.set(key, to);
    unsettled_ += waits(to) - waits(before);
    if (!confirmed(before) || confirmed(before) == confirmed(to)) {
        last_confirmed_ = std::max(last_confirmed_, confirmed(to));
        return;
    }
    // One that was confirmed no longer is: a thing that publishing does not do.
    last_confirmed_.reset();
    deliveries_.ascend(nullptr, [&](const auto&, const Delivery& delivery) {
        last_confirmed_ = std::max(last_confirmed_, confirmed(delivery));
        return true;
    });
}

std::optional<Time> Card::first(v1::MilestoneKind kind) const {
    const auto point = std::ranges::find(clock_points, kind) - clock_points.begin();
    return firsts_.at(static_cast<std::size_t>(point));
}

std::optional<Time> Card::public_since() const {
    for (const auto& [purpose, moment] : fired_)
        if (purpose == published::PURPOSE_MESSAGE) return Time{runtime::Duration{moment.at}};
    return std::nullopt;
}

std::optional<Time> Card::last_channel() const {
    if (unsettled_ > 0) return std::nullopt;
    return last_confirmed_;
}

Clocks Card::clocks() const {
    return {
        seconds(first(v1::MILESTONE_KIND_CROSSED), first(v1::MILESTONE_KIND_DRAFTED)),
        seconds(first(v1::MILESTONE_KIND_DRAFTED), first(v1::MILESTONE_KIND_CLEARED)),
        seconds(first(v1::MILESTONE_KIND_CLEARED), last_channel()),
        seconds(first(v1::MILESTONE_KIND_RETRACTION_ORDERED), first(v1::MILESTONE_KIND_CORRECTED))};
}

v1::Scorecard Card::scorecard(const std::string& message_id) const {
    v1::Scorecard card = rested_.get();
    card.set_message_id(message_id);
    milestones_.ascend(nullptr, [&](const Moment&, const std::string& point) {
        return card.add_milestones()->ParseFromString(point);
    });
    const auto [to_draft, to_cleared, to_channel, to_corrected] = clocks();
    card.set_reading_to_draft_seconds(to_draft);
    card.set_draft_to_cleared_seconds(to_cleared);
    card.set_cleared_to_last_channel_seconds(to_channel);
    card.set_mistake_to_corrected_seconds(to_corrected);
    deliveries_.ascend(nullptr, [&](const auto&, const Delivery& delivery) {
        ++(*card.mutable_deliveries())[std::string(texts::enum_name(delivery.state))];
        return true;
    });
    card.set_skew_ms(skew_ms_);
    *card.mutable_parties() = parties();
    if (reading_.size() > 0) *card.mutable_reading() = reading_.get();
    return card;
}

}  // namespace tocsin::measurement
