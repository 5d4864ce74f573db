#include "sim/line_gauges.hpp"

#include "runtime/ledger/record.hpp"
#include "sim/line_world.hpp"
#include "trigger/decider.hpp"

#include <algorithm>

namespace tocsin::sim {

using runtime::to_proto;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

static constexpr double threshold = 850;
static constexpr std::size_t rows_max = 160;

// What there was before anybody asked: a flood of two days ago, and one of just now maybe.
void LineGauges::begin(Gauge& gauge) {
    const Time now = world_.now();
    for (int i = 0; i < 5; ++i) gauge.file[now - hours(50) + seconds(10 * i)] = i == 2 ? 900 : 700;
    gauge.file[now - hours(26)] = 870;
    gauge.mood = world_.chance(.3) ? Mood::high : Mood::low;
    gauge.mood_until = now - seconds(world_.below(100));
    gauge.measured_at = now - seconds(150);
}

double LineGauges::dance(double about, int by) { return about + world_.below(2 * by + 1) - by; }

void LineGauges::measure(Gauge& gauge, Time at) {
    if (at >= gauge.mood_until) {
        static constexpr Mood moods[] = {Mood::low,    Mood::low,  Mood::rises, Mood::rises,
                                         Mood::dances, Mood::high, Mood::falls, Mood::silent};
        gauge.mood = moods[world_.below(8)];
        gauge.mood_until = at + seconds(5 + world_.below(40));
    }
    switch (gauge.mood) {
        case Mood::low:
            gauge.level = dance(700, 60);
            break;
        case Mood::rises:
            gauge.level = std::min(gauge.level + 20 + world_.below(60), 1000.0);
            break;
        case Mood::dances:
            gauge.level = dance(threshold - 15, 60);
            break;
        case Mood::high:
            gauge.level = dance(threshold + 60, 60);
            break;
        case Mood::falls:
            gauge.level = std::max(gauge.level - 10 - world_.below(60), 650.0);
            break;
        case Mood::silent:
            return;
    }
    // One for the wrong moment may come as well.
    (world_.chance(.12) ? gauge.late : gauge.file)[at] = gauge.level;
}

void LineGauges::flow(Gauge& gauge) {
    while (gauge.measured_at < world_.now()) {
        measure(gauge, gauge.measured_at);
        gauge.measured_at += milliseconds(500 * (1 + world_.below(8)));
        // Nobody was at home for a while.
        if (world_.chance(.02)) gauge.measured_at += seconds(10 + world_.below(50));
    }
}

void LineGauges::publish(Gauge& gauge) {
    if (world_.chance(.2)) gauge.file.merge(std::exchange(gauge.late, {}));
    if (world_.chance(.15)) correct(gauge);
    // A clock is a little ahead, or far too much.
    if (world_.chance(.02)) gauge.file[world_.now() + seconds(1 + world_.below(20))] = 900;
    while (gauge.file.size() > rows_max) gauge.file.erase(gauge.file.begin());
}

// Any of the last rows, rather one that somebody was alarmed by.
void LineGauges::correct(Gauge& gauge) {
    if (gauge.file.empty()) return;
    const auto back = std::min<std::size_t>(gauge.file.size(), 12);
    auto row = std::prev(gauge.file.end(), 1 + world_.below(static_cast<int>(back)));
    const auto& alarming = world_.readings().crossed_lately();
    if (!alarming.empty() && world_.chance(.4))
        if (const auto found = gauge.file.find(alarming.back()); found != gauge.file.end())
            row = found;
    if (world_.chance(.1))
        gauge.file.erase(row);
    else
        row->second = dance(threshold, 150);
}

void LineGauges::act() {
    Gauge& gauge = gauges_[world_.chance(.8) ? 0 : 1];
    if (gauge.measured_at == Time{}) begin(gauge);
    if (!sent_.empty() && world_.chance(.15)) {
        // From Kafka once more, or by somebody who is late.
        const auto recent = std::min<std::size_t>(sent_.size(), world_.chance(.7) ? 4 : 40);
        return put(trigger::v1::Readings(
            sent_[sent_.size() - 1 -
                  static_cast<std::size_t>(world_.below(static_cast<int>(recent)))]));
    }
    flow(gauge);
    publish(gauge);
    Poller& poller = pollers_[world_.chance(.8) ? 0 : 1];
    if (world_.chance(.03)) poller = {};
    // An answer may be an old one, or half of one.
    File file = gauge.file;
    if (world_.chance(.08) && !gauge.earlier.empty()) file = gauge.earlier;
    if (world_.chance(.1)) std::erase_if(file, [&](const auto&) { return world_.chance(.3); });
    if (world_.chance(.2)) gauge.earlier = gauge.file;
    poll(gauge, poller, std::move(file));
}

void LineGauges::finish() {
    for (Gauge& gauge : gauges_) {
        if (gauge.measured_at == Time{}) continue;
        flow(gauge);
        gauge.file.merge(std::exchange(gauge.late, {}));
        pollers_[0] = {};
        poll(gauge, pollers_[0], gauge.file);
    }
}

void LineGauges::poll(const Gauge& gauge, Poller& poller, File file) {
    if (file.empty()) return;
    const auto& state = world_.state<trigger::Decider>("trigger");
    runtime::Duration needed{0};
    std::int64_t rules = 0;
    if (const auto* watching = state.watching.find({line_source, gauge.series}))
        for (const std::string& id : *watching) {
            const trigger::RuleState& rule = *state.rules.find(id);
            needed = std::max(needed, trigger::window_needed(rule.rule));
            rules += rule.version;
        }
    File& known = poller.known[gauge.series];
    const auto sent = poller.sent_of.find(gauge.series);
    const bool first = sent == poller.sent_of.end() || sent->second != rules;
    const bool news = std::ranges::any_of(file, [&](const auto& row) {
        const auto found = known.find(row.first);
        return found == known.end() || found->second != row.second;
    });
    if (!news && !first) return;
    for (const auto& [at, value] : file) known[at] = value;
    const Time newest = std::min(known.rbegin()->first, world_.now());
    if (!first) {
        const auto kept = known.lower_bound(newest - needed);
        if (kept != known.begin()) known.erase(known.begin(), std::prev(kept));
    }
    poller.sent_of[gauge.series] = rules;
    put(record_of(gauge.series, known));
}

trigger::v1::Readings LineGauges::record_of(const std::string& series, const File& file) {
    trigger::v1::Readings readings;
    readings.set_source_id(line_source);
    readings.set_address(1);
    readings.set_series(series);
    readings.set_unit(world_.chance(.02) ? "ft3/s" : "m3/s");
    const auto add = [&](Time at, double value) {
        auto& reading = *readings.add_readings();
        *reading.mutable_read_at() = to_proto(at);
        reading.set_value(value);
    };
    for (const auto& [at, value] : file) add(at, value);
    // No poller lets this pass; whoever decides does not rely on that.
    if (world_.chance(.03)) add(world_.now() + seconds(301 + world_.below(400)), 950);
    for (int i = readings.readings_size() - 1; i > 0 && world_.chance(.3); --i)
        readings.mutable_readings()->SwapElements(i, world_.below(i));
    return readings;
}

void LineGauges::put(const trigger::v1::Readings& readings) {
    runtime::Submission submission;
    submission.asking = {line_realm, "service:trigger", "", {"service"}, ""};
    submission.expires_at = submission.sent_at = world_.now();
    submission.body = readings.SerializeAsString();
    LineService& service = world_.of("trigger");
    const std::int64_t offset = service.put_reading(
        runtime::command_bytes(submission, service.stream_seal(), world_.keys().newest()));
    world_.readings().stored(offset, world_.now(), readings);
    sent_.push_back(readings);
}

}  // namespace tocsin::sim
