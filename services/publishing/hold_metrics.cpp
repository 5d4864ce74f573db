#include "publishing/hold_metrics.hpp"

#include <algorithm>

namespace tocsin::publishing {

void HoldMetrics::apply(const runtime::Counted& counted) {
    if (counted.service != "publishing" || !counted.decision.has_accepted()) return;
    bool changed = false;
    // Of a realm that publishes there are none, and not no figure.
    counted.each<v1::Event>([&](const v1::Event& event) {
        changed = changed || is_of_hold(event) || event.has_channel_put();
    });
    if (!changed) return;
    const std::string& realm = counted.decision.realm();
    const std::lock_guard lock(mutex_);
    realms_.insert(realm);
    if (shown_) set(realm, view_.current(realm).holds());
}

void HoldMetrics::reset(int partition) {
    const std::lock_guard lock(mutex_);
    if (!shown_) return;
    for (const std::string& realm : realms_)
        if (runtime::partition_of(realm, partitions_) == partition) set(realm, {});
}

void HoldMetrics::show() {
    const std::lock_guard lock(mutex_);
    shown_ = true;
    for (const std::string& realm : realms_) set(realm, view_.snapshot(realm)->holds());
}

void HoldMetrics::set(const std::string& realm, const Holds& holds) {
    const auto reminded = std::ranges::count_if(
        holds.in_force, [](const auto& entry) { return entry.second.reminded(); });
    metrics_
        .gauge("tocsin_holds",
               "Holds in force by realm; folded from the ledger, the same at every instance.",
               {{"realm", realm}})
        .Set(static_cast<double>(holds.in_force.size()));
    metrics_
        .gauge("tocsin_holds_reminded",
               "Holds in force by realm that somebody should have looked at again by now; folded "
               "from the ledger, the same at every instance.",
               {{"realm", realm}})
        .Set(static_cast<double>(reminded));
}

}  // namespace tocsin::publishing
