// One partition of one service's ledger, in one instance: the protocol of services/README.md as a
// state machine without I/O, threads or clocks. It is fed with records and time and says what to
// append; Kafka (ledger_process.cpp) and the simulator (tests/sim) drive the same code.
//
// The one rule: a decision counts if and only if it extends the chain. A follower applies what it
// reads back. The leader applies its own decision as it appends it and checks each on read-back;
// only where another's record counted in its place does it throw the state away and fold again.
// Who steps in appends one decision that it does not apply before it was read back.
//
// One thread. Nothing blocks. Nothing throws but what an observer throws.
#pragma once

#include "runtime/base/planted.hpp"
#include "runtime/base/record_limits.hpp"
#include "runtime/host/clock.hpp"
#include "runtime/ledger/chain.hpp"
#include "runtime/ledger/fold.hpp"
#include "runtime/ledger/record.hpp"

#include <chrono>
#include <deque>
#include <expected>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace tocsin::runtime {

struct InputSpec {
    enum class Kind { commands, ledger, stream };
    Kind kind = Kind::commands;
    std::string topic;
    std::string service;     // short name of the service whose ledger or stream it is
    bool view_only = false;  // a ledger that the observer gets and nothing is decided on
};

struct PartitionOptions {
    std::string service;
    std::string ledger_topic;
    int partition = 0;
    int partitions = 1;
    std::string writer;                 // stable name of the instance
    std::int64_t incarnation = 0;       // of its process: later ones are greater
    std::vector<InputSpec> inputs;      // they take turns
    std::size_t pipeline_max = 512;     // appends not yet read back
    std::size_t considered_max = 4096;  // inputs in one step; what is left waits for the next
    std::size_t record_bytes_max = decision_bytes_max;
    std::size_t stream_backlog_max = 4096;  // a follower keeps no more; sources send again
    // An input is not read on while more of it waits; it is read again later.
    std::size_t items_max = 20'000;
    std::size_t item_bytes_max = 32 << 20;
    std::chrono::milliseconds takeover{250};
    std::chrono::milliseconds append_timeout{11'000};  // then it is looked for and sent again
    std::chrono::milliseconds resend_pause{50};        // doubled each time, up to 100 times
    std::chrono::hours lifetime_max{24};
    // What is signed with a key that was replaced counts only if the broker stored it no later than
    // this after the change: it was on its way, from an instance that had not read of it yet.
    std::chrono::minutes key_grace{10};
    std::chrono::milliseconds timer_again{5'000};  // a due timer without a decision fires again
    // Commands that leave no record are passed by one after so long a silence.
    std::chrono::milliseconds pass_after{10'000};
    // Or after so long, whatever else there is to decide.
    std::chrono::milliseconds pass_latest{60'000};
    // A log that ends before what was decided on counts as having lost its tail after so long.
    std::chrono::milliseconds short_patience{2'000};
    // A ledger that comes back by and by has longer.
    std::chrono::milliseconds short_patience_max{30'000};
    // An instance leads only while its clock differs from the broker's by no more.
    std::chrono::milliseconds clock_tolerance{30'000};
    std::uint64_t jitter_seed = 0;
};

// Takes the partition's reports of what was read. Called from within its own methods.
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
    // What was said before is not what the log says: its tail was lost. Everything is said again.
    virtual void history_changed() = 0;
    // While nobody does, answers of decisions that are read are not reported.
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
    struct Reading {
        int input = 0;
        std::int64_t from = 0;
    };
    std::vector<Append> append;            // in this order, to the ledger
    std::vector<DeadLetter> dead_letters;  // answer each with on_dead_letter_stored()
    std::vector<Fire> fire;                // commands of due timers
    // Read the own ledger from this offset; nothing read before the order may be fed after it.
    std::optional<std::int64_t> read_ledger_from;
    // Forget what the inputs brought: upstream ledgers from their beginning, the others from their
    // position once the ledger is caught up; then on_input_range() is due again for each. Nothing
    // read before the order may be fed after it.
    bool read_inputs_again = false;
    // Read one input from another offset; the same holds for it.
    std::vector<Reading> read_input_from;
    // Stop reading an input until `read_input_from` names it: more waits than is kept.
    std::vector<int> pause_inputs;
    // Compare the clock with the broker's, soon: on_clock() is due.
    bool probe_clock = false;
};

// What a partition stands still for, as far as something follows from it; its text says the rest.
enum class Halt { none, ledger_lost, input_gone, ledger_ahead, other };

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
        // Commands and readings under a key that had been replaced, met while leading.
        std::int64_t replaced_keys = 0;
        // Appends sent again; races lost when stepping in; heads read back; inputs set back because
        // their logs lost their tails (by whichever instance); inputs passed without a decision.
        std::int64_t resent = 0, races_lost = 0, verifications = 0, rewound = 0, passed = 0;
    };

    Partition(PartitionOptions options, const WorldKeys& keys, std::unique_ptr<Rules> rules,
              PartitionObserver& observer);

    // --- what the driver read ---
    void on_ledger_record(std::int64_t offset, std::string_view record, Tick tick);
    // The reading position of the own ledger is its end.
    void on_ledger_end(std::int64_t offset);
    // A record of input `input` with the time at which the broker stored it.
    void on_input_record(int input, std::int64_t offset, std::string_view record, Time stored_at,
                         Tick tick);
    // Everything that the input holds was read; its end is `offset`.
    void on_input_end(int input, std::int64_t offset);
    // The input holds offsets [low, high). Needed once the first fold is caught up, and again after
    // each order to read all inputs again.
    void on_input_range(int input, std::int64_t low, std::int64_t high);
    void on_append_stored(const std::string& digest, std::int64_t offset);
    // It may have been stored or not: only the log knows.
    void on_append_failed(const std::string& digest);
    void on_dead_letter_stored(int input, std::int64_t offset);
    // The broker or its leader changed: the heads are read back before anything is appended.
    void on_broker_trouble();
    // The own ledger has no such offset any more, or starts later than the reading position.
    void on_ledger_out_of_range();
    void on_input_out_of_range(int input);
    // Something was sent at `sent` and acknowledged at `acked` by the own clock, and the broker
    // stored it at `stored_at` by its own. `tick` is that of `acked`.
    void on_clock(Time sent, Time acked, Time stored_at, Tick tick);
    // It could not be compared; `why` is a sentence. Nothing changes for a clock that is known.
    void on_clock_unknown(const std::string& why);

    // Decides what there is to decide.
    Orders step(Time now, Tick tick);
    // Stands still; the first reason stays.
    void halt(Halt what, std::string why);
    // Records an operator's order: read the inputs from where they start now. Clears the halt.
    // Otherwise: why that would repair nothing.
    std::expected<void, std::string> restart_inputs(std::string reason);
    // Records an operator's order: `decided_at` goes on from the present. Likewise.
    std::expected<void, std::string> override_clock(std::string reason);

    // --- what the driver may ask ---
    bool caught_up() const { return caught_up_; }
    const std::string& halted() const {
        // What no operator's order repairs comes first.
        if (!mismatch_.empty()) return mismatch_;
        return halted_.empty() ? ahead_ : halted_;
    }
    // Of the same reason.
    Halt halted_for() const {
        if (!mismatch_.empty()) return Halt::other;
        if (halted_for_ != Halt::none) return halted_for_;
        return ahead_.empty() ? Halt::none : Halt::ledger_ahead;
    }
    // Why it does not decide although nothing is wrong with the ledger: its own clock. Empty while
    // it is right.
    const std::string& clock_off() const { return clock_off_; }
    // How far the own clock is ahead of the broker's, as last measured.
    std::chrono::milliseconds clock_offset() const { return clock_offset_; }
    // Whether this process wrote the last decision.
    bool leads() const;
    bool opened() const { return counted_opened_; }
    std::int64_t next_ledger_offset() const { return read_next_; }
    std::int64_t input_position(int input) const;
    // Where the driver starts reading the input after on_input_range().
    std::int64_t input_start(int input) const;
    std::int64_t input_counted_offset(int input) const;
    // Whether it was read to its end since it was begun or begun again.
    bool input_ended(int input) const;
    // Why an input stands still: an event of a newer version. Empty while it works.
    const std::string& input_halted(int input) const;
    // Whether it stands still for want of a key: nothing of it is shown any more.
    bool input_blind(int input) const;
    // Offset before which everything of this input is decided or passed over, and counted.
    std::int64_t considered(int input) const;
    std::int64_t counted_offset() const { return told_offset_; }
    std::size_t undecided() const;
    std::size_t in_flight() const { return flight_.size(); }
    const Fold& fold() const { return *fold_; }
    const std::string& counted_head() const { return chain_.head(); }
    // Id of the key that signs commands and records of this partition; empty until it is opened.
    const std::string& key_id() const { return counted_key_; }
    const Counters& counters() const { return counters_; }
    const PartitionOptions& options() const { return options_; }
    // In what time step() should be called at the latest although nothing was read. Only what
    // step() would then really do counts.
    std::optional<std::chrono::milliseconds> next_wake(Time now, Tick tick) const;

private:
    struct Item {
        std::int64_t offset = 0;
        bool readable = true;
        std::string raw;
        ledger::v1::CommandRecord command;
        std::string key;  // of the request, and the digest of its body
        std::string digest;
        std::string record_digest;
        std::string_view key_id;  // that signed it; of the input's seal
        Time stored_at;
        Foreign foreign;
        std::string traceparent;
        Tick seen{};
        std::size_t bytes = 0;
        bool dead_letter_asked = false;
        bool dead_letter_stored = false;
    };
    struct Input {
        Input(InputSpec input, const WorldKeys& keys, int partition);

        InputSpec spec;
        Seal seal;
        Chain chain;             // of an upstream ledger
        std::deque<Item> items;  // not yet passed by a counted decision, by offset
        std::size_t cursor = 0;  // the first one that this state has not considered; at most all
        std::size_t bytes = 0;   // of the items, all added up
        std::int64_t next = -1;  // offset after the last one fed; -1: nothing yet
        bool ordered = false;    // to be read from elsewhere; what comes before is left over
        bool paused = false;
        bool ended = false;                // read to its end once
        bool doubtful = false;             // once it is, its chain is to be read again
        Tick read_at{};                    // when the last one was fed
        std::string last_digest;           // of the last command or reading that was fed
        std::int64_t counted_offset = -1;  // of the last decision reported to the observer
        std::string counted_digest;
        std::string halted;
        bool blind = false;  // from some record on it is signed with a key that this instance lacks
        std::int64_t low = 0;
        std::int64_t high = 0;
        std::int64_t reached = 0;  // to here it was there when it was read or named last
        bool range_known = false;
        // Records that decisions name as their cause, not yet found again; where the last that was
        // found ends; and where the log differs from them.
        std::deque<std::pair<std::int64_t, std::string>> expected;
        std::int64_t expected_end = 0;  // the position behind them
        std::int64_t sound = -1;
        std::optional<std::int64_t> short_from;  // the log seems to end here, before all of them
        Tick short_since{};
        Tick short_first{};        // when that was waited for first
        bool short_asked = false;  // after a while it was started anew there, to be sure
        bool short_again = false;  // and ended again
        std::optional<std::int64_t> fork;
        bool fork_by_end = false;
        Tick fork_seen{};
        // Records from here on are news; nothing before the range is known for the first time.
        std::optional<std::int64_t> news_from;
    };
    struct InFlight {
        std::string realm;
        std::string key_id;
        std::string record;
        std::string digest;
        ledger::v1::Decision decision;
        Tick appended_at;
        bool applied = false;
    };

    // partition.cpp: the own ledger
    void fold_again();
    void forget_what_was_told();
    void inputs_restarted(const ledger::v1::Decision& decision);
    void verify();
    static Chain::Check check(Chain& chain, const Seal& seal, std::int64_t offset,
                              std::string_view record);
    void check_head(std::int64_t offset, std::string_view record);
    void look_for_appends();
    bool parse(std::int64_t offset, std::string_view record, ledger::v1::Decision& decision,
               std::string_view& key_id);
    void read_counting(std::int64_t offset, const ledger::v1::Decision& decision,
                       const std::string& digest, Tick tick);
    bool apply(const ledger::v1::Decision& decision, const std::string& digest,
               std::int64_t offset);
    void break_off(std::string why);
    void count(std::int64_t offset, const ledger::v1::Decision& decision,
               const std::string& digest);
    void count_inputs(const ledger::v1::Decision& decision);
    void tell(std::int64_t offset, const ledger::v1::Decision& decision, const std::string& digest);
    void tell_answer(std::int64_t offset, const ledger::v1::Decision& decision);
    void check_name(const ledger::v1::Decision& decision);
    bool may_look_into(std::string_view key_id, Tick tick);
    std::string wrong_partitions(const std::string& topic, int partitions) const;
    static bool restart_repairs(Halt what);
    void count_news(const ledger::v1::Decision& decision, bool counts);
    static bool is_news(std::optional<std::int64_t>& from, std::int64_t offset);
    void update_timers();

    // partition_inputs.cpp: what there is to decide on
    void forget_inputs();
    void forget_items(Input& input);
    void recheck_inputs();
    void read_again(Input& input, std::int64_t from = std::numeric_limits<std::int64_t>::max());
    void verify_input(Input& input);
    void walk_again(Input& input);
    int index_of(const Input& input) const;
    void read_from(Input& input, std::int64_t offset);
    void expect_causes(Input& input);
    std::int64_t check_start(const Input& input) const;
    static void expect(Input& input, std::int64_t offset, const std::string& digest);
    static void set_fork(Input& input, std::int64_t offset, bool by_end = false);
    static void drop_fork(Input& input);
    void find_cause(Input& input, std::int64_t offset, const std::string& digest);
    void compare_cause(Input& input, std::int64_t offset, const std::string& digest);
    bool may_be_decided(const Input& input, const Item& item) const;
    bool wants_decision(const Item& item) const;
    std::optional<std::int64_t> wanting_before(const Input& input, std::int64_t offset) const;
    void compare_passed(Input& input, std::int64_t offset, const std::string& digest);
    void confirm_short(Input& input, Tick tick);
    static void forget_short(Input& input);
    static void be_patient(Input& input);
    void be_patient_longer(Input& input, Tick tick) const;
    static std::int64_t last_shared(const Input& input, std::int64_t offset);
    static void see_again(Input& input);
    void rewound(Input& input);
    void check_upstream(Input& input, std::int64_t offset, std::string_view record);
    bool tell_upstream(Input& input, std::int64_t offset, const ledger::v1::Decision& decision,
                       const std::string& digest);
    void lacks_key(Input& input, const std::string& key_id);
    void drop_passed(Input& input, std::int64_t before);
    void keep(Input& input, Item item, Tick tick);
    void drop_front(Input& input);
    void resume_inputs();
    std::int64_t counted_position(const Input& input) const;
    bool concerns(const Foreign& foreign) const;
    bool passed_over(const Item& item);
    std::optional<Item> item_of(Input& input, std::int64_t offset, std::string_view record,
                                Time stored_at, bool news);
    void read_upstream(Input& input, std::int64_t offset, std::string_view record, bool news,
                       Tick tick);
    void read_command(Input& input, std::int64_t offset, std::string_view record, Time stored_at,
                      bool news, Tick tick);
    void read_stream(Input& input, std::int64_t offset, std::string_view record, Time stored_at,
                     bool news, Tick tick);

    // partition_decide.cpp: what is appended
    bool clock_fits(Orders& orders, Time now, Tick tick);
    bool ranges_known() const;
    bool may_lead(Tick since, Tick tick) const;
    std::chrono::milliseconds patience(Tick tick) const;
    bool may_append() const;
    bool reluctant() const;
    void lost_race(Tick tick);
    void put_off(Tick tick);
    void resend(Orders& orders, Tick tick);
    bool decide_next(Orders& orders, Time now, Tick tick, std::size_t& considered);
    enum class Step { appended, waits, passed };
    Step decide_item(Input& input, Item& item, Orders& orders, Time now, Tick tick);
    std::optional<Decided> verdict(const Item& item, Input& input, Time now, std::string& fault);
    Decided verdict_on_command(const Item& item, Time now) const;
    ledger::v1::Decision draft(const Item& item, const Input& input, Time at) const;
    enum class Signed { in_force, not_yet, replaced };
    Signed signature(const Item& item) const;
    bool is_repeat(const Item& item) const;
    void ask_dead_letter(const Input& input, Item& item, const std::string& fault, Orders& orders);
    Step append_for(Input& input, ledger::v1::Decision decision, Orders& orders, Tick tick);
    bool append(ledger::v1::Decision decision, Orders& orders, Tick tick);
    bool apply_own(const ledger::v1::Decision& decision, const std::string& digest);
    struct Timer;
    std::chrono::milliseconds timer_lateness() const;
    Time::duration timer_again_in(const Timer& timer, Tick tick) const;
    void fire_timers(Orders& orders, Time now, Tick tick);

    // partition_upkeep.cpp: decisions without an input
    bool keep_up(Orders& orders, Time now, Tick tick);
    ledger::v1::Decision blank(Time at) const;
    bool upstream_begun() const;
    bool open(Orders& orders, Time now, Tick tick);
    bool override_now(Orders& orders, Time now, Tick tick);
    bool change_key(Orders& orders, Time now, Tick tick);
    static bool forked(const Input& input);
    bool rewind_withdrawn() const;
    bool may_rewind(const Input& input, Tick tick) const;
    bool rewind(Orders& orders, Time now, Tick tick);
    bool pass(Orders& orders, Time now, Tick tick);
    const Input* to_pass() const;
    Tick pass_due(const Input& input) const;

    PartitionOptions options_;
    const WorldKeys& keys_;
    Seal seal_;
    std::unique_ptr<Rules> blank_rules_;
    PartitionObserver& observer_;

    Chain chain_;  // of the own ledger
    // Its head is that of the chain, or the last in flight where those are applied.
    std::unique_ptr<Fold> fold_;
    // Appended and not read back, in order: either all are applied, or there is one.
    std::deque<InFlight> flight_;
    std::deque<Input> inputs_;
    std::size_t turn_ = 0;  // the input that is looked at first

    std::int64_t read_next_ = 0;
    std::optional<std::int64_t> news_from_;  // nothing while the first fold is under way
    std::int64_t void_behind_head_ = 0;
    std::int64_t unknown_keys_ = 0;  // records under a key that this instance lacks
    Tick orphan_verified_{};         // when one under a key that is not in force was looked into
    bool counted_opened_ = false;
    std::string counted_key_;
    bool caught_up_ = false;
    std::optional<std::int64_t> want_read_from_ = 0;
    bool want_inputs_again_ = false;
    bool want_recheck_ = false;
    std::vector<Orders::Reading> want_readings_;
    std::vector<int> want_pauses_;
    bool doubtful_ = false;  // once caught up, the head is to be read again
    bool broken_ = false;    // this version cannot fold this ledger

    // Appends that may not have been stored are sent again, once the log was read to its end.
    bool want_resend_ = false;
    int resends_ = 0;
    Tick resend_at_{};

    std::int64_t told_offset_ = -1;  // of the last decision reported to the observer
    bool knew_decisions_ = false;    // any was ever reported
    std::string told_digest_;

    std::string halted_;
    Halt halted_for_ = Halt::none;  // none where that is empty
    std::string mismatch_;          // an upstream ledger began with another number of partitions
    std::string ahead_;
    std::string restart_reason_;
    bool restart_wanted_ = false;
    std::string override_reason_;
    bool override_wanted_ = false;
    std::int64_t own_counted_ = -1;  // where the first decision of this process counted
    int namesakes_ = 0;              // decisions under the own name by another process, since then

    // Wall clock less monotonic clock when they were last compared with the broker's.
    std::optional<std::chrono::nanoseconds> clock_base_;
    std::string clock_off_;
    bool clock_wrong_ = false;  // it was measured, and not right
    std::chrono::milliseconds clock_offset_{0};

    Tick quiet_since_{};
    // Since when commands lie behind this position that need no decision.
    std::int64_t passable_behind_ = -1;
    Tick passable_since_{};
    static constexpr std::chrono::seconds losses_forgotten{10};
    static constexpr std::chrono::seconds retried_after{1};
    int losses_ = 0;
    Tick lost_at_{};
    bool left_over_ = false;  // the last step ended before everything was considered
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
