#include "sim/fake_kafka.hpp"

#include "sim/fake_handles.hpp"

#include <algorithm>

namespace tocsin::sim {

using runtime::Stored;

FakeKafka::Faults usual_faults(double trouble) {
    FakeKafka::Faults faults;
    faults.delay_max = milliseconds(40);
    faults.lost = .02 * trouble;
    faults.doubled = .05 * trouble;
    faults.ack_lost = .03 * trouble;
    faults.late = .04 * trouble;
    faults.out_of_order = .1 * trouble;
    faults.refused = .01 * trouble;
    faults.full = .01 * trouble;
    faults.unanswered = .03 * trouble;
    faults.lagging = .1;
    return faults;
}

std::unique_ptr<FakeConnection> FakeKafka::connect() {
    return std::make_unique<FakeConnection>(*this);
}

bool FakeKafka::chance(double probability) {
    return probability > 0 && static_cast<double>(random_() >> 11) * 0x1.0p-53 < probability;
}

milliseconds FakeKafka::below(milliseconds bound) {
    return milliseconds(random_() % static_cast<std::uint64_t>(bound.count() + 1));
}

milliseconds FakeKafka::delay() {
    return faults.delay_min + below(faults.delay_max - faults.delay_min);
}

// Of one writer and partition in order, unless it is drawn that it is not.
void FakeKafka::send(Parcel parcel) {
    const Tick now = clock_.tick();
    report(parcel, now + faults.message_timeout, {});
    if (refused_topics.contains(parcel.to.first) || chance(faults.refused))
        return report(parcel, now + delay(), {});
    if (chance(faults.lost)) return;
    const auto slow = slow_topics.find(parcel.to.first);
    Tick arrival = now + delay() + (slow == slow_topics.end() ? milliseconds(0) : slow->second);
    if (chance(faults.late)) {
        report(parcel, arrival, {});
        on_its_way_.emplace(arrival + below(faults.late_max), std::move(parcel));
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
    if (missing.contains(parcel.to)) {
        stored.kind = Stored::Kind::missing;
        return report(parcel, back, stored);
    }
    if (parcel.record.value.size() > stored_bytes_max) {
        stored.kind = Stored::Kind::too_large;
        return report(parcel, back, stored);
    }
    if (chance(faults.doubled)) land(parcel.to, parcel.record);
    stored.kind = Stored::Kind::stored;
    stored.offset = land(parcel.to, std::move(parcel.record));
    stored.stored_at = std::chrono::floor<milliseconds>(clock_.now() + clock_skew);
    if (parcel.acknowledged) report(parcel, back, stored);
}

std::int64_t FakeKafka::land(const Place& to, Record record) {
    Log& log = logs_[to];
    record.stored_at = std::chrono::floor<milliseconds>(clock_.now() + clock_skew);
    record.visible_at = clock_.tick() + delay();
    // What was fetched is fetched in order.
    if (!log.records.empty())
        record.visible_at = std::max(record.visible_at, log.records.back().visible_at);
    visible_.emplace(record.visible_at, &log);
    log.records.push_back(std::move(record));
    const std::int64_t offset = log.end() - 1;
    landed(to, offset);
    return offset;
}

void FakeKafka::wake_at(Tick tick, std::shared_ptr<FakePulse> pulse) {
    wakes_.emplace(tick, std::move(pulse));
}

void FakeKafka::advance() {
    const Tick now = clock_.tick();
    while (!on_its_way_.empty() && on_its_way_.begin()->first <= now)
        arrive(std::move(on_its_way_.extract(on_its_way_.begin()).mapped()));
    while (!reports_.empty() && reports_.begin()->first <= now) {
        Report told = std::move(reports_.extract(reports_.begin()).mapped());
        if (!told.to->waiting.contains(told.ticket)) continue;
        told.to->reported.emplace_back(told.ticket, told.stored);
        told.to->pulse->woken = true;
    }
    for (; !visible_.empty() && visible_.begin()->first <= now; visible_.erase(visible_.begin()))
        for (FakeReader* reader : readers_) reader->wake_if_it_reads(*visible_.begin()->second);
    for (; !wakes_.empty() && wakes_.begin()->first <= now; wakes_.erase(wakes_.begin()))
        wakes_.begin()->second->woken = true;
}

std::optional<Tick> FakeKafka::next() const {
    Tick next = Tick::max();
    if (!on_its_way_.empty()) next = std::min(next, on_its_way_.begin()->first);
    if (!reports_.empty()) next = std::min(next, reports_.begin()->first);
    if (!visible_.empty()) next = std::min(next, visible_.begin()->first);
    if (!wakes_.empty()) next = std::min(next, wakes_.begin()->first);
    if (next == Tick::max()) return std::nullopt;
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
    for (FakeReader* reader : readers_) reader->wake();
}

void FakeKafka::hurry() {
    const Tick now = clock_.tick();
    while (!on_its_way_.empty() && on_its_way_.rbegin()->first > now) {
        auto last = on_its_way_.extract(std::prev(on_its_way_.end()));
        last.key() = now;
        on_its_way_.insert(std::move(last));
    }
}

void FakeKafka::cut_off(const std::shared_ptr<FakePulse>& pulse) {
    if (faults.late <= 0) return;
    std::vector<Parcel> late;
    for (auto place = on_its_way_.begin(); place != on_its_way_.end();) {
        if (place->second.from->pulse != pulse) {
            ++place;
            continue;
        }
        late.push_back(std::move(place->second));
        place = on_its_way_.erase(place);
    }
    for (Parcel& parcel : late)
        on_its_way_.emplace(clock_.tick() + below(faults.late_max), std::move(parcel));
}

void FakeKafka::lose_tail(const std::string& topic, int partition, std::int64_t count) {
    auto& records = log(topic, partition).records;
    records.erase(records.end() - std::min<std::ptrdiff_t>(count, std::ssize(records)),
                  records.end());
    for (FakeReader* reader : readers_) reader->wake();
}

std::int64_t FakeKafka::Log::named_end(Tick now) const {
    for (const auto& [until, offset] : behind)
        if (now < until) return std::clamp(offset, low, end());
    return end();
}

void FakeKafka::fall_behind(const std::string& topic, int partition, int count, int steps,
                            milliseconds each) {
    Log& there = log(topic, partition);
    const Tick now = clock_.tick();
    if (!there.behind.empty() && now < there.behind.back().first + std::chrono::seconds(5)) return;
    there.behind.clear();
    for (int step = 0; step < steps; ++step) {
        const Tick until = now + (step + 1) * each;
        there.behind.emplace_back(until, there.end() - count + count * step / steps);
        visible_.emplace(until, &there);
    }
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
