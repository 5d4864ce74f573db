#include "approval/review_metrics.hpp"

namespace tocsin::approval {

using runtime::from_proto;

ReviewMetrics::ReviewMetrics(runtime::Metrics& metrics, const ApprovalView& view,
                             std::string instance, int partitions)
    : metrics_(metrics), view_(view), instance_(std::move(instance)), partitions_(partitions) {
    for (const char* outcome : {"cleared", "changes_requested", "taken_back", "rejected"})
        reviews_ended(outcome);
    approval_seconds();
}

void ReviewMetrics::apply(const runtime::Counted& counted) {
    if (counted.service != "approval") return;
    const bool ours = counted.live && counted.decision.writer() == instance_;
    const std::string& realm = counted.decision.realm();
    const auto events = counted.events<v1::Event>();
    std::set<std::string> touched;
    const std::lock_guard lock(mutex_);
    for (const v1::Event& event : events) {
        for (const v1::Agency& agency : event.roster_imported().roster().agencies())
            introduce({realm, agency.agency_id()});
        if (ours) count(event, realm, counted.decided_at);
        if (!event.message_id().empty()) touched.insert(event.message_id());
    }
    for (const std::string& id : touched) {
        Waiting after = waiting_in(realm, id);
        change(realm, std::exchange(known_[{realm, id}], after), after);
        if (after.agencies.empty()) known_.erase({realm, id});
    }
}

void ReviewMetrics::reset(int partition) {
    const std::lock_guard lock(mutex_);
    std::erase_if(known_, [&](const auto& entry) {
        if (runtime::partition_of(entry.first.first, partitions_) != partition) return false;
        change(entry.first.first, entry.second, {});
        return true;
    });
}

void ReviewMetrics::show() {
    const std::lock_guard lock(mutex_);
    shown_ = true;
    for (const auto& [place, times] : since_) publish(place);
}

ReviewMetrics::Waiting ReviewMetrics::waiting_in(const std::string& realm,
                                                 const std::string& message_id) const {
    Waiting waiting;
    const auto review = view_.current(realm).review_head(message_id);
    if (!review || review->state() != v1::REVIEW_STATE_IN_REVIEW) return waiting;
    waiting.since = from_proto(review->submit_time());
    for (const v1::AgencyReview& agency : review->agencies())
        if (!agency.cleared()) waiting.agencies.insert(agency.agency_id());
    return waiting;
}

void ReviewMetrics::change(const std::string& realm, const Waiting& before, const Waiting& after) {
    for (const std::string& agency : before.agencies) {
        auto& times = since_[{realm, agency}];
        times.erase(times.find(before.since));
    }
    for (const std::string& agency : after.agencies) since_[{realm, agency}].insert(after.since);
    if (!shown_) return;
    for (const Waiting* one : {&before, &after})
        for (const std::string& agency : one->agencies) publish({realm, agency});
}

void ReviewMetrics::count(const v1::Event& event, const std::string& realm, Time decided_at) {
    if (event.has_review_returned())
        reviews_ended(event.review_returned().taken_back() ? "taken_back" : "changes_requested")
            .Increment();
    if (event.has_review_rejected()) reviews_ended("rejected").Increment();
    if (!event.has_cleared()) return;
    reviews_ended("cleared").Increment();
    const auto known = known_.find({realm, event.message_id()});
    if (known == known_.end() || known->second.agencies.empty()) return;
    approval_seconds().Observe(
        std::chrono::duration<double>(decided_at - known->second.since).count());
}

// There from the time that the roster names it, so that it reads 0 and not nothing.
void ReviewMetrics::introduce(const Place& place) {
    if (since_.try_emplace(place).second && shown_) publish(place);
}

void ReviewMetrics::publish(const Place& place) {
    const auto& times = since_[place];
    const prometheus::Labels labels{{"realm", place.first}, {"agency", place.second}};
    metrics_
        .gauge("tocsin_reviews_waiting",
               "Reviews that wait for this agency; folded from the ledger, the same at every "
               "instance.",
               labels)
        .Set(static_cast<double>(times.size()));
    const Time oldest = times.empty() ? Time{} : *times.begin();
    metrics_
        .gauge(
            "tocsin_review_oldest_timestamp_seconds",
            "Time at which the oldest review that waits for this agency was submitted, in seconds "
            "since 1970; 0 while none waits. Folded from the ledger, the same at every instance.",
            labels)
        .Set(std::chrono::duration<double>(oldest.time_since_epoch()).count());
}

prometheus::Counter& ReviewMetrics::reviews_ended(const std::string& outcome) {
    return metrics_.counter(
        "tocsin_reviews_total",
        "Reviews that ended, by outcome; those that this instance decided, since its start.",
        {{"outcome", outcome}});
}

prometheus::Histogram& ReviewMetrics::approval_seconds() {
    return metrics_.histogram("tocsin_approval_seconds",
                              "Seconds from submission to clearance by the last agency; of reviews "
                              "that this instance cleared, since its start.",
                              {}, {10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400});
}

}  // namespace tocsin::approval
