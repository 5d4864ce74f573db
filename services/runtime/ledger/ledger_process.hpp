// A service's ledger in this process: reads the logs, drives the partitions' state machines,
// appends what they decide, feeds the views and answers the calls that wait. It works in turns, on
// one thread: its own after start(), that of who calls turn() after open().
//
// Lifecycle: construct, add views, start(); ready() once history is folded; stop() drains: calls in
// flight are answered or end as unavailable, then the thread ends, and nothing is called any more.
// submit(), append_stream(), await() and post() are thread-safe at any time, before, in between
// and after. Kafka away: submit answers `unavailable`, views stay readable, everything resumes by
// itself.
#pragma once

#include "runtime/base/call_slots.hpp"
#include "runtime/host/clock.hpp"
#include "runtime/host/config.hpp"
#include "runtime/ledger/clock_probe.hpp"
#include "runtime/ledger/dead_letters.hpp"
#include "runtime/ledger/fold_pool.hpp"
#include "runtime/ledger/ledger.hpp"
#include "runtime/ledger/ledger_metrics.hpp"
#include "runtime/ledger/ledger_sources.hpp"
#include "runtime/ledger/log.hpp"
#include "runtime/ledger/partition.hpp"
#include "runtime/ledger/position_waits.hpp"
#include "runtime/ledger/refused_logs.hpp"
#include "runtime/ledger/view.hpp"
#include "runtime/ledger/waiters.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
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

class LedgerProcess final : public Ledger, private SourceSink {
public:
    // `config`, `clock` and `keys` live longer.
    LedgerProcess(LedgerPlan plan, const RuntimeConfig& config, std::unique_ptr<LogBackend> log,
                  const Clock& clock, const WorldKeys& keys, std::unique_ptr<Rules> rules,
                  Metrics& metrics);
    ~LedgerProcess() override;

    // Before start() or open().
    void add_view(View* view) { views_.push_back(view); }
    // Called on the ledger thread whenever ready() changes. Before start() or open().
    void on_ready(std::function<void(bool)> listener) { ready_listener_ = std::move(listener); }
    // Opens it and takes turns on a thread of its own.
    void start();
    // For who takes the turns: the thread that calls turn() is the ledger thread.
    void open();
    // Does what is to be done and blocks on nothing. How long nothing will be to do unless
    // something is read, stored, answered or posted; zero: call again at once.
    std::chrono::milliseconds turn();
    // Waits until history is folded. False: not within `wait`, or a partition is halted.
    bool await_ready(std::chrono::milliseconds wait);
    // Takes nothing new, ends the reads that wait, and lets the calls that wait for a decision end
    // within `most`; from then on none is open. What was decided goes on to be read until stop().
    void end_calls(std::chrono::milliseconds most);
    // Without a thread of its own, on the ledger thread, and nothing is waited for.
    void stop(std::chrono::milliseconds drain);

    void submit(Submission submission, std::chrono::milliseconds wait, Done done) override;
    void append_stream(std::string_view stream, const std::string& realm, std::string body,
                       std::move_only_function<void(bool)> done) override;
    std::uint64_t await(const Reader& reader, std::vector<Position> positions,
                        std::chrono::milliseconds wait,
                        std::move_only_function<void(Awaited)> done) override;
    void give_up(std::uint64_t read) override { reads_.give_up(read); }
    bool follows(const Position& position) const override;
    bool leads(const std::string& realm) const override;
    bool ready() const override { return ready_ && !stopping_; }
    bool readable() const override;
    bool readable(const std::string& realm) const override;
    std::string why_not(const std::string& realm) const override;
    double stale_seconds() const override;
    bool connected() const { return connected_; }
    void post(std::move_only_function<void()> task) override { take_post(std::move(task)); }

    struct Status {
        int partition = 0;
        std::int64_t next_offset = 0;
        std::string head, writer, halted;
        Partition::Counters counters;
        std::size_t undecided = 0;
        Time decided_at;
        // And logs that are missing, or refused; each as `TOPIC: why`.
        std::vector<std::string> inputs_halted;
        std::string clock_off;  // why it does not decide, or empty
        std::chrono::milliseconds clock_ahead{0};
        std::string key_id;  // of the key that signs there
    };
    // As of the last turns: at once where readiness, a halt or the leader changed, and before any
    // other report of it.
    std::vector<Status> status() const;
    // What an operator may have recorded for a halted partition.
    enum class Word { restart_inputs, override_clock };
    // What became of it.
    struct Obeyed {
        enum class Kind { not_halted, not_repairable, recorded, not_yet };
        Kind kind = Kind::not_halted;
        std::string why;           // of not_repairable: what it repairs, and why it stands still
        std::int64_t offset = -1;  // of the decision that was recorded
    };
    // Of one of partitions(). `done` is called once, at most `wait` later. Nothing is recorded
    // where the word repairs nothing; with `not_yet` it may still be.
    void operate(int partition, Word word, std::string reason, std::chrono::milliseconds wait,
                 std::move_only_function<void(Obeyed)> done);
    const std::string& service() const { return plan_.service; }
    int partitions() const { return static_cast<int>(slots_.size()); }
    // Whether this instance leads the partition, and how often its history turned out to be
    // another. Thread-safe.
    struct Standing {
        bool leads = false;
        std::uint32_t history = 0;
    };
    Standing standing(int partition) const;
    // For who takes the turns, between two of them.
    const Partition& partition(int number) const;

private:
    struct Slot;  // one partition and its observer

    void run();
    void finish(std::chrono::milliseconds flush);
    void each_writer(const auto& work) const;
    std::size_t backlog() const;
    bool fold_backlogs();
    void fold_backlog(Slot& slot, Tick until);
    bool step(Slot& slot, Tick tick);
    void raise_alarm(Slot& slot);
    void obey(Slot& slot, Orders orders);
    bool append(Slot& slot, const Orders::Append& order);
    void ask_ranges(Slot& slot);
    void start_inputs(Slot& slot, const std::vector<LogRange>& ranges);
    void fire(const Orders::Fire& order);
    void take_trouble();
    void look_after_handles(Tick tick);
    void probe(Tick tick);
    void probed(bool there);
    void heard();
    void on_trouble();
    bool folded(const Slot& slot) const;
    void tell_leader(Slot& slot, bool leads);
    void check_ready(Tick tick);
    void tell_standing(Tick tick);
    void tell_unwritten(const std::optional<RefusedLog>& log);
    void tell_age(Tick tick);
    double silent_seconds() const;
    void tell_inputs(Slot& slot) const;
    std::int64_t passed(int log) const;
    void publish_status(Tick tick);
    std::chrono::milliseconds idle_time(Tick tick) const;
    std::optional<std::chrono::milliseconds> next_wake(const Slot& slot) const;
    bool take_post(std::move_only_function<void()> task);
    void run_posted();
    void close_posts();
    std::string refusal(const std::string& realm) const;
    void command_stored(int partition, Waiters::Handle handle, const Stored& stored,
                        std::int64_t read_before);
    void compare_place(int source, std::int64_t read_before, const Stored& stored);
    void read_from(int source, std::int64_t offset);
    std::optional<int> log_of(const Position& position) const;
    int partition_of_realm(const std::string& realm) const;
    static std::string awaited_key(int partition, const std::string& request);

    const std::string& clock_off() const;
    std::string key_of(int partition) const;
    int source_of(int partition, int input) const;
    const std::string& topic_of(int source) const;
    LogName name_of(int source) const;
    std::string log_name(int source) const { return name_of(source).text(); }
    LogWriter& writer_of(int source) const;
    void note_missing(int source);
    void note_refused(int source, const Stored& stored);
    void note_not_queued(int source, Queued queued);
    void take_not_queued();
    void tell_refused(int source, std::string why);
    void forget_refused(Tick tick);
    void look_for_missing(Tick tick);
    std::optional<int> first_missing() const;
    Slot& slot_of(int source);
    int input_of(int source) const;
    int input_named(const std::string& topic) const;
    void read_record(int source, std::int64_t offset, std::string_view record,
                     Time stored_at) override;
    void read_end(int source, std::int64_t offset) override;
    void read_out_of_range(int source) override;
    void read_trouble(int source, const std::string& what) override;

    LedgerPlan plan_;
    const RuntimeConfig& config_;
    std::unique_ptr<LogBackend> log_;
    const Clock& clock_;
    const WorldKeys& keys_;
    std::vector<InputSpec> inputs_;
    std::string commands_topic_, ledger_topic_, dead_letters_topic_;
    Seal commands_seal_;
    std::map<std::string, Seal, std::less<>> stream_seals_;  // by the stream's short name
    LedgerMetrics metrics_;
    std::vector<View*> views_;
    std::function<void(bool)> ready_listener_ = [](bool) {};
    std::vector<std::unique_ptr<Slot>> slots_;
    FoldPool fold_pool_;
    CallSlots call_slots_;
    CallSlots read_slots_;
    Waiters waiters_;
    PositionWaits reads_;

    // A writer has one request under way, and each waits for the disk: commands must not wait for
    // decisions, nor the other way round; nor decisions of one partition for those of another, or
    // its leader is overtaken there and folds again.
    std::unique_ptr<LogWriter> command_writer_;        // to the commands and the streams
    std::vector<std::unique_ptr<LogWriter>> writers_;  // to the ledger; the first: dead letters too
    std::unique_ptr<DeadLetters> letters_;
    std::unique_ptr<ClockProbe> clock_probe_;
    std::unique_ptr<LedgerSources> sources_;

    std::thread thread_;
    std::atomic<bool> running_{false};   // turns are taken
    std::atomic<bool> stopping_{false};  // for good: nothing new is taken
    std::atomic<bool> ready_{false};
    std::atomic<bool> connected_{true};
    std::atomic<std::int64_t> last_contact_{0};  // steady clock, ns
    // Since when a log that is shown is not read, though Kafka answers; steady clock, ns; 0: none.
    std::atomic<std::int64_t> unread_since_{0};
    std::optional<Tick> blind_since_;
    RefusedLogs refused_;
    std::set<std::string> unwritten_;  // logs that were said to be, since all were written
    Tick next_probe_{};
    bool probing_ = false;
    std::size_t warming_ = 0;  // topics that a writer does not know yet
    std::atomic<bool> any_missing_{false};
    bool looking_ = false;  // whether one that is missing is there again
    Tick next_look_{};
    // What was last logged of it.
    bool said_folded_ = false;
    Tick next_status_{};
    std::vector<std::atomic<bool>> leads_;
    std::vector<std::atomic<bool>> readable_;
    std::vector<std::atomic<std::uint32_t>> histories_;
    // By source: the offset after what was read of it since its last start, so that what is
    // appended afterwards lies there or behind; -1 from when it did not until it is started anew.
    std::vector<std::atomic<std::int64_t>> read_;

    mutable std::mutex mutex_;
    std::condition_variable ready_changed_;
    std::vector<std::move_only_function<void()>> posted_;
    bool posts_closed_ = false;  // nobody would run them any more
    std::vector<Status> status_;
    // What keeps it from serving, as last looked at: halts by partition, its clock, its logs.
    std::vector<std::string> halts_;
    std::string clock_why_, down_why_, missing_why_;
    std::set<int> missing_;  // sources that were to be written and do not exist
    // Sources for which a record could not be queued, since the ledger thread last looked.
    std::map<int, Queued> not_queued_;
};

}  // namespace tocsin::runtime
