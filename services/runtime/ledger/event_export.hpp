// Export of one partition's ledger in `tocsin.events.v1`, in the instance that leads the
// partition: a state machine without I/O, threads or clocks, which event_exporter.cpp drives.
//
// It walks the ledger by the chain rule with a reader of its own, so that it needs nothing of the
// ledger thread, and goes no further than what it handed over and is not stored yet. Its progress
// is stored nowhere else: each record holds up to which decision everything was stored when it was
// sent. The last of these is found by looking back from the topic's end, in windows that double,
// and the walk goes on there. So whatever happens - a restart, another leader, a record that may
// not have been stored - it looks back once more; something may then come twice, but nothing is
// left out.
#pragma once

#include "runtime/ledger/public_event.hpp"
#include "runtime/ledger/record.hpp"

#include <absl/container/flat_hash_set.h>

#include <chrono>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::runtime {

class EventExport {
public:
    using Tick = std::chrono::steady_clock::time_point;

    struct Options {
        PublicSource source;
        std::string ledger_topic;
        std::size_t bytes_max = 1 << 20;       // handed over and not yet stored
        std::int64_t look_back = 64;           // records in the first window
        std::size_t seen_max = 100'000;        // ids kept, so as not to export them again
        std::chrono::milliseconds pause{500};  // before it begins anew after trouble
        // How long it waits for a record that is there; a client of Kafka may stand still unsaid.
        std::chrono::milliseconds patience{10'000};
    };

    // What the driver must do after a call.
    struct Orders {
        struct Append {
            std::uint64_t ticket = 0;
            PublicRecord record;
        };
        bool stop_events = false;
        bool stop_ledger = false;
        // Of the topic of events; answer with on_events_range() once no other export reads that
        // topic's partition through the same reader, and keep it free while looking().
        bool ask_range = false;
        std::optional<std::int64_t> read_events_from;
        std::optional<std::int64_t> read_ledger_from;
        std::vector<Append> append;  // in this order; answer each with on_stored()
    };

    EventExport(Options options, const WorldKeys& keys);

    // Whether this instance leads, and in which history: another number means that the ledger lost
    // its tail. The ledger holds records up to `ledger_end`, as far as is known.
    void lead(bool leads, std::uint32_t history, std::int64_t ledger_end);
    void on_events_range(std::int64_t low, std::int64_t high);
    void on_events_record(std::int64_t offset, const PublicHeaders& headers);
    void on_events_end(std::int64_t offset);
    void on_ledger_record(std::int64_t offset, std::string_view record);
    void on_ledger_end(std::int64_t offset);
    void on_ledger_out_of_range();
    void on_stored(std::uint64_t ticket, bool ok);
    // Whatever else went wrong with either log: it begins anew after a pause.
    void on_trouble();
    Orders step(Tick tick);
    // True once when starting the reader anew did not help: its handle must be another.
    bool take_stuck();

    // Offset in the ledger before which every event that counted is stored.
    std::int64_t exported_before() const { return exported_before_; }
    // It reads the topic of events.
    bool looking() const { return stage_ == Stage::looking; }
    std::int64_t stored() const { return stored_; }
    // Why it stands still: the ledger holds an event that this version does not know.
    const std::string& stopped() const { return stopped_; }

private:
    enum class Stage { idle, resting, asking, looking, walking, stopped };
    struct Sent {
        std::int64_t offset = 0;
        std::string digest;
        std::size_t bytes = 0;
        std::size_t outstanding = 0;
    };

    void clear();
    void begin();
    bool waits_for_a_record() const;
    void look();
    void looked();
    void walk_from(const Exported& place);
    void place_is_gone();
    bool reached_place(std::int64_t offset, std::string_view record);
    void hand_over(const PublicDecision& counted);
    void settle();

    Options options_;
    Seal seal_;
    std::string genesis_;
    Stage stage_ = Stage::idle;
    std::uint32_t history_ = 0;
    std::optional<Tick> rested_at_;
    std::optional<Tick> waits_since_;
    int waits_in_vain_ = 0;  // since the last record
    std::int64_t ledger_end_ = 0;
    Orders orders_;
    std::string stopped_;
    std::int64_t stored_ = 0;

    // Looking back: the topic of events holds [low, high) and is read from `from`.
    std::int64_t events_low_ = 0, events_high_ = 0, look_from_ = 0;
    std::int64_t window_ = 0;
    std::vector<Exported> places_;
    absl::flat_hash_set<std::string> seen_;
    // A place at or after this is not in the ledger any more.
    std::int64_t places_below_ = std::numeric_limits<std::int64_t>::max();
    bool oldest_first_ = false;

    // Walking: the next record of the ledger, and the last decision that counted before it.
    std::int64_t next_ = 0;
    std::string head_;
    std::string key_id_;  // in force after it
    bool place_reached_ = false;
    bool full_ = false;
    Exported exported_;
    std::int64_t exported_before_ = 0;
    std::deque<Sent> sent_;
    std::uint64_t first_ticket_ = 0;  // of sent_.front(); each decision has one
    std::size_t bytes_ = 0;
};

}  // namespace tocsin::runtime
