// The metrics of holds, folded from the ledger: the same at every instance, and right again after a
// restart. Fed as every view is.
#pragma once

#include "publishing/view.hpp"
#include "runtime/host/metrics.hpp"

#include <mutex>
#include <set>
#include <string>

namespace tocsin::publishing {

class HoldMetrics final : public runtime::View {
public:
    // `view` is fed before this.
    HoldMetrics(runtime::Metrics& metrics, const PublishingView& view, int partitions)
        : metrics_(metrics), view_(view), partitions_(partitions) {}

    void apply(const runtime::Counted& counted) override;
    void reset(int partition) override;
    // History is folded: the gauges are right and shown from now on.
    void show();

private:
    void set(const std::string& realm, const Holds& holds);

    runtime::Metrics& metrics_;
    const PublishingView& view_;
    int partitions_;
    std::mutex mutex_;  // held for what follows
    bool shown_ = false;
    std::set<std::string> realms_;  // that have a channel
};

}  // namespace tocsin::publishing
