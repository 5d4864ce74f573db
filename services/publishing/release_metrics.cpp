#include "publishing/release_metrics.hpp"

#include "runtime/ledger/view_events.hpp"
#include "texts/contains.hpp"

#include <algorithm>
#include <array>

namespace tocsin::publishing {
namespace {

constexpr std::array release_states{"preparing",  "waiting",   "armed",     "firing",  "released",
                                    "retracting", "retracted", "cancelled", "aborted", "expired"};
// States in which a delivery stays unless somebody does something, and its being in doubt.
constexpr std::array delivery_outcomes{"confirmed", "refused", "unknown", "stood_down", "skipped"};
constexpr std::array release_outcomes{"released", "retracted", "cancelled",
                                      "aborted",  "expired",   "not_retracted"};

// A retraction that reached nobody leaves its release released.
std::string outcome_of(const std::string& before, const std::string& after) {
    return before == "retracting" && after == "released" ? "not_retracted" : after;
}

}  // namespace

ReleaseMetrics::ReleaseMetrics(runtime::Metrics& metrics, const PublishingView& view,
                               std::string instance, int partitions)
    : metrics_(metrics),
      view_(view),
      instance_(std::move(instance)),
      partitions_(partitions),
      totals_(static_cast<std::size_t>(partitions)) {
    for (const char* outcome : release_outcomes) releases_ended(outcome);
    skew();
}

void ReleaseMetrics::apply(const runtime::Counted& counted) {
    if (counted.service != "publishing" || !counted.decision.has_accepted()) return;
    const bool ours = counted.live && counted.decision.writer() == instance_;
    const std::string& realm = counted.decision.realm();
    const auto events = runtime::events_of<v1::Event>(counted);
    std::set<std::string> touched;
    const std::lock_guard lock(mutex_);
    for (const v1::Event& event : events) {
        if (event.has_channel_put())
            introduce({realm, event.channel_put().channel().agency_id(),
                       event.channel_put().channel().kind()});
        if (event.has_release_completed() && ours) measure_skew(event.release_completed());
        if (const auto id = release_of(event); !id.empty()) touched.emplace(id);
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
    for (const char* state : release_states) show(state);
    for (const Place& place : places_)
        for (const std::string_view state : delivery_states) show({place, std::string{state}});
}

void ReleaseMetrics::show(const std::string& state) {
    std::int64_t all = 0;
    for (const Totals& totals : totals_)
        if (const auto found = totals.releases.find(state); found != totals.releases.end())
            all += found->second;
    releases(state).Set(static_cast<double>(all));
}

void ReleaseMetrics::show(const std::pair<Place, std::string>& where) {
    std::int64_t all = 0;
    for (const Totals& totals : totals_)
        if (const auto found = totals.deliveries.find(where); found != totals.deliveries.end())
            all += found->second;
    deliveries(where.first, where.second).Set(static_cast<double>(all));
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
    std::set<std::pair<Place, std::string>> changed;
    for (const auto& [key, number] : before.deliveries) {
        totals.deliveries[key] -= number;
        changed.insert(key);
    }
    for (const auto& [key, number] : after.deliveries) {
        totals.deliveries[key] += number;
        changed.insert(key);
    }
    if (!before.state.empty()) --totals.releases[before.state];
    if (!after.state.empty()) ++totals.releases[after.state];
    if (!shown_) return;
    for (const auto& where : changed) show(where);
    for (const std::string& state : {before.state, after.state})
        if (!state.empty()) show(state);
}

void ReleaseMetrics::count(const Tally& before, const Tally& after) {
    for (const auto& [key, number] : after.deliveries) {
        if (!texts::contains(delivery_outcomes, key.second)) continue;
        const auto known = before.deliveries.find(key);
        const std::int64_t more = number - (known == before.deliveries.end() ? 0 : known->second);
        if (more <= 0) continue;
        deliveries_ended(key.first, key.second).Increment(static_cast<double>(more));
    }
    const std::string outcome = outcome_of(before.state, after.state);
    if (after.state != before.state && texts::contains(release_outcomes, outcome))
        releases_ended(outcome).Increment();
}

void ReleaseMetrics::measure_skew(const v1::ReleaseCompleted& completed) {
    if (completed.skew_ms() >= 0) skew().Observe(completed.skew_ms() / 1000);
}

// All of a place is there from the time its channel is, so that a rate is 0 and not absent.
void ReleaseMetrics::introduce(const Place& place) {
    if (!places_.insert(place).second) return;
    for (const char* outcome : delivery_outcomes) deliveries_ended(place, outcome);
    if (!shown_) return;
    for (const std::string_view state : delivery_states)
        deliveries(place, std::string{state}).Set(0);
}

prometheus::Gauge& ReleaseMetrics::releases(const std::string& state) {
    return metrics_.gauge("tocsin_releases",
                          "Releases by the state that they are in; folded from the ledger, the "
                          "same at every instance.",
                          {{"state", state}});
}

prometheus::Gauge& ReleaseMetrics::deliveries(const Place& place, const std::string& state) {
    return metrics_.gauge(
        "tocsin_deliveries",
        "Deliveries by the state that they are in, realm, agency and kind of "
        "channel; folded from the ledger, the same at every instance.",
        {{"realm", place.realm}, {"agency", place.agency}, {"kind", place.kind}, {"state", state}});
}

prometheus::Counter& ReleaseMetrics::releases_ended(const std::string& outcome) {
    return metrics_.counter("tocsin_releases_total",
                            "Releases by the end that they came to, decided by this instance "
                            "since its start. not_retracted: a retraction reached no channel.",
                            {{"outcome", outcome}});
}

prometheus::Counter& ReleaseMetrics::deliveries_ended(const Place& place,
                                                      const std::string& outcome) {
    return metrics_.counter("tocsin_delivery_outcomes_total",
                            "Deliveries by the outcome that they came to, decided by this "
                            "instance since its start.",
                            {{"realm", place.realm},
                             {"agency", place.agency},
                             {"kind", place.kind},
                             {"outcome", outcome}});
}

prometheus::Histogram& ReleaseMetrics::skew() {
    return metrics_.histogram(
        "tocsin_release_skew_seconds",
        "Between the first and the last request of a release that was written and confirmed in "
        "its first attempt; of releases completed by this instance since its start.",
        {}, {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10});
}

}  // namespace tocsin::publishing
