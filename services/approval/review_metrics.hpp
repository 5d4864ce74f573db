// The Prometheus metrics of reviews. The gauges are folded from the ledger: the same at every
// instance, and right again after a restart. The counters and the time to clear cover the decisions
// of this instance since its start, so that the instances add up.
//
// Fed as every view is; its data is of all partitions, and has a lock.
#pragma once

#include "approval/view.hpp"
#include "runtime/host/metrics.hpp"

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace tocsin::approval {

class ReviewMetrics final : public runtime::View {
public:
    // `view` is fed before this. `instance`: the writer whose decisions are counted here.
    ReviewMetrics(runtime::Metrics& metrics, const ApprovalView& view, std::string instance,
                  int partitions);

    void apply(const runtime::Counted& counted) override;
    void reset(int partition) override;
    // History is folded: the gauges are right and shown from now on.
    void show();

private:
    // A realm and an agency of it: another realm may have one of the same name.
    using Place = std::pair<std::string, std::string>;
    // Whose approval a review waits for, and since when.
    struct Waiting {
        Time since;
        std::set<std::string> agencies;
    };

    Waiting waiting_in(const std::string& realm, const std::string& message_id) const;
    void change(const std::string& realm, const Waiting& before, const Waiting& after);
    void count(const v1::Event& event, const std::string& realm, Time decided_at);
    void introduce(const Place& place);
    void publish(const Place& place);

    prometheus::Counter& reviews_ended(const std::string& outcome);
    prometheus::Histogram& approval_seconds();

    runtime::Metrics& metrics_;
    const ApprovalView& view_;
    std::string instance_;
    int partitions_;
    std::mutex mutex_;  // held for all that follows
    bool shown_ = false;
    std::map<std::pair<std::string, std::string>, Waiting> known_;  // by realm and message
    std::map<Place, std::multiset<Time>> since_;
};

}  // namespace tocsin::approval
