// One partition of one service's ledger, in one instance: the protocol of services/README.md as a
// state machine without I/O, threads or clocks. It is fed with records and time and says what to
// append; Kafka (ledger_process.cpp) and the simulator (tests/sim) drive the same code.
//
// The one rule: a decision counts if and only if it extends the chain. A follower applies what it
// reads back. The leader applies its own decision as it appends it and checks each on read-back;
// when one is void or missing, it throws the state away and folds again from the beginning.
#pragma once

#include "runtime/fold.hpp"
#include "runtime/record.hpp"

#include <absl/container/flat_hash_set.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tocsin::runtime {

// Monotonic time, given by the driver.
using Tick = std::chrono::steady_clock::time_point;

struct InputSpec {
    enum class Kind { commands, ledger, stream };
    Kind kind = Kind::commands;
    std::string topic;
    std::string service;     // short name of the service whose ledger or stream it is
    bool view_only = false;  // a ledger that is told to the observer and never decided on
};

struct PartitionOptions {
    std::string service;
    std::string ledger_topic;
    int partition = 0;
    int partitions = 1;
    std::string writer;              // stable name of the instance
    std::vector<InputSpec> inputs;   // looked at in this order
    std::size_t pipeline_max = 512;  // appends not yet read back
    std::size_t record_bytes_max = 900'000;
    std::size_t stream_backlog_max = 4096;  // a follower keeps no more; sources send again
    std::chrono::milliseconds takeover{250};
    std::chrono::milliseconds append_timeout{11'000};  // then it is taken for lost
    std::chrono::hours lifetime_max{24};
    std::chrono::milliseconds timer_again{5'000};  // a due timer that nobody answered fires again
    std::uint64_t jitter_seed = 0;
    Bug bug = Bug::none;
};

// Whom the partition tells what it learned. Called from within its own methods.
class PartitionObserver {
public:
    virtual ~PartitionObserver() = default;
    // A decision that counts, of the own ledger (input -1) or of an upstream one; each once, in
    // order.
    virtual void counted(int input, std::int64_t offset, const ledger::v1::Decision& decision,
                         const std::string& digest) = 0;
    // A request was met again whose answer is known. Also called for each counted decision.
    virtual void answered(const std::string& key, const std::string& body_digest,
                          const Remembered& answer) = 0;
    // What was told before is not what the log says: its tail was lost. Everything is told again.
    virtual void history_changed() = 0;
    // While nobody does, nobody is told of decisions that are read.
    virtual bool anybody_waits() const { return true; }
};

// What the driver must do after a call.
struct Orders {
    struct Append {
        std::string realm;
        std::string record;
        std::string digest;  // of the record
    };
    struct DeadLetter {
        int input = 0;
        std::int64_t offset = 0;
        std::string bytes;
        std::string reason;
    };
    struct Fire {
        std::string realm;
        std::string request_id;
        std::string body;
        // To be sent as it is: it is part of what makes a repeat a repeat.
        Time expires_at;
    };
    std::vector<Append> append;            // in this order, to the ledger
    std::vector<DeadLetter> dead_letters;  // answer each with dead_letter_stored()
    std::vector<Fire> fire;                // commands of due timers
    // Read the own ledger from this offset; nothing read before the order may be fed after it.
    std::optional<std::int64_t> read_ledger_from;
    // Forget what the inputs brought: upstream ledgers from their beginning, the others from their
    // position once the ledger is caught up; then on_input_range() is due again for each. Nothing
    // read before the order may be fed after it.
    bool read_inputs_again = false;
};

class Partition {
public:
    struct Counters {
        // Records of the own ledger as the present fold read them, history and all.
        std::int64_t counted = 0, void_records = 0;
        // What happened since the first fold was done, each once however often it is folded again.
        // `void_now` and `foreign_records` are what this instance saw arrive; `decisions` are those
        // that it wrote and that count, `accepted` and `rejected` the commands among them, and
        // `repeats` those that it met while leading: over all instances they add up.
        std::int64_t void_now = 0, foreign_records = 0, decisions = 0, accepted = 0, rejected = 0,
                     repeats = 0, folds_again = 0, takeovers = 0, dead_letters = 0;
    };

    Partition(PartitionOptions options, const Mac& mac, std::unique_ptr<Rules> rules,
              PartitionObserver& observer);

    // --- what the driver read ---
    void on_ledger_record(std::int64_t offset, std::string_view record, Tick tick);
    // The reading position of the own ledger is its end.
    void on_ledger_end(std::int64_t offset);
    // A record of input `input` with the time at which the broker stored it.
    void on_input_record(int input, std::int64_t offset, std::string_view record, Time stored_at,
                         Tick tick);
    // The input holds offsets [low, high). Asked once the first fold is caught up, again after each
    // order to read inputs again, and after an error.
    void on_input_range(int input, std::int64_t low, std::int64_t high, bool ledger_empty);
    void on_append_stored(const std::string& digest, std::int64_t offset);
    // It may have been stored or not: only the log knows.
    void on_append_failed();
    void on_dead_letter_stored(int input, std::int64_t offset);
    // The broker or its leader changed: the head is read back before anything is appended.
    void on_broker_trouble();
    // The own ledger has no such offset any more, or starts later than the reading position.
    void on_ledger_out_of_range();
    // The same of an upstream ledger: what was told of it is not what its log says.
    void on_upstream_out_of_range();

    // Decides what there is to decide.
    Orders step(Time now, Tick tick);
    // Records an operator's word: read the inputs from where they start now. Clears the halt.
    void restart_inputs(std::string reason);

    // --- what the driver may ask ---
    bool caught_up() const { return caught_up_; }
    const std::string& halted() const { return halted_; }
    bool leads() const { return fold_->opened() && fold_->writer() == options_.writer; }
    bool opened() const { return counted_opened_; }
    std::int64_t next_ledger_offset() const { return read_next_; }
    std::int64_t input_position(int input) const;
    // Where the driver starts reading the input.
    std::int64_t input_start(int input) const;
    std::int64_t input_counted_offset(int input) const;
    // Why an input stands still: an event of a newer version. Empty while it works.
    const std::string& input_halted(int input) const;
    // Offset before which everything of this input is decided or passed over, and counted.
    std::int64_t considered(int input) const;
    std::int64_t counted_offset() const { return told_offset_; }
    std::size_t undecided() const;
    std::size_t in_flight() const { return flight_.size(); }
    const Fold& fold() const { return *fold_; }
    const std::string& counted_head() const { return read_head_; }
    const Counters& counters() const { return counters_; }
    const PartitionOptions& options() const { return options_; }
    // When step() should be called at the latest although nothing was read.
    std::optional<Time> next_due() const;

private:
    struct Item {
        std::int64_t offset = 0;
        bool readable = true;
        std::string raw;
        ledger::v1::CommandRecord command;
        std::string key;  // of the request, and the digest of its body
        std::string digest;
        Foreign foreign;
        std::string traceparent;
        bool dead_letter_asked = false;
        bool dead_letter_stored = false;
    };
    struct Input {
        InputSpec spec;
        std::deque<Item> items;  // not yet passed by a counted decision
        std::size_t cursor = 0;  // the first one that this state has not considered
        std::int64_t next = -1;  // offset after the last one fed; -1: nothing yet
        std::string head;        // of an upstream chain
        std::int64_t counted_offset = -1;
        std::string halted;
        std::int64_t low = 0;
        std::int64_t high = 0;
        // Records from here on are news; nothing before the range is known for the first time.
        std::optional<std::int64_t> news_from;
    };
    struct InFlight {
        std::string digest;
        ledger::v1::Decision decision;
        Tick appended_at;
    };

    void fold_again();
    void forget_what_was_told();
    void forget_inputs();
    void inputs_restarted(const ledger::v1::Decision& decision);
    void verify_head();
    void check_head(std::int64_t offset, std::string_view record);
    bool unknown_predecessor(const std::string& previous, const std::string& digest);
    bool own_record_came_back(std::int64_t offset, const std::string& digest, bool counts);
    void count(std::int64_t offset, const ledger::v1::Decision& decision,
               const std::string& digest);
    void tell_answer(std::int64_t offset, const ledger::v1::Decision& decision);
    void count_news(const ledger::v1::Decision& decision, bool counts);
    static bool is_news(std::optional<std::int64_t>& from, std::int64_t offset);
    void drop_passed(Input& input, std::int64_t before);
    std::int64_t counted_position(const Input& input) const;
    bool concerns(const Foreign& foreign) const;
    void halt(std::string why);
    bool may_lead(Tick tick);
    bool anything_undecided() const;

    void read_upstream(Input& input, std::int64_t offset, std::string_view record, bool news);
    void read_command(Input& input, std::int64_t offset, std::string_view record, bool news);
    void read_stream(Input& input, std::int64_t offset, std::string_view record, Time stored_at,
                     bool news);
    bool passed_over(const Item& item);

    bool decide_next(Orders& orders, Time now, Tick tick);
    enum class Step { appended, waits, passed };
    Step decide_item(Input& input, Item& item, Orders& orders, Time now, Tick tick);
    std::optional<Decided> verdict(const Item& item, const Input& input, Time now,
                                   std::string& fault) const;
    Decided verdict_on_command(const Item& item, Time now) const;
    ledger::v1::Decision draft(const Item& item, const Input& input, Time now) const;
    bool is_repeat(const Item& item) const;
    void ask_dead_letter(const Input& input, Item& item, const std::string& fault, Orders& orders);
    Step append(Input& input, ledger::v1::Decision decision, Orders& orders, Tick tick);
    bool append(ledger::v1::Decision decision, Orders& orders, Tick tick);
    void open(Orders& orders, Time now, Tick tick);
    void update_timers();
    void fire_timers(Orders& orders, Time now, Tick tick);

    PartitionOptions options_;
    const Mac& mac_;
    std::unique_ptr<Rules> blank_rules_;
    PartitionObserver& observer_;
    std::string genesis_;

    std::unique_ptr<Fold> fold_;
    std::deque<InFlight> flight_;
    std::vector<Input> inputs_;

    std::int64_t read_next_ = 0;
    std::optional<std::int64_t> news_from_;  // nothing while the first fold is under way
    std::string read_head_;
    std::int64_t head_offset_ = -1;  // where read_head_ was read
    std::int64_t void_behind_head_ = 0;
    bool counted_opened_ = false;
    bool caught_up_ = false;
    std::optional<std::int64_t> want_read_from_ = 0;
    bool want_inputs_again_ = false;
    // The last that counted, with their offsets, and how many of them were found again.
    static constexpr std::size_t recent_max = 1000;
    std::deque<std::pair<std::int64_t, std::string>> recent_;
    std::size_t verified_ = 0;
    bool verifying_ = false;      // they are being read again
    bool doubtful_ = false;       // once caught up, the head is to be read again
    bool unknown_event_ = false;  // this version cannot fold this ledger
    absl::flat_hash_set<std::uint64_t> seen_digests_;
    // Records whose predecessor was never here; the head was, or is to be, verified since.
    absl::flat_hash_set<std::uint64_t> orphans_;

    std::int64_t told_offset_ = -1;  // of the last decision told to the observer
    std::string told_digest_;

    std::string halted_;
    std::string restart_reason_;
    bool restart_wanted_ = false;
    std::vector<bool> range_known_;
    bool ledger_was_empty_ = false;

    Tick quiet_since_{};
    bool waiting_to_lead_ = false;
    std::chrono::milliseconds patience_{};
    std::uint64_t jitter_;

    struct Timer {
        DueCommand due;
        Tick fired_at{};
        bool fired = false;
    };
    std::map<std::string, Timer> timers_;
    Counters counters_;
};

}  // namespace tocsin::runtime
