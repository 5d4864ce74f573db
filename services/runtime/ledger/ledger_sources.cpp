#include "runtime/ledger/ledger_sources.hpp"

#include "runtime/host/logs.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::runtime {

// Between two turns of a thread that is not frozen or starved.
static constexpr auto still_max = std::chrono::seconds(1);

LedgerSources::LedgerSources(LogBackend& log, LogWriter& asked, const Clock& clock,
                             SourceSink& sink, std::string service, Options options)
    : log_(log),
      asked_(asked),
      clock_(clock),
      sink_(sink),
      service_(std::move(service)),
      options_(options),
      reader_(log.reader()) {}

void LedgerSources::start(int id, const std::string& topic, int partition, std::int64_t offset) {
    Source& source = sources_[id];
    source = {};
    source.topic = topic;
    source.partition = partition;
    source.next = offset;
    source.pause = options_.retry_first;
    try_start(id, source, clock_.tick());
}

void LedgerSources::try_start(int id, Source& source, Tick tick) {
    source.start = ++starts_;
    source.asked = false;
    source.ended = false;
    source.heard = tick;
    source.running = reader_->start(id, source.topic, source.partition, source.next);
    if (source.running) return;
    if (!source.unread_since) source.unread_since = tick;
    logs::warn("a log cannot be read; trying again", {{"service", service_},
                                                      {"topic", source.topic},
                                                      {"partition", source.partition},
                                                      {"offset", source.next}});
    source.retry_at = tick + source.pause;
    source.pause = std::min(source.pause * 2, options_.retry_last);
}

void LedgerSources::stop(int id) {
    if (sources_.erase(id) > 0) reader_->stop(id);
}

bool LedgerSources::poll(std::size_t replayed_max) {
    polled_at_ = clock_.tick();
    return reader_->poll(*this, replayed_max);
}

void LedgerSources::stored(int id, std::int64_t offset) {
    const auto found = sources_.find(id);
    if (found == sources_.end()) return;
    know_end(found->second, std::max(found->second.known_end, offset + 1), clock_.tick());
}

void LedgerSources::know_end(Source& source, std::int64_t end, Tick tick) {
    if (source.known_end <= source.next && end > source.next) source.lacking = tick;
    source.known_end = end;
}

void LedgerSources::tend(Tick tick, bool connected) {
    // While this process stood still nothing could come.
    const bool stood_still = tick - tended_at_ > still_max;
    tended_at_ = tick;
    if (!connected || stood_still) watched_since_.reset();
    if (connected && !watched_since_) watched_since_ = tick;
    if (!reader_->fatal().empty()) replace_reader(tick);
    for (auto& [id, source] : sources_) {
        if (source.out_of_range) continue;
        if (!source.running) {
            if (tick >= source.retry_at) try_start(id, source, tick);
        } else if (connected) {
            look_after(id, source, tick);
        }
    }
}

// Of a log that was quiet for long nothing could come before there was something.
Tick LedgerSources::quiet_since(const Source& source) const {
    return std::max({source.heard, source.lacking, watched_since_.value_or(Tick::max())});
}

// What is known to be there and does not come is looked into soon, the rest now and then. Only the
// log itself says whether there is more: it may have lost what was known.
void LedgerSources::look_after(int id, Source& source, Tick tick) {
    const auto quiet = tick - quiet_since(source);
    const bool missed = (source.known_end > source.next && quiet >= options_.stall_after) ||
                        (!source.ended && quiet >= options_.end_after);
    if (source.asked || tick < source.next_look || (!missed && quiet < options_.look_every)) return;
    source.asked = true;
    asked_.ask_range(source.topic, source.partition, options_.look_wait,
                     [this, id, start = source.start, next = source.next](const auto& range) {
                         looked(id, start, next, range);
                     });
}

void LedgerSources::looked(int id, std::uint64_t start, std::int64_t next,
                           const LogRangeAnswer& range) {
    const auto found = sources_.find(id);
    if (found == sources_.end() || found->second.start != start) return;
    Source& source = found->second;
    const Tick tick = clock_.tick();
    source.asked = false;
    source.next_look = tick + (range ? options_.look_every : options_.stall_after);
    if (!range) {
        // Nor does it mean anything while Kafka is away.
        if (range.error() == Unsaid::not_asked || !watched_since_) return;
        // Kafka answers, and yet not for this log: it may be gone.
        ++source.unanswered;
        if (!source.unread_since) source.unread_since = std::max(quiet_since(source), source.whole);
        return;
    }
    source.unanswered = 0;
    if (range->high == source.next) source.whole = tick;
    if (range->high <= source.next && source.ended) read_on(source);
    if (source.stalls == 0 && source.running) source.unread_since.reset();
    know_end(source, range->high, tick);
    // What was read is not there any more.
    if (range->high < next) return sink_.read_trouble(id, "the log ends before what was read");
    // The end of an empty log is reported too: nothing is decided before that.
    const bool unread = range->high > next;
    if (source.next != next || (!unread && source.ended)) return;
    source.next_look = tick;
    const auto patience = unread ? options_.stall_after : options_.end_after;
    if (watched_since_ && tick - quiet_since(source) >= patience) stalled(id, source, tick);
}

void LedgerSources::stalled(int id, Source& source, Tick tick) {
    ++source.stalls;
    if (!source.unread_since) source.unread_since = quiet_since(source);
    const bool again = source.stalls % 2 == 0;
    logs::warn("new records of a log are not delivered; reading it anew",
               {{"service", service_},
                {"topic", source.topic},
                {"partition", source.partition},
                {"offset", source.next},
                {"end", source.known_end},
                {"by", again ? "another reader" : "another start"}});
    if (again) return replace_reader(tick);
    ++restarts_.sources;
    try_start(id, source, tick);
}

// All of them go on where they are.
void LedgerSources::replace_reader(Tick tick) {
    ++restarts_.readers;
    log_.discard(std::move(reader_));
    reader_ = log_.reader();
    for (auto& [id, source] : sources_)
        if (!source.out_of_range) try_start(id, source, tick);
}

bool LedgerSources::down(int id) const {
    const auto found = sources_.find(id);
    if (found == sources_.end()) return false;
    const Source& source = found->second;
    return (!source.running && !source.out_of_range) || source.stalls > 1 || source.unanswered > 1;
}

std::optional<std::string> LedgerSources::first_down() const {
    for (const auto& [id, source] : sources_)
        if (down(id)) return fmt::format("{}/{}", source.topic, source.partition);
    return std::nullopt;
}

std::optional<Tick> LedgerSources::down_since() const {
    std::optional<Tick> since;
    for (const auto& [id, source] : sources_)
        if (down(id) && source.unread_since)
            since = std::min(since.value_or(Tick::max()), *source.unread_since);
    return since;
}

std::optional<std::int64_t> LedgerSources::high(int id) const {
    const auto found = sources_.find(id);
    if (found == sources_.end()) return std::nullopt;
    return std::max(reader_->high(id).value_or(0), found->second.known_end);
}

void LedgerSources::read_on(Source& source) {
    source.stalls = 0;
    source.unanswered = 0;
    source.unread_since.reset();
}

void LedgerSources::on_record(int id, std::int64_t offset, std::string_view, std::string_view value,
                              Time stored_at) {
    Source& source = sources_.at(id);
    source.next = offset + 1;
    source.heard = polled_at_;
    source.pause = options_.retry_first;
    read_on(source);
    sink_.read_record(id, offset, value, stored_at);
}

// Of an end that was read nothing more is known to be there.
void LedgerSources::on_end(int id, std::int64_t offset) {
    Source& source = sources_.at(id);
    source.heard = polled_at_;
    source.ended = true;
    source.next = std::max(source.next, offset);
    if (offset >= source.known_end) read_on(source);
    sink_.read_end(id, offset);
}

void LedgerSources::on_out_of_range(int id) {
    Source& source = sources_.at(id);
    source.out_of_range = true;
    sink_.read_out_of_range(id);
}

void LedgerSources::on_trouble(int id, const std::string& what) { sink_.read_trouble(id, what); }

}  // namespace tocsin::runtime
