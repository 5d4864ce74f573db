#include "sim/fake_kafka.hpp"

#include <algorithm>
#include <stdexcept>

namespace tocsin::sim {

using runtime::LogRange;
using runtime::Queued;
using runtime::Stored;

struct FakeKafka::Desk {
    std::uint64_t last = 0;
    std::map<std::uint64_t, runtime::LogWriter::Done> waiting;
    std::vector<std::pair<std::uint64_t, Stored>> reported;
    std::map<Place, Tick> last_arrival;
};

class FakeWriter final : public runtime::LogWriter {
public:
    explicit FakeWriter(FakeKafka& kafka) : kafka_(kafka) { kafka_.writers_.insert(this); }
    ~FakeWriter() override {
        close();
        kafka_.writers_.erase(this);
    }

    Queued append(const std::string& topic, int partition, std::string_view key,
                  std::string_view value, const runtime::Headers& headers, Done done) override {
        ++kafka_.appends[topic];
        if (closed_) return Queued::dead;
        if (value.size() > kafka_.record_bytes_max) return Queued::too_large;
        if (desk_->waiting.size() >= kafka_.queue_max) return Queued::full;
        const std::uint64_t ticket = ++desk_->last;
        desk_->waiting.emplace(ticket, std::move(done));
        kafka_.send({{topic, partition},
                     {std::string(key), std::string(value), headers, {}, {}},
                     desk_,
                     ticket,
                     true});
        return Queued::queued;
    }
    void ask_range(const std::string& topic, int partition, milliseconds wait,
                   RangeAnswer answer) override {
        ask(wait, [this, topic, partition, answer = std::move(answer)](bool heard) mutable {
            if (!heard) return answer(std::nullopt);
            const auto& log = kafka_.log(topic, partition);
            answer(LogRange{log.low, log.end()});
        });
    }
    void ask_reachable(milliseconds wait, Answer answer) override { ask(wait, std::move(answer)); }
    void ask_warm(const std::string&, milliseconds wait, Answer answer) override {
        ask(wait, std::move(answer));
    }
    void poll() override {
        for (const auto& [ticket, stored] : std::exchange(desk_->reported, {}))
            tell(ticket, stored);
        while (!questions_.empty() && questions_.begin()->first <= kafka_.clock_.tick()) {
            auto node = questions_.extract(questions_.begin());
            node.mapped().answer(node.mapped().heard && !kafka_.away());
        }
    }
    void flush(milliseconds) override {}
    void close() override {
        if (std::exchange(closed_, true)) return;
        poll();
        while (!questions_.empty()) {
            auto node = questions_.extract(questions_.begin());
            node.mapped().answer(false);
        }
        while (!desk_->waiting.empty()) tell(desk_->waiting.begin()->first, {});
    }
    const std::string& fatal() const override { return fatal_; }
    bool take_trouble() override { return std::exchange(trouble_, false); }

    void trouble() { trouble_ = true; }
    std::optional<Tick> next_answer() const {
        if (questions_.empty()) return std::nullopt;
        return questions_.begin()->first;
    }
    bool told() const { return !desk_->reported.empty(); }

private:
    struct Question {
        bool heard;
        Answer answer;
    };
    void ask(milliseconds wait, Answer answer) {
        const bool heard = !closed_ && !kafka_.away() && !kafka_.chance(kafka_.faults.unanswered);
        questions_.emplace(kafka_.clock_.tick() + (heard ? kafka_.delay() : wait),
                           Question{heard, std::move(answer)});
    }
    void tell(std::uint64_t ticket, const Stored& stored) {
        auto node = desk_->waiting.extract(ticket);
        if (node) node.mapped()(stored);
    }

    FakeKafka& kafka_;
    std::shared_ptr<FakeKafka::Desk> desk_ = std::make_shared<FakeKafka::Desk>();
    std::multimap<Tick, Question> questions_;
    bool closed_ = false;
    bool trouble_ = false;
    std::string fatal_;
};

class FakeReader final : public runtime::LogReader {
public:
    explicit FakeReader(FakeKafka& kafka) : kafka_(kafka) { kafka_.readers_.insert(this); }
    ~FakeReader() override { kafka_.readers_.erase(this); }

    bool start(int id, const std::string& topic, int partition, std::int64_t offset) override {
        stop(id);
        if (kafka_.failing_starts > 0) {
            --kafka_.failing_starts;
            return false;
        }
        Source source;
        source.place = {topic, partition};
        source.next = offset;
        source.stalled = dead_.contains(source.place);
        sources_[id] = source;
        return true;
    }
    void stop(int id) override { sources_.erase(id); }
    bool poll(Sink& sink, std::size_t replayed_max) override {
        if (kafka_.away()) return false;
        bool any = false;
        for (auto& [id, source] : sources_)
            if (source.ended) any |= deliver(sink, id, source, live_in_a_row) > 0;
        auto next = sources_.upper_bound(last_);
        for (std::size_t empty = 0; replayed_max > 0 && empty < sources_.size();) {
            if (next == sources_.end()) next = sources_.begin();
            auto& [id, source] = *next++;
            const std::size_t count =
                source.ended ? 0
                             : deliver(sink, id, source, std::min(replayed_max, replayed_in_a_row));
            replayed_max -= std::min(count, replayed_max);
            empty = count == 0 ? empty + 1 : 0;
            any |= count > 0;
            if (count > 0) last_ = id;
        }
        return any;
    }
    std::optional<std::int64_t> high(int id) const override {
        const auto found = sources_.find(id);
        if (found == sources_.end() || found->second.high < 0) return std::nullopt;
        return found->second.high;
    }
    bool take_trouble() override { return std::exchange(trouble_, false); }
    const std::string& fatal() const override { return fatal_; }

    void trouble() { trouble_ = true; }
    void stall(const FakeKafka::Place& place, bool with_handle) {
        if (with_handle) dead_.insert(place);
        for (auto& [id, source] : sources_)
            if (source.place == place) source.stalled = true;
    }

private:
    static constexpr std::size_t live_in_a_row = 1000;
    static constexpr std::size_t replayed_in_a_row = 250;
    struct Source {
        FakeKafka::Place place;
        std::int64_t next = 0;
        std::int64_t high = -1;
        std::int64_t end_told = -1;
        bool ended = false;
        bool stalled = false;
    };

    std::size_t deliver(Sink& sink, int id, Source& source, std::size_t most) {
        if (source.stalled) return 0;
        const auto& log = kafka_.logs_[source.place];
        if (source.next < log.low || source.next > log.end()) {
            source.stalled = true;
            sink.on_out_of_range(id);
            return 1;
        }
        std::size_t count = 0;
        source.high = log.end();
        while (count < most && source.next < log.end() &&
               log.at(source.next).visible_at <= kafka_.clock_.tick()) {
            const auto& record = log.at(source.next);
            ++count;
            sink.on_record(id, source.next++, record.key, record.value, record.stored_at);
        }
        if (source.next == log.end() && source.end_told != source.next) {
            ++count;
            source.ended = true;
            source.end_told = source.next;
            sink.on_end(id, source.next);
        }
        return count;
    }

    FakeKafka& kafka_;
    std::map<int, Source> sources_;
    std::set<FakeKafka::Place> dead_;
    int last_ = -1;
    bool trouble_ = false;
    std::string fatal_;
};

namespace {

class FakeBackend final : public runtime::LogBackend {
public:
    explicit FakeBackend(FakeKafka& kafka) : kafka_(kafka) {}
    std::unique_ptr<runtime::LogWriter> writer() override {
        return std::make_unique<FakeWriter>(kafka_);
    }
    std::unique_ptr<runtime::LogReader> reader() override {
        return std::make_unique<FakeReader>(kafka_);
    }
    void discard(std::unique_ptr<runtime::LogReader>) override {}
    void wait(milliseconds) override { throw std::logic_error("nobody waits in a simulation"); }
    void wake() override {}

private:
    FakeKafka& kafka_;
};

}  // namespace

std::unique_ptr<runtime::LogBackend> FakeKafka::connect() {
    return std::make_unique<FakeBackend>(*this);
}

bool FakeKafka::chance(double probability) {
    return probability > 0 && static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
}

milliseconds FakeKafka::delay() {
    const auto span = static_cast<std::uint64_t>((faults.delay_max - faults.delay_min).count() + 1);
    return faults.delay_min + milliseconds(random_() % span);
}

// Of one writer and partition in order, unless it is drawn that it is not.
void FakeKafka::send(Parcel parcel) {
    const Tick now = clock_.tick();
    report(parcel, now + faults.message_timeout, {});
    if (refused_topics.contains(parcel.to.first)) return report(parcel, now + delay(), {});
    if (chance(faults.lost)) return;
    Tick arrival = now + delay();
    if (chance(faults.late)) {
        report(parcel, arrival, {});
        const auto span = static_cast<std::uint64_t>(faults.late_max.count() + 1);
        on_its_way_.emplace(arrival + milliseconds(random_() % span), std::move(parcel));
        return;
    }
    Tick& last = parcel.from->last_arrival[parcel.to];
    if (!chance(faults.out_of_order)) arrival = last = std::max(arrival, last);
    parcel.acknowledged = !chance(faults.ack_lost);
    on_its_way_.emplace(arrival, std::move(parcel));
}

void FakeKafka::report(const Parcel& parcel, Tick due, Stored stored) {
    reports_.emplace(due, Report{parcel.from, parcel.ticket, stored});
}

void FakeKafka::arrive(Parcel parcel) {
    if (away_) {
        held_up_.push_back(std::move(parcel));
        return;
    }
    const Tick back = clock_.tick() + delay();
    Stored stored;
    if (parcel.record.value.size() > stored_bytes_max) {
        stored.kind = Stored::Kind::too_large;
        return report(parcel, back, stored);
    }
    if (chance(faults.doubled)) land(parcel.to, parcel.record);
    stored.kind = Stored::Kind::stored;
    stored.offset = land(parcel.to, std::move(parcel.record));
    stored.stored_at = log(parcel.to.first, parcel.to.second).at(stored.offset).stored_at;
    if (parcel.acknowledged) report(parcel, back, stored);
}

std::int64_t FakeKafka::land(const Place& to, Record record) {
    Log& log = logs_[to];
    record.stored_at = std::chrono::floor<milliseconds>(clock_.now());
    record.visible_at = clock_.tick() + delay();
    // What was fetched is fetched in order.
    if (!log.records.empty())
        record.visible_at = std::max(record.visible_at, log.records.back().visible_at);
    visible_.insert(record.visible_at);
    log.records.push_back(std::move(record));
    return log.end() - 1;
}

void FakeKafka::advance() {
    const Tick now = clock_.tick();
    while (!on_its_way_.empty() && on_its_way_.begin()->first <= now)
        arrive(std::move(on_its_way_.extract(on_its_way_.begin()).mapped()));
    while (!reports_.empty() && reports_.begin()->first <= now) {
        Report told = std::move(reports_.extract(reports_.begin()).mapped());
        if (told.to->waiting.contains(told.ticket))
            told.to->reported.emplace_back(told.ticket, told.stored);
    }
    visible_.erase(visible_.begin(), visible_.upper_bound(now));
}

std::optional<Tick> FakeKafka::next() const {
    std::optional<Tick> next;
    const auto sooner = [&](Tick tick) { next = next ? std::min(*next, tick) : tick; };
    if (!on_its_way_.empty()) sooner(on_its_way_.begin()->first);
    if (!reports_.empty()) sooner(reports_.begin()->first);
    if (!visible_.empty()) sooner(*visible_.begin());
    for (const FakeWriter* writer : writers_) {
        if (const auto due = writer->next_answer()) sooner(*due);
        if (writer->told()) sooner(clock_.tick());
    }
    return next;
}

std::int64_t FakeKafka::put(const std::string& topic, int partition, std::string key,
                            std::string value) {
    return land({topic, partition}, {std::move(key), std::move(value), {}, {}, {}});
}

void FakeKafka::go_away() {
    away_ = true;
    for (FakeReader* reader : readers_) reader->trouble();
    for (FakeWriter* writer : writers_) writer->trouble();
}

void FakeKafka::come_back() {
    away_ = false;
    for (Parcel& parcel : std::exchange(held_up_, {})) arrive(std::move(parcel));
}

void FakeKafka::lose_tail(const std::string& topic, int partition, std::int64_t count) {
    auto& records = log(topic, partition).records;
    records.erase(records.end() - std::min<std::ptrdiff_t>(count, std::ssize(records)),
                  records.end());
}

void FakeKafka::drop_before(const std::string& topic, int partition, std::int64_t offset) {
    Log& log = logs_[{topic, partition}];
    while (log.low < offset && !log.records.empty()) {
        log.records.pop_front();
        ++log.low;
    }
}

void FakeKafka::stall(const std::string& topic, int partition, bool with_handle) {
    for (FakeReader* reader : readers_) reader->stall({topic, partition}, with_handle);
}

}  // namespace tocsin::sim
