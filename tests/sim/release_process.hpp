// One process of publishing from its start to its crash: the real rules, view, executor and channel
// adapters on the real ledger protocol, over the world's logs and network.
#pragma once

#include "publishing/decider.hpp"
#include "publishing/executor.hpp"
#include "publishing/view.hpp"
#include "runtime/partition.hpp"
#include "sim/log.hpp"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tocsin::sim {

class ReleaseWorld;

class ReleaseProcess final : public runtime::PartitionObserver,
                             public runtime::Ledger,
                             public runtime::HttpTransport {
public:
    using Steady = std::chrono::steady_clock::time_point;

    ReleaseProcess(ReleaseWorld& world, std::string name, int life);
    // A crash: what its producer held may land much later, what waited never goes on.
    ~ReleaseProcess() override;

    void step();
    // A part of what the producer holds lands, twice, late or never.
    void deliver();
    void freeze(int ticks) { frozen_ = ticks; }
    void set_clock(std::chrono::milliseconds skew) { skew_ = skew; }
    bool frozen() const { return frozen_ > 0; }
    bool at_rest() const;
    // An answer comes back from the network.
    void complete(int exchange, runtime::HttpResult result);

    const std::string& incarnation() const { return incarnation_; }
    int life() const { return life_; }
    runtime::Partition& partition() { return *partition_; }
    const publishing::PublishingView& view() const { return view_; }
    const std::vector<std::string>& told() const { return told_; }
    Time now() const;

    // PartitionObserver
    void counted(int input, std::int64_t offset, const ledger::v1::Decision& decision,
                 const std::string& digest) override;
    void answered(const std::string& key, const std::string& body_digest,
                  const runtime::Remembered& answer) override;
    void history_changed() override;

    // Ledger
    void submit(runtime::Submission submission, std::chrono::milliseconds wait, Done done) override;
    void append_stream(std::string_view, const std::string&, std::string,
                       std::move_only_function<void(bool)>) override {}
    void await(const std::string&, std::vector<runtime::Position>, std::chrono::milliseconds,
               std::move_only_function<void(Awaited)>) override {}
    bool leads(const std::string&) const override { return partition_->leads(); }
    bool ready() const override { return ready_; }
    double stale_seconds() const override { return 0; }
    void post(std::move_only_function<void()> task) override { posted_.push_back(std::move(task)); }

    // HttpTransport
    runtime::Task<runtime::HttpResult> send(runtime::HttpRequest request) override;
    runtime::Task<void> sleep_until(Steady when) override;

private:
    struct Sleep;
    struct Exchange;
    struct Pending {
        std::coroutine_handle<> handle;
        runtime::HttpResult* result = nullptr;
    };
    struct Waiter {
        std::string digest;
        Steady until;
        Done done;
    };
    struct Report {
        std::int64_t due = 0;
        std::string digest;
        std::int64_t offset = -1;  // -1: failed
    };

    publishing::ExecutorParts parts();
    Steady steady() const;
    void read_some();
    void read_ledger();
    void read_input(int input);
    void obey(runtime::Orders orders);
    void take_reports();
    void report(const std::string& digest, std::int64_t offset);
    void run_loop();
    void expire_waiters();

    ReleaseWorld& world_;
    std::string name_;
    int life_;
    std::string incarnation_;
    publishing::PublishingView view_{1};
    std::unique_ptr<runtime::Partition> partition_;
    std::unique_ptr<publishing::Executor> executor_;
    bool ready_ = false;
    int frozen_ = 0;
    std::chrono::milliseconds skew_{0};
    std::int64_t ledger_next_ = 0;
    std::vector<std::int64_t> input_next_;
    bool inputs_started_ = false;
    std::deque<Parcel> wire_;
    std::vector<Report> reports_;
    std::vector<std::string> told_;

    std::deque<std::move_only_function<void()>> posted_;
    std::multimap<Steady, std::coroutine_handle<>> sleeping_;
    std::map<int, Pending> exchanges_;
    int exchanges_made_ = 0;
    std::multimap<std::string, Waiter> waiters_;
};

}  // namespace tocsin::sim
