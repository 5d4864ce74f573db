// Kafka as a driver meets it, in memory: topics of several partitions, writers, readers and their
// faults, drawn from a seed or inflicted by hand. One thread; time is what its clock says, and
// advance() makes happen what is due. What a process has of it is in fake_handles.hpp.
#pragma once

#include "runtime/ledger/log.hpp"
#include "sim/fake_clock.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace tocsin::sim {

class FakeConnection;
class FakeReader;
class FakeWriter;
struct FakeDesk;
struct FakePulse;

class FakeKafka {
public:
    struct Record {
        std::string key, value;
        runtime::Headers headers;
        Time stored_at;
        Tick visible_at{};  // to readers
    };
    struct Log {
        std::int64_t low = 0;
        std::deque<Record> records;  // the first has offset `low`
        std::int64_t end() const { return low + static_cast<std::int64_t>(records.size()); }
        // Where it seems to end: until each time there, at that offset.
        std::vector<std::pair<Tick, std::int64_t>> behind;
        std::int64_t named_end(Tick now) const;
        bool holds(std::int64_t offset) const { return offset >= low && offset < end(); }
        const Record& at(std::int64_t offset) const {
            return records.at(static_cast<std::size_t>(offset - low));
        }
    };
    using Place = std::pair<std::string, int>;  // topic and partition
    // Probabilities are of each record, question or fetch.
    struct Faults {
        milliseconds delay_min{1};  // of each way
        milliseconds delay_max{1};
        double lost = 0;          // never arrives
        double doubled = 0;       // lands twice
        double ack_lost = 0;      // lands, and is said to have failed
        double late = 0;          // is said to have failed, and lands afterwards
        double out_of_order = 0;  // may be overtaken by what is behind it in its partition
        double refused = 0;       // fails at once and is not stored
        double full = 0;          // the local queue does not take it
        double deadly = 0;        // its process dies before it leaves
        double unanswered = 0;    // a question gets no answer
        double lagging = 0;       // after a fetch nothing of this partition comes for a while
        milliseconds message_timeout{10'000};
        milliseconds late_max{30'000};
        milliseconds lag_max{500};
    };

    FakeKafka(const runtime::Clock& clock, std::uint64_t seed) : clock_(clock), random_(seed) {}

    // What one process has of it; the cluster lives longer.
    std::unique_ptr<FakeConnection> connect();
    // Lets happen what is due by now.
    void advance();
    // When something happens next; nothing while nothing is under way.
    std::optional<Tick> next() const;

    // --- by hand ---
    // Appends at once, as somebody else would.
    std::int64_t put(const std::string& topic, int partition, std::string key, std::string value);
    void go_away();
    void come_back();
    bool away() const { return away_; }
    void lose_tail(const std::string& topic, int partition, std::int64_t count);
    // A new leader of the partition names an end that is `count` records behind, which come back
    // in so many steps of `each`. Not soon again.
    void fall_behind(const std::string& topic, int partition, int count, int steps,
                     milliseconds each);
    // What retention does.
    void drop_before(const std::string& topic, int partition, std::int64_t offset);
    // Readers that read it now bring nothing of it any more, without a word, until it is started
    // again or, `with_handle`, by another reader.
    void stall(const std::string& topic, int partition, bool with_handle);
    // What is on its way arrives now, however late it would have been.
    void hurry();
    bool anything_on_its_way() const { return !on_its_way_.empty() || !held_up_.empty(); }
    Log& log(const std::string& topic, int partition) { return logs_[{topic, partition}]; }

    Faults faults;
    std::size_t record_bytes_max = 1'048'576;  // more is refused at once
    std::size_t stored_bytes_max = 1'048'588;  // more is refused by the broker
    std::size_t queue_max = 200'000;           // what a writer has waiting
    int failing_starts = 0;                    // the next so many of a reader fail
    std::set<Place> missing;                   // was deleted: nothing is written or asked there
    bool questions_late = false;               // nobody is asked in time what a log holds
    std::set<std::string> refused_topics;      // an append to one fails at once
    // How much longer an append to one takes, and succeeds.
    std::map<std::string, milliseconds> slow_topics;
    runtime::Duration clock_skew{0};              // of the broker's calendar
    std::map<std::string, std::int64_t> appends;  // tried, by topic
    // Called with each record as it lands.
    std::function<void(const Place&, std::int64_t offset)> landed = [](const Place&, std::int64_t) {
    };

private:
    friend class FakeConnection;
    friend class FakeReader;
    friend class FakeWriter;
    struct Parcel {
        Place to;
        Record record;
        std::shared_ptr<FakeDesk> from;
        std::uint64_t ticket = 0;
        bool acknowledged = true;
    };
    struct Report {
        std::shared_ptr<FakeDesk> to;
        std::uint64_t ticket = 0;
        runtime::Stored stored;
    };

    bool chance(double probability);
    milliseconds delay();
    milliseconds below(milliseconds bound);
    void send(Parcel parcel);
    void arrive(Parcel parcel);
    std::int64_t land(const Place& to, Record record);
    void report(const Parcel& parcel, Tick due, runtime::Stored stored);
    void wake_at(Tick tick, std::shared_ptr<FakePulse> pulse);
    // Its process is gone: what it sent may land much later.
    void cut_off(const std::shared_ptr<FakePulse>& pulse);

    const runtime::Clock& clock_;
    std::mt19937_64 random_;
    std::map<Place, Log> logs_;
    std::multimap<Tick, Parcel> on_its_way_;
    std::vector<Parcel> held_up_;  // arrived while it was away
    std::multimap<Tick, Report> reports_;
    std::multimap<Tick, const Log*> visible_;
    std::multimap<Tick, std::shared_ptr<FakePulse>> wakes_;
    std::set<FakeReader*> readers_;
    std::set<FakeWriter*> writers_;
    bool away_ = false;
};

// What happens on bad days, more or less of it.
FakeKafka::Faults usual_faults(double trouble);

}  // namespace tocsin::sim
