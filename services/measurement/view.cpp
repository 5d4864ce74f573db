#include "measurement/view.hpp"

namespace tocsin::measurement {
namespace {

// 0.1 s to 4 h: from a machine's pace to a committee's.
const std::vector<double> clock_buckets = {0.1, 0.25, 0.5, 1,   2.5,  5,    10,   30,
                                           60,  120,  300, 600, 1800, 3600, 7200, 14400};

}  // namespace

void Realm::apply(const runtime::Counted& counted) {
    news_ = {};
    if (counted.service != "measurement") return;
    counted.each<v1::Event>([&](const v1::Event& event) { apply(event, counted.decided_at); });
    rest(counted.decided_at);
}

std::optional<v1::Scorecard> Realm::scorecard(const std::string& message_id) const {
    if (const Card* card = cards_.find(message_id)) return card->scorecard(message_id);
    if (const Rested* rested = rested_.find(message_id)) return rested->card.get();
    return std::nullopt;
}

content::v1::Parties Realm::parties(const std::string& message_id) const {
    if (const Card* card = cards_.find(message_id)) return card->parties();
    if (const Rested* rested = rested_.find(message_id)) return rested->parties.get();
    return {};
}

Card& Realm::card_of(const std::string& message_id) {
    const bool awake = cards_.contains(message_id);
    Card& card = cards_.edit(message_id);
    if (awake) return card;
    if (const Rested* rested = rested_.find(message_id)) {
        card = Card(rested->card.get());
        card.place = rested->place;
    } else {
        card.place = list_.add(message_id);
    }
    return card;
}

void Realm::watch(Card& card, Time now) {
    card.changed = now;
    if (std::exchange(card.watched, true)) return;
    watched_.set({now + card_rests_after, card.place}, 1);
}

// By the time of decisions, never by a clock, as in every view.
void Realm::rest(Time now) {
    for (auto due = watched_.first(); due && due->first <= now; due = watched_.first()) {
        watched_.erase(*due);
        const std::string& message_id = list_.id(due->second);
        Card& card = cards_.edit(message_id);
        card.watched = false;
        if (card.changed + card_rests_after > now) {
            watched_.set({card.changed + card_rests_after, card.place}, 1);
            card.watched = true;
        } else if (card.can_rest()) {
            rested_.edit(message_id) = {runtime::Packed(card.scorecard(message_id)),
                                        runtime::KeptParties(card.parties()), card.place};
            cards_.erase(message_id);
        }
    }
}

void Realm::apply(const v1::Event& event, Time now) {
    std::string message_id = event.message_id();
    switch (event.body_case()) {
        case v1::Event::kMilestoneReached:
            message_id = reached(event);
            break;
        case v1::Event::kRemarkAdded:
            card_of(message_id).remarked(event.remark_added());
            break;
        case v1::Event::kSkewMeasured:
            card_of(message_id).measured(event.skew_measured().skew_ms());
            break;
        case v1::Event::kDeliveriesNoted:
            card_of(message_id).noted(event);
            break;
        case v1::Event::kPartiesNoted:
            card_of(message_id).concerns(event.parties_noted().parties());
            break;
        case v1::Event::BODY_NOT_SET:
            return;
    }
    if (message_id.empty()) return;
    // A clock that ended is news once, though it may be set right later.
    Card& card = card_of(message_id);
    watch(card, now);
    const Clocks clocks = card.clocks();
    for (std::size_t i = 0; i < clocks.size(); ++i) {
        if (card.reported[i] >= 0 || clocks[i] < 0) continue;
        card.reported[i] = clocks[i];
        news_.emplace_back(clock_names[i], clocks[i]);
    }
}

std::string Realm::crossed(const v1::MilestoneReached& reached) {
    crossings_.edit(reached.crossing_id()) = runtime::Packed(reached);
    const std::string* drafted = drafted_from_.find(reached.crossing_id());
    if (!drafted) return {};
    card_of(*drafted).crossed(reached);
    return *drafted;
}

std::string Realm::reached(const v1::Event& event) {
    const v1::MilestoneReached& reached = event.milestone_reached();
    const v1::MilestoneKind kind = reached.milestone().kind();
    if (kind == v1::MILESTONE_KIND_CROSSED) return crossed(reached);
    const std::string& message_id = event.message_id();
    Card& card = card_of(message_id);
    if (kind == v1::MILESTONE_KIND_DRAFTED && !reached.crossing_id().empty()) {
        drafted_from_.edit(reached.crossing_id()) = message_id;
        const auto* crossing = crossings_.find(reached.crossing_id());
        if (crossing) card.crossed(crossing->get());
    }
    card.reached(event);
    practice_.reached(card, reached);
    return message_id;
}

MeasurementView::MeasurementView(int partitions, runtime::Metrics& metrics, std::string instance)
    : SnapshotViews(partitions), metrics_(metrics), instance_(std::move(instance)) {
    // There from the start, so that a rate over them is 0 and not absent.
    for (const std::string_view clock : clock_names) clock_histogram(clock);
}

void MeasurementView::apply(const runtime::Counted& counted) {
    const Realm* realm = fold(counted);
    if (!realm) return;
    if (counted.live) publish(counted.decision.realm());
    const News& news = realm->news();
    if (news.empty()) return;
    const std::lock_guard lock(mutex_);
    for (const auto& [clock, seconds] : news) {
        if (counted.live && counted.decision.writer() == instance_)
            clock_histogram(clock).Observe(seconds);
        Latest& latest = latest_[clock];
        // Partitions are read side by side: the later decision is not always read later.
        if (counted.decided_at < latest.at) continue;
        latest = {counted.decided_at, seconds};
        if (shown_) show(clock, seconds);
    }
}

void MeasurementView::show() {
    const std::lock_guard lock(mutex_);
    shown_ = true;
    for (const auto& [clock, latest] : latest_) show(clock, latest.seconds);
}

void MeasurementView::show(std::string_view clock, double seconds) {
    metrics_
        .gauge("tocsin_clock_latest_seconds",
               "Seconds of each of the four clocks, of the message whose clock ended last; folded "
               "from the ledger, the same at every instance, absent where no clock of the name "
               "ended yet.",
               {{"clock", std::string(clock)}})
        .Set(seconds);
}

prometheus::Histogram& MeasurementView::clock_histogram(std::string_view clock) {
    return metrics_.histogram("tocsin_clock_seconds",
                              "Seconds of each of the four clocks, of those that a decision of "
                              "this instance ended, since its start.",
                              {{"clock", std::string(clock)}}, clock_buckets);
}

}  // namespace tocsin::measurement
