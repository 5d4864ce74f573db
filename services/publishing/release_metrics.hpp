// What publishing tells Prometheus of releases and deliveries. The gauges are folded from the
// ledger: the same at every instance, and right again after a restart. The counters and the skew
// are of what is decided from now on, at the instance that decided it, so that over instances they
// add up and a restart is no burst.
//
// Ledger thread only.
#pragma once

#include "publishing/view.hpp"
#include "runtime/metrics.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::publishing {

class ReleaseMetrics final : public runtime::View {
public:
    // `view` is fed before this. `instance`: the writer whose decisions are counted here.
    ReleaseMetrics(runtime::Metrics& metrics, const PublishingView& view, std::string instance,
                   int partitions);

    void apply(const runtime::Counted& counted) override;
    void reset(int partition) override;
    // History is folded: the gauges are right and shown from now on.
    void show();

private:
    // Whose channel of which kind.
    struct Place {
        std::string agency, kind;
        auto operator<=>(const Place&) const = default;
    };
    struct Tally {
        std::string state;
        std::map<std::pair<Place, std::string>, std::int64_t> deliveries;  // by place and state
    };

    static Tally tally_of(const Release& release);
    void change(const Tally& before, const Tally& after);
    void count(const Tally& before, const Tally& after);
    void measure_skew(const v1::ReleaseCompleted& completed);
    void introduce(const Place& place);

    prometheus::Gauge& releases(const std::string& state);
    prometheus::Gauge& deliveries(const Place& place, const std::string& state);
    prometheus::Counter& releases_ended(const std::string& outcome);
    prometheus::Counter& deliveries_ended(const Place& place, const std::string& outcome);
    prometheus::Histogram& skew();

    runtime::Metrics& metrics_;
    const PublishingView& view_;
    std::string instance_;
    int partitions_;
    bool shown_ = false;
    std::set<Place> places_;
    std::map<std::pair<std::string, std::string>, Tally> known_;  // by realm and release
    std::map<std::pair<Place, std::string>, std::int64_t> total_deliveries_;
    std::map<std::string, std::int64_t> total_releases_;
};

}  // namespace tocsin::publishing
