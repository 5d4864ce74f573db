// A service's ledger in this process: one thread that reads the logs, drives the partitions' state
// machines, appends what they decide, feeds the views and answers the calls that wait.
//
// Lifecycle: construct, add views, start(); ready() once history is folded; stop() drains: calls in
// flight are answered or end as unavailable, then the thread ends. submit() and append_stream() are
// thread-safe at any time in between. Kafka away: submit answers `unavailable`, views stay
// readable, everything resumes by itself.
#pragma once

#include "runtime/config.hpp"
#include "runtime/kafka.hpp"
#include "runtime/ledger.hpp"
#include "runtime/ledger_metrics.hpp"
#include "runtime/partition.hpp"
#include "runtime/view.hpp"
#include "runtime/waiters.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::runtime {

struct LedgerPlan {
    std::string service;
    std::vector<std::string> upstreams;  // ledgers that the decider takes as input
    std::vector<std::string> followed;   // ledgers that only the views see
    std::vector<std::string> streams;    // own streams
};

class LedgerProcess final : public Ledger, private KafkaReader::Sink {
public:
    LedgerProcess(LedgerPlan plan, const RuntimeConfig& config, const KafkaAccess& access,
                  const Mac& mac, std::unique_ptr<Rules> rules, Metrics& metrics);
    ~LedgerProcess() override;

    // Before start().
    void add_view(View* view) { views_.push_back(view); }
    // Called on the ledger thread whenever ready() changes. Before start().
    void on_ready(std::function<void(bool)> listener) { ready_listener_ = std::move(listener); }
    void start();
    // Waits until history is folded. False: not within `wait`, or a partition is halted.
    bool await_ready(std::chrono::milliseconds wait);
    void stop(std::chrono::milliseconds drain);

    void submit(Submission submission, std::chrono::milliseconds wait, Done done) override;
    void append_stream(std::string_view stream, const std::string& realm, std::string body,
                       std::move_only_function<void(bool)> done) override;
    void await(std::vector<Position> positions, std::chrono::milliseconds wait,
               std::move_only_function<void(bool)> done) override;
    bool follows(const Position& position) const override;
    bool leads(const std::string& realm) const override;
    bool ready() const override { return ready_; }
    bool readable() const override { return readable_; }
    double stale_seconds() const override;
    void post(std::move_only_function<void()> task) override;

    struct Status {
        int partition = 0;
        std::int64_t next_offset = 0;
        std::string head, writer, halted;
        Partition::Counters counters;
        std::size_t undecided = 0;
        Time decided_at;
    };
    // As of the last turn of the ledger thread.
    std::vector<Status> status() const;
    // What became of an operator's word.
    struct Restarted {
        bool halted = false;                 // false: nothing was wrong, and nothing is recorded
        std::optional<std::int64_t> offset;  // of the decision; unset: not recorded in time
    };
    // Records an operator's word for a halted partition; `done` is called once, at most `wait`
    // later.
    void restart_inputs(int partition, std::string reason, std::chrono::milliseconds wait,
                        std::move_only_function<void(Restarted)> done);
    const std::string& service() const { return plan_.service; }
    // Whether this instance leads the partition, and how often its history turned out to be
    // another. Thread-safe.
    struct Standing {
        bool leads = false;
        std::uint32_t history = 0;
    };
    Standing standing(int partition) const;
    const std::string& fatal() const;

private:
    struct Slot;  // one partition and its observer

    void run();
    void turn();
    bool step(Slot& slot, Tick tick);
    void raise_alarm(Slot& slot);
    void obey(Slot& slot, Orders orders);
    void start_inputs(Slot& slot);
    void keep_dead_letter(Slot& slot, Orders::DeadLetter letter);
    void fire(const Orders::Fire& order);
    void probe(Tick tick);
    void probed(bool there);
    void on_trouble();
    bool folded(const Slot& slot) const;
    void check_ready();
    void check_awaits(Tick tick);
    bool reached(const Position& position) const;
    void publish_status(Tick tick);
    std::chrono::milliseconds idle_time(Tick tick) const;
    void run_posted();
    void wake();

    int source_of(int partition, int input) const;
    void on_record(int source, std::int64_t offset, std::string_view key, std::string_view value,
                   Time stored_at) override;
    void on_end(int source, std::int64_t offset) override;
    void on_out_of_range(int source) override;
    void on_trouble(int source, const std::string& what) override;

    LedgerPlan plan_;
    const RuntimeConfig& config_;
    KafkaAccess access_;
    const Mac& mac_;
    std::vector<InputSpec> inputs_;
    std::string commands_topic_, ledger_topic_, dead_letters_topic_;
    LedgerMetrics metrics_;
    std::vector<View*> views_;
    std::function<void(bool)> ready_listener_ = [](bool) {};
    std::vector<std::unique_ptr<Slot>> slots_;
    Waiters waiters_;

    int event_fd_ = -1;
    // A writer has one request under way, and each waits for the disk: what is asked must not wait
    // for what is decided, nor the other way round.
    std::unique_ptr<KafkaWriter> writer_;  // to the ledger, and of dead letters
    std::unique_ptr<KafkaWriter> asking_;  // to the commands and the streams
    std::unique_ptr<KafkaReader> reader_;

    std::thread thread_;
    std::atomic<bool> running_{false};
    std::atomic<bool> ready_{false};
    std::atomic<bool> readable_{false};
    std::atomic<bool> connected_{true};
    std::atomic<std::int64_t> last_contact_{0};  // steady clock, ns
    Tick next_probe_{};
    bool probing_ = false;  // ledger thread only
    std::jthread prober_;   // asks whether a broker is there
    Tick next_status_{};
    std::vector<std::atomic<bool>> leads_;
    std::vector<std::atomic<std::uint32_t>> histories_;

    struct Await {
        std::vector<Position> positions;
        Tick until;
        std::move_only_function<void(bool)> done;
    };
    std::vector<Await> awaits_;  // ledger thread only

    mutable std::mutex mutex_;
    std::condition_variable ready_changed_;
    std::vector<std::move_only_function<void()>> posted_;
    std::vector<Status> status_;
};

}  // namespace tocsin::runtime
