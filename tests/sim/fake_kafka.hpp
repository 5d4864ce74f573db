// Kafka as a driver meets it, in memory: topics of several partitions, writers, readers and their
// faults, drawn from a seed or inflicted by hand. One thread; time is what its clock says, and
// advance() makes happen what is due.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/log.hpp"

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace tocsin::sim {

using runtime::Tick;
using runtime::Time;
using std::chrono::milliseconds;

// A clock that stands still until it is moved.
class FakeClock final : public runtime::Clock {
public:
    Time now() const override { return now_ + skew; }
    Tick tick() const override { return tick_; }
    void advance(milliseconds by) {
        now_ += by;
        tick_ += by;
    }
    runtime::Duration skew{0};  // of the calendar only

private:
    Time now_{std::chrono::sys_days{std::chrono::year{2026} / 5 / 4}};
    Tick tick_{std::chrono::hours(1)};
};

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
        const Record& at(std::int64_t offset) const {
            return records.at(static_cast<std::size_t>(offset - low));
        }
    };
    // Probabilities are of each record or question.
    struct Faults {
        milliseconds delay_min{1};  // of each way
        milliseconds delay_max{1};
        double lost = 0;          // never arrives
        double doubled = 0;       // lands twice
        double ack_lost = 0;      // lands, and is said to have failed
        double late = 0;          // is said to have failed, and lands afterwards
        double out_of_order = 0;  // may be overtaken by what is behind it in its partition
        double unanswered = 0;    // a question gets no answer
        milliseconds message_timeout{10'000};
        milliseconds late_max{30'000};
    };

    FakeKafka(const runtime::Clock& clock, std::uint64_t seed) : clock_(clock), random_(seed) {}

    // What one process has of it; the cluster lives longer.
    std::unique_ptr<runtime::LogBackend> connect();
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
    // What retention does.
    void drop_before(const std::string& topic, int partition, std::int64_t offset);
    // Readers that read it now bring nothing of it any more, without a word, until it is started
    // again or, `with_handle`, by another reader.
    void stall(const std::string& topic, int partition, bool with_handle);
    Log& log(const std::string& topic, int partition) { return logs_[{topic, partition}]; }

    Faults faults;
    std::size_t record_bytes_max = 1'048'576;     // more is refused at once
    std::size_t stored_bytes_max = 1'048'588;     // more is refused by the broker
    std::size_t queue_max = 200'000;              // what a writer has waiting
    int failing_starts = 0;                       // the next so many of a reader fail
    std::set<std::string> refused_topics;         // an append to one fails at once
    std::map<std::string, std::int64_t> appends;  // tried, by topic

private:
    friend class FakeWriter;
    friend class FakeReader;
    using Place = std::pair<std::string, int>;
    struct Desk;  // what a writer waits for
    struct Parcel {
        Place to;
        Record record;
        std::shared_ptr<Desk> from;
        std::uint64_t ticket = 0;
        bool acknowledged = true;
    };
    struct Report {
        std::shared_ptr<Desk> to;
        std::uint64_t ticket = 0;
        runtime::Stored stored;
    };

    bool chance(double probability);
    milliseconds delay();
    void send(Parcel parcel);
    void arrive(Parcel parcel);
    std::int64_t land(const Place& to, Record record);
    void report(const Parcel& parcel, Tick due, runtime::Stored stored);

    const runtime::Clock& clock_;
    std::mt19937_64 random_;
    std::map<Place, Log> logs_;
    std::multimap<Tick, Parcel> on_its_way_;
    std::vector<Parcel> held_up_;  // arrived while it was away
    std::multimap<Tick, Report> reports_;
    std::multiset<Tick> visible_;
    std::set<class FakeReader*> readers_;
    std::set<class FakeWriter*> writers_;
    bool away_ = false;
};

}  // namespace tocsin::sim
