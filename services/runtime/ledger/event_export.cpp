#include "runtime/ledger/event_export.hpp"

#include "runtime/ledger/chain.hpp"

#include <algorithm>

namespace tocsin::runtime {

EventExport::EventExport(Options options, const WorldKeys& keys)
    : options_(std::move(options)),
      seal_(keys, options_.ledger_topic, RecordKind::decision),
      genesis_(genesis_digest(options_.ledger_topic, options_.source.partition)) {}

void EventExport::clear() {
    orders_ = {};
    orders_.stop_events = orders_.stop_ledger = true;
    first_ticket_ += sent_.size();  // What comes back of them is ignored.
    sent_.clear();
    bytes_ = 0;
    full_ = false;
    places_.clear();
    seen_.clear();
    stopped_.clear();
    rested_at_.reset();
    waits_since_.reset();
}

void EventExport::lead(bool leads, std::uint32_t history, std::int64_t ledger_end) {
    ledger_end_ = ledger_end;
    if (history != history_) exported_before_ = 0;
    if (!leads) {
        history_ = history;
        if (stage_ == Stage::idle) return;
        clear();
        stage_ = Stage::idle;
    } else if (stage_ == Stage::idle || history != history_) {
        history_ = history;
        begin();
    }
}

void EventExport::begin() {
    clear();
    stage_ = Stage::asking;
    orders_.ask_range = true;
    window_ = options_.look_back;
    places_below_ = std::numeric_limits<std::int64_t>::max();
    oldest_first_ = false;
}

void EventExport::on_trouble() {
    if (stage_ == Stage::idle || stage_ == Stage::resting) return;
    clear();
    stage_ = Stage::resting;
}

bool EventExport::waits_for_a_record() const {
    return looking() || (stage_ == Stage::walking && !full_ && next_ < ledger_end_);
}

EventExport::Orders EventExport::step(Tick tick) {
    if (stage_ == Stage::resting) {
        if (!rested_at_) rested_at_ = tick + options_.pause;
        if (tick >= *rested_at_) begin();
    }
    if (!waits_for_a_record()) {
        waits_since_.reset();
    } else if (!waits_since_) {
        waits_since_ = tick;
    } else if (tick - *waits_since_ >= options_.patience) {
        ++waits_in_vain_;
        on_trouble();
    }
    return std::exchange(orders_, {});
}

bool EventExport::take_stuck() {
    if (waits_in_vain_ < 2) return false;
    waits_in_vain_ = 0;
    return true;
}

// --- where the export stands ---

void EventExport::on_events_range(std::int64_t low, std::int64_t high) {
    if (stage_ != Stage::asking) return;
    events_low_ = low;
    events_high_ = high;
    look();
}

void EventExport::look() {
    stage_ = Stage::looking;
    places_.clear();
    seen_.clear();
    look_from_ = std::max(events_low_, events_high_ - window_);
    if (look_from_ >= events_high_) return looked();
    orders_.read_events_from = look_from_;
}

void EventExport::on_events_record(std::int64_t offset, const PublicHeaders& headers) {
    if (stage_ != Stage::looking || orders_.read_events_from || offset < look_from_) return;
    waits_since_.reset();
    waits_in_vain_ = 0;
    if (offset < events_high_) {
        if (auto trace = trace_of(options_.source, headers)) {
            places_.push_back(std::move(trace->exported));
            if (seen_.size() < options_.seen_max) seen_.insert(std::move(trace->id));
        }
    }
    if (offset + 1 >= events_high_) looked();
}

void EventExport::on_events_end(std::int64_t offset) {
    if (stage_ != Stage::looking || orders_.read_events_from) return;
    if (offset >= events_high_) looked();
}

void EventExport::looked() {
    orders_.stop_events = true;
    std::erase_if(places_, [&](const auto& place) { return place.offset >= places_below_; });
    const auto by_offset = [](const auto& a, const auto& b) { return a.offset < b.offset; };
    if (!places_.empty()) {
        // A frozen leader that thawed may have written last, and less far on.
        const auto [oldest, newest] =
            std::minmax_element(places_.begin(), places_.end(), by_offset);
        return walk_from(oldest_first_ ? *oldest : *newest);
    }
    if (look_from_ > events_low_) {
        window_ *= 2;
        return look();
    }
    walk_from({});
}

// --- from there, what counted ---

void EventExport::walk_from(const Exported& place) {
    stage_ = Stage::walking;
    exported_ = place;
    place_reached_ = place.offset < 0;
    next_ = std::max<std::int64_t>(place.offset, 0);
    exported_before_ = next_;
    head_ = genesis_;
    key_id_.clear();
    orders_.read_ledger_from = next_;
}

// The ledger lost its tail, and with it what was exported then; or a broker that just came back
// does not show all of it yet. An older place is wanted. It requests the topic's range again for
// that: another service may be reading the topic of events by now.
void EventExport::place_is_gone() {
    orders_.stop_ledger = true;
    orders_.read_ledger_from.reset();
    places_below_ = exported_.offset;
    if (std::exchange(oldest_first_, true)) window_ *= 2;
    stage_ = Stage::asking;
    orders_.ask_range = true;
}

bool EventExport::reached_place(std::int64_t offset, std::string_view record) {
    if (place_reached_) return true;
    if (offset != exported_.offset || sha256(record) != exported_.digest) {
        place_is_gone();
        return false;
    }
    place_reached_ = true;
    const Seal::Opened opened = seal_.examine(record);
    ledger::v1::Decision decision;
    decision.ParseFromArray(opened.body.data(), static_cast<int>(opened.body.size()));
    key_id_ = Chain::Link(decision, opened.key_id).next_key_id;
    head_ = exported_.digest;
    next_ = offset + 1;
    settle();
    return false;
}

void EventExport::on_ledger_record(std::int64_t offset, std::string_view record) {
    if (stage_ != Stage::walking || orders_.read_ledger_from || full_ || offset < next_) return;
    waits_since_.reset();
    waits_in_vain_ = 0;
    if (!reached_place(offset, record)) return;
    if (offset > next_) return on_trouble();  // Never seen; but what is in between may count.
    next_ = offset + 1;
    const Seal::Opened opened = seal_.examine(record);
    ledger::v1::Decision decision;
    if (opened.sealed == Sealed::ours &&
        decision.ParseFromArray(opened.body.data(), static_cast<int>(opened.body.size())) &&
        decision.previous_digest() == head_ && (key_id_.empty() || opened.key_id == key_id_)) {
        key_id_ = Chain::Link(decision, opened.key_id).next_key_id;
        head_ = sha256(record);
        hand_over({decision, head_, offset});
    }
    settle();
}

void EventExport::on_ledger_end(std::int64_t offset) {
    const bool current = stage_ == Stage::walking && !orders_.read_ledger_from;
    if (current && !place_reached_ && offset <= exported_.offset) place_is_gone();
}

void EventExport::on_ledger_out_of_range() {
    if (stage_ != Stage::walking || orders_.read_ledger_from) return;
    if (!place_reached_) return place_is_gone();
    on_trouble();
}

void EventExport::hand_over(const PublicDecision& counted) {
    auto records = public_records(options_.source, counted, exported_);
    if (!records) {
        orders_.stop_ledger = true;
        stage_ = Stage::stopped;
        stopped_ = std::move(records.error());
        return;
    }
    Sent sent{counted.offset, std::string(counted.digest), 0, 0};
    const std::uint64_t ticket = first_ticket_ + sent_.size();
    for (PublicRecord& record : *records) {
        if (seen_.erase(record.id) > 0) continue;  // It is there already.
        ++sent.outstanding;
        sent.bytes += record.value.size();
        orders_.append.push_back({ticket, std::move(record)});
    }
    bytes_ += sent.bytes;
    sent_.push_back(std::move(sent));
    if (bytes_ < options_.bytes_max) return;
    full_ = true;
    orders_.stop_ledger = true;
}

void EventExport::on_stored(std::uint64_t ticket, bool ok) {
    if (ok) ++stored_;
    if (ticket < first_ticket_ || ticket - first_ticket_ >= sent_.size()) return;
    if (!ok) return on_trouble();
    --sent_[ticket - first_ticket_].outstanding;
    settle();
}

void EventExport::settle() {
    if (stage_ != Stage::walking) return;
    while (!sent_.empty() && sent_.front().outstanding == 0) {
        exported_ = {sent_.front().offset, std::move(sent_.front().digest)};
        bytes_ -= sent_.front().bytes;
        sent_.pop_front();
        ++first_ticket_;
    }
    exported_before_ = sent_.empty() ? next_ : sent_.front().offset;
    if (!full_ || bytes_ > options_.bytes_max / 2) return;
    full_ = false;
    orders_.read_ledger_from = next_;
}

}  // namespace tocsin::runtime
