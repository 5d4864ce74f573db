// The metrics of releases and deliveries. The gauges are folded from the
// ledger: the same at every instance, and right again after a restart. The counters and the skew
// are of what is decided from now on, at the instance that decided it, so that over instances they
// add up and a restart is no burst.
//
// Fed as every view is; what it keeps is of all partitions, and has a lock.
#pragma once

#include "publishing/view.hpp"
#include "runtime/host/metrics.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
    // Whose channel of which kind. Two realms may each have an agency of the same name.
    struct Place {
        std::string realm, agency, kind;
        auto operator<=>(const Place&) const = default;
    };
    // Where deliveries stand.
    using Spot = std::pair<Place, v1::DeliveryState>;
    struct Tally {
        v1::ReleaseState state = v1::RELEASE_STATE_UNSPECIFIED;
        std::map<Spot, std::int64_t> deliveries;
    };

    // How many are in a state; of deliveries, at a place.
    struct Totals {
        std::map<v1::ReleaseState, std::int64_t> releases;
        std::map<Spot, std::int64_t> deliveries;
    };

    static Tally tally_of(const std::string& realm, const Release& release);
    static Tally tally_of(const std::string& realm, const v1::Release& whole);
    void follow(int partition, const std::string& realm, const std::string& id, bool ours);
    void change(Totals& totals, const Tally& before, const Tally& after);
    // Over all partitions.
    template <class Key>
    double total(std::map<Key, std::int64_t> Totals::* part, const Key& key) const;
    void show(v1::ReleaseState state);
    void show(const Spot& where);
    void count(const Tally& before, const Tally& after);
    void measure_skew(const v1::ReleaseCompleted& completed);
    void introduce(const Place& place);

    prometheus::Gauge& releases(v1::ReleaseState state);
    prometheus::Gauge& deliveries(const Spot& where);
    prometheus::Counter& releases_ended(std::string_view outcome);
    prometheus::Counter& deliveries_ended(const Spot& where);
    prometheus::Histogram& skew();

    runtime::Metrics& metrics_;
    const PublishingView& view_;
    std::string instance_;
    int partitions_;
    std::mutex mutex_;  // held for all that follows
    bool shown_ = false;
    std::set<Place> places_;
    // By realm and release, of those that the view still has whole: the others do not change.
    std::map<std::pair<std::string, std::string>, Tally> known_;
    std::vector<Totals> totals_;  // by partition
};

}  // namespace tocsin::publishing
