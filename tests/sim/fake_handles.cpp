#include "sim/fake_handles.hpp"

#include <stdexcept>

namespace tocsin::sim {

using runtime::LogRange;
using runtime::Queued;
using runtime::Stored;

static constexpr std::size_t live_in_a_row = 1000;
static constexpr std::size_t replayed_in_a_row = 250;

// --- the writer ---

FakeWriter::FakeWriter(FakeKafka& kafka, std::shared_ptr<FakePulse> pulse) : kafka_(kafka) {
    desk_->pulse = std::move(pulse);
    kafka_.writers_.insert(this);
}

FakeWriter::~FakeWriter() {
    close();
    kafka_.writers_.erase(this);
}

Queued FakeWriter::append(const std::string& topic, int partition, std::string_view key,
                          std::string_view value, const runtime::Headers& headers, Done done) {
    ++kafka_.appends[topic];
    if (closed_) return Queued::dead;
    if (value.size() > kafka_.record_bytes_max) return Queued::too_large;
    if (kafka_.missing.contains({topic, partition})) return Queued::missing;
    if (desk_->waiting.size() >= kafka_.queue_max || kafka_.chance(kafka_.faults.full))
        return Queued::full;
    const std::uint64_t ticket = ++desk_->last;
    desk_->waiting.emplace(ticket, std::move(done));
    if (kafka_.chance(kafka_.faults.deadly)) desk_->pulse->dead = true;
    if (desk_->pulse->dead) return Queued::queued;
    kafka_.send({{topic, partition},
                 {std::string(key), std::string(value), headers, {}, {}},
                 desk_,
                 ticket,
                 true});
    return Queued::queued;
}

void FakeWriter::ask_range(const std::string& topic, int partition, milliseconds wait,
                           RangeAnswer answer) {
    ask(wait, [this, topic, partition, answer = std::move(answer)](bool heard) mutable {
        if (kafka_.questions_late) return answer(std::unexpected(runtime::Unsaid::not_asked));
        if (!heard || kafka_.missing.contains({topic, partition}))
            return answer(std::unexpected(runtime::Unsaid::silent));
        const auto& log = kafka_.log(topic, partition);
        answer(LogRange{log.low, log.named_end(kafka_.clock_.tick())});
    });
}

void FakeWriter::poll() {
    for (const auto& [ticket, stored] : std::exchange(desk_->reported, {})) tell(ticket, stored);
    while (!questions_.empty() && questions_.begin()->first <= kafka_.clock_.tick()) {
        auto node = questions_.extract(questions_.begin());
        node.mapped().answer(node.mapped().heard && !kafka_.away());
    }
}

void FakeWriter::close() {
    if (std::exchange(closed_, true)) return;
    poll();
    while (!questions_.empty()) {
        auto node = questions_.extract(questions_.begin());
        node.mapped().answer(false);
    }
    while (!desk_->waiting.empty()) tell(desk_->waiting.begin()->first, {});
}

void FakeWriter::trouble() {
    trouble_ = true;
    desk_->pulse->woken = true;
}

void FakeWriter::ask(milliseconds wait, Answer answer) {
    const bool heard = !closed_ && !kafka_.away() && !kafka_.chance(kafka_.faults.unanswered);
    const Tick due = kafka_.clock_.tick() + (heard ? kafka_.delay() : wait);
    questions_.emplace(due, Question{heard, std::move(answer)});
    kafka_.wake_at(due, desk_->pulse);
}

void FakeWriter::tell(std::uint64_t ticket, const Stored& stored) {
    auto node = desk_->waiting.extract(ticket);
    if (node) node.mapped()(stored);
}

// --- the reader ---

FakeReader::FakeReader(FakeKafka& kafka, std::shared_ptr<FakePulse> pulse)
    : kafka_(kafka), pulse_(std::move(pulse)) {
    kafka_.readers_.insert(this);
}

FakeReader::~FakeReader() { kafka_.readers_.erase(this); }

bool FakeReader::start(int id, const std::string& topic, int partition, std::int64_t offset) {
    stop(id);
    if (kafka_.failing_starts > 0) {
        --kafka_.failing_starts;
        return false;
    }
    Source source;
    source.place = {topic, partition};
    source.log = &kafka_.log(topic, partition);
    source.next = offset;
    source.stalled = dead_.contains(source.place);
    sources_[id] = source;
    kafka_.wake_at(kafka_.clock_.tick() + kafka_.delay(), pulse_);
    return true;
}

bool FakeReader::poll(Sink& sink, std::size_t replayed_max) {
    if (kafka_.away()) return false;
    bool any = false;
    bool replaying = false;
    for (auto& [id, source] : sources_)
        if (source.ended)
            any |= deliver(sink, id, source, live_in_a_row) > 0;
        else
            replaying = true;
    if (!replaying) return any;
    auto next = sources_.upper_bound(last_);
    for (std::size_t empty = 0; replayed_max > 0 && empty < sources_.size();) {
        if (next == sources_.end()) next = sources_.begin();
        auto& [id, source] = *next++;
        const std::size_t count =
            source.ended ? 0 : deliver(sink, id, source, std::min(replayed_max, replayed_in_a_row));
        replayed_max -= std::min(count, replayed_max);
        empty = count == 0 ? empty + 1 : 0;
        any |= count > 0;
        if (count > 0) last_ = id;
    }
    return any;
}

std::size_t FakeReader::deliver(Sink& sink, int id, Source& source, std::size_t most) {
    const Tick now = kafka_.clock_.tick();
    if (source.stalled || now < source.lags_until) return 0;
    const auto& log = *source.log;
    if (source.next < log.low || source.next > log.end()) {
        source.stalled = true;
        sink.on_out_of_range(id);
        return 1;
    }
    std::size_t count = 0;
    const std::int64_t end = log.named_end(now);
    source.high = end;
    while (count < most && source.next < end && log.at(source.next).visible_at <= now) {
        const auto& record = log.at(source.next);
        ++count;
        sink.on_record(id, source.next++, record.key, record.value, record.stored_at);
    }
    if (source.next == end && source.end_told != source.next) {
        ++count;
        source.ended = true;
        source.end_told = source.next;
        sink.on_end(id, source.next);
    }
    if (count > 0 && kafka_.chance(kafka_.faults.lagging)) {
        source.lags_until = now + kafka_.below(kafka_.faults.lag_max);
        kafka_.wake_at(source.lags_until, pulse_);
    }
    return count;
}

std::optional<std::int64_t> FakeReader::high(int id) const {
    const auto found = sources_.find(id);
    if (found == sources_.end() || found->second.high < 0) return std::nullopt;
    return found->second.high;
}

void FakeReader::trouble() {
    trouble_ = true;
    pulse_->woken = true;
}

void FakeReader::stall(const FakeKafka::Place& place, bool with_handle) {
    if (with_handle) dead_.insert(place);
    for (auto& [id, source] : sources_)
        if (source.place == place) source.stalled = true;
}

void FakeReader::wake_if_it_reads(const FakeKafka::Log& log) {
    if (pulse_->woken) return;
    for (const auto& [id, source] : sources_)
        if (source.log == &log && !source.stalled) pulse_->woken = true;
}

// --- the connection ---

std::unique_ptr<runtime::LogWriter> FakeConnection::writer() {
    return std::make_unique<FakeWriter>(kafka_, pulse_);
}

std::unique_ptr<runtime::LogReader> FakeConnection::reader() {
    return std::make_unique<FakeReader>(kafka_, pulse_);
}

void FakeConnection::wait(milliseconds) { throw std::logic_error("nobody waits in a simulation"); }

void FakeConnection::trouble() {
    for (FakeReader* reader : kafka_.readers_)
        if (reader->belongs_to(pulse_)) reader->trouble();
    for (FakeWriter* writer : kafka_.writers_)
        if (writer->belongs_to(pulse_)) writer->trouble();
}

}  // namespace tocsin::sim
