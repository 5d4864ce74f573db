#include "publishing/release_metrics.hpp"

#include "texts/enum_names.hpp"

#include <algorithm>
#include <array>

namespace tocsin::publishing {
namespace {

// States in which a delivery stays unless somebody does something, and its being in doubt.
constexpr std::array delivery_outcomes{v1::DELIVERY_STATE_CONFIRMED, v1::DELIVERY_STATE_REFUSED,
                                       v1::DELIVERY_STATE_UNKNOWN, v1::DELIVERY_STATE_STOOD_DOWN,
                                       v1::DELIVERY_STATE_SKIPPED};
constexpr std::array release_ends{v1::RELEASE_STATE_RELEASED,         v1::RELEASE_STATE_RETRACTED,
                                  v1::RELEASE_STATE_PARTLY_RETRACTED, v1::RELEASE_STATE_CANCELLED,
                                  v1::RELEASE_STATE_ABORTED,          v1::RELEASE_STATE_EXPIRED};
// What was stopped and cannot be taken back, as no words for that were approved.
constexpr std::string_view not_retracted = "not_retracted";

bool among(const auto& states, auto state) {
    return std::ranges::find(states, state) != states.end();
}

std::string_view outcome_of(v1::ReleaseState before, v1::ReleaseState after) {
    return before == v1::RELEASE_STATE_RETRACTING && after == v1::RELEASE_STATE_RELEASED
               ? not_retracted
               : texts::enum_name(after);
}

}  // namespace

ReleaseMetrics::ReleaseMetrics(runtime::Metrics& metrics, const PublishingView& view,
                               std::string instance, int partitions)
    : metrics_(metrics),
      view_(view),
      instance_(std::move(instance)),
      partitions_(partitions),
      totals_(static_cast<std::size_t>(partitions)) {
    for (const auto state : release_ends) releases_ended(texts::enum_name(state));
    releases_ended(not_retracted);
    skew();
}

void ReleaseMetrics::apply(const runtime::Counted& counted) {
    if (counted.service != "publishing" || !counted.decision.has_accepted()) return;
    const bool ours = counted.live && counted.decision.writer() == instance_;
    const std::string& realm = counted.decision.realm();
    const auto events = counted.events<v1::Event>();
    std::set<std::string> touched;
    const std::lock_guard lock(mutex_);
    for (const v1::Event& event : events) {
        if (event.has_channel_put())
            introduce({realm, event.channel_put().channel().agency_id(),
                       event.channel_put().channel().kind()});
        if (event.has_release_completed() && ours) measure_skew(event.release_completed());
        if (!event.release_id().empty()) touched.insert(event.release_id());
    }
    for (const std::string& id : touched) follow(counted.partition, realm, id, ours);
    for (const std::string& id : view_.current(realm).faded_now()) known_.erase({realm, id});
}

void ReleaseMetrics::follow(int partition, const std::string& realm, const std::string& id,
                            bool ours) {
    const Realm& view = view_.current(realm);
    const Release* release = view.release(id);
    if (!release && !known_.contains({realm, id})) return;  // Faded before: it does not change.
    Tally after = release ? tally_of(realm, *release) : tally_of(realm, *view.whole_release(id));
    Tally& before = known_[{realm, id}];
    if (ours) count(before, after);
    change(totals_.at(static_cast<std::size_t>(partition)), before, after);
    before = std::move(after);
}

void ReleaseMetrics::reset(int partition) {
    const std::lock_guard lock(mutex_);
    std::erase_if(known_, [&](const auto& entry) {
        return runtime::partition_of(entry.first.first, partitions_) == partition;
    });
    const Totals gone = std::exchange(totals_.at(static_cast<std::size_t>(partition)), {});
    if (!shown_) return;
    for (const auto& [state, number] : gone.releases) show(state);
    for (const auto& [where, number] : gone.deliveries) show(where);
}

void ReleaseMetrics::show() {
    const std::lock_guard lock(mutex_);
    shown_ = true;
    for (const auto state : texts::enum_values<v1::ReleaseState>()) show(state);
    for (const Place& place : places_)
        for (const auto state : texts::enum_values<v1::DeliveryState>()) show({place, state});
}

template <class Key>
double ReleaseMetrics::total(std::map<Key, std::int64_t> Totals::* part, const Key& key) const {
    std::int64_t all = 0;
    for (const Totals& totals : totals_)
        if (const auto found = (totals.*part).find(key); found != (totals.*part).end())
            all += found->second;
    return static_cast<double>(all);
}

void ReleaseMetrics::show(v1::ReleaseState state) {
    releases(state).Set(total(&Totals::releases, state));
}

void ReleaseMetrics::show(const Spot& where) {
    deliveries(where).Set(total(&Totals::deliveries, where));
}

ReleaseMetrics::Tally ReleaseMetrics::tally_of(const std::string& realm, const Release& release) {
    Tally tally;
    tally.state = release.head.state();
    release.standings.ascend(nullptr, [&](const Standing& where, int number) {
        tally.deliveries[{{realm, where.agency, where.kind}, where.state}] = number;
        return true;
    });
    return tally;
}

ReleaseMetrics::Tally ReleaseMetrics::tally_of(const std::string& realm, const v1::Release& whole) {
    Tally tally;
    tally.state = whole.state();
    for (const v1::Delivery& one : whole.deliveries())
        ++tally.deliveries[{{realm, one.agency_id(), one.kind()}, one.state()}];
    return tally;
}

void ReleaseMetrics::change(Totals& totals, const Tally& before, const Tally& after) {
    for (const auto& [key, number] : after.deliveries) introduce(key.first);
    std::set<Spot> changed;
    for (const auto& [key, number] : before.deliveries) {
        totals.deliveries[key] -= number;
        changed.insert(key);
    }
    for (const auto& [key, number] : after.deliveries) {
        totals.deliveries[key] += number;
        changed.insert(key);
    }
    const bool known = before.state != v1::RELEASE_STATE_UNSPECIFIED;
    if (known) --totals.releases[before.state];
    ++totals.releases[after.state];
    if (!shown_) return;
    for (const auto& where : changed) show(where);
    if (known) show(before.state);
    show(after.state);
}

void ReleaseMetrics::count(const Tally& before, const Tally& after) {
    for (const auto& [key, number] : after.deliveries) {
        if (!among(delivery_outcomes, key.second)) continue;
        const auto known = before.deliveries.find(key);
        const std::int64_t more = number - (known == before.deliveries.end() ? 0 : known->second);
        if (more <= 0) continue;
        deliveries_ended(key).Increment(static_cast<double>(more));
    }
    if (after.state != before.state && among(release_ends, after.state))
        releases_ended(outcome_of(before.state, after.state)).Increment();
}

void ReleaseMetrics::measure_skew(const v1::ReleaseCompleted& completed) {
    if (completed.skew_ms() >= 0) skew().Observe(completed.skew_ms() / 1000);
}

// All of a place is there from the time its channel is, so that a rate is 0 and not absent.
void ReleaseMetrics::introduce(const Place& place) {
    if (!places_.insert(place).second) return;
    for (const auto state : delivery_outcomes) deliveries_ended({place, state});
    if (!shown_) return;
    for (const auto state : texts::enum_values<v1::DeliveryState>())
        deliveries({place, state}).Set(0);
}

prometheus::Gauge& ReleaseMetrics::releases(v1::ReleaseState state) {
    return metrics_.gauge("tocsin_releases",
                          "Releases by the state that they are in; folded from the ledger, the "
                          "same at every instance.",
                          {{"state", std::string{texts::enum_name(state)}}});
}

prometheus::Gauge& ReleaseMetrics::deliveries(const Spot& where) {
    const auto& [place, state] = where;
    return metrics_.gauge("tocsin_deliveries",
                          "Deliveries by the state that they are in, realm, agency and kind of "
                          "channel; folded from the ledger, the same at every instance.",
                          {{"realm", place.realm},
                           {"agency", place.agency},
                           {"kind", place.kind},
                           {"state", std::string{texts::enum_name(state)}}});
}

prometheus::Counter& ReleaseMetrics::releases_ended(std::string_view outcome) {
    return metrics_.counter("tocsin_releases_total",
                            "Releases that ended, by outcome; those that this instance decided, "
                            "since its start. not_retracted: stopped, and nothing was taken back.",
                            {{"outcome", std::string{outcome}}});
}

prometheus::Counter& ReleaseMetrics::deliveries_ended(const Spot& where) {
    const auto& [place, state] = where;
    return metrics_.counter("tocsin_delivery_outcomes_total",
                            "Deliveries that were settled, by outcome; those that this instance "
                            "decided, since its start.",
                            {{"realm", place.realm},
                             {"agency", place.agency},
                             {"kind", place.kind},
                             {"outcome", std::string{texts::enum_name(state)}}});
}

prometheus::Histogram& ReleaseMetrics::skew() {
    return metrics_.histogram("tocsin_release_skew_seconds",
                              "Seconds between the first and the last request of a release, of "
                              "those written and confirmed in their first attempt; of releases "
                              "that this instance completed, since its start.",
                              {}, {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10});
}

}  // namespace tocsin::publishing
