// readings.rate: how many readings a second a thousand rules are held against, one series each,
// from the topic of the stream; beside reading the same topic alone.
#include "bench/benchmarks.hpp"
#include "bench/city.hpp"
#include "bench/floor.hpp"
#include "bench/pen.hpp"
#include "runtime/host/clock.hpp"
#include "runtime/ledger/record.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/ledger/view.hpp"
#include "tocsin/ledger/v1/ledger.pb.h"
#include "trigger/decider.hpp"
#include "trigger/event.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

namespace tocsin::bench {

using runtime::to_proto;

static constexpr int rules = 1'000;
// Six hours by the quarter of an hour, of which one is new in each record.
static constexpr int readings_a_record = 24;
static constexpr int rate_rounds = 5;

static std::string series_of(int rule) { return fmt::format("{:04}:level", rule); }

static trigger::State with_rules() {
    trigger::State state;
    const auto now = runtime::SystemClock().now();
    for (int i = 0; i < rules; ++i) {
        trigger::v1::Event event = trigger::event_of(fmt::format("high-{}", i));
        auto& rule = *event.mutable_rule_put()->mutable_rule();
        rule.set_rule_id(event.rule_id());
        rule.set_agency_id("city");
        rule.set_source_id("gauges");
        rule.set_series(series_of(i));
        rule.set_threshold(4);
        rule.set_hysteresis(0.2);
        rule.set_for_seconds(1800);
        rule.set_active(true);
        trigger::Decider::evolve(state, event, now);
    }
    return state;
}

// A wave of a day's length over each series, with another beginning for each.
static void write_readings(const Stage& stage, const std::string& topic, int partition,
                           int records) {
    const runtime::WorldKeys keys({stage.mac_key()});
    const runtime::Seal seal(keys, topic, runtime::RecordKind::reading);
    const auto now = runtime::SystemClock().now();
    Pen pen(stage);
    for (int i = 0; i < records; ++i) {
        const int rule = i % rules;
        trigger::v1::Readings body;
        body.set_source_id("gauges");
        body.set_address(1);
        body.set_series(series_of(rule));
        body.set_unit("m");
        for (int k = 0; k < readings_a_record; ++k) {
            const int step = i / rules + k;
            auto& reading = *body.add_readings();
            *reading.mutable_read_at() = to_proto(
                now - std::chrono::minutes{15 * (readings_a_record + records / rules - step)});
            reading.set_value(3 + 1.5 * std::sin((step + rule) / 15.0));
        }
        runtime::Submission submission;
        submission.asking = {realm, "service:trigger", "", {}, ""};
        submission.sent_at = now;
        submission.body = body.SerializeAsString();
        pen.append(topic, partition, realm,
                   runtime::command_bytes(submission, seal, keys.newest()));
    }
    pen.finish();
}

std::vector<Figure> readings_rate(Stage& stage) {
    stage.clear();
    stage.create_topics("live", "trigger", {"readings"});
    const std::string topic = runtime::stream_topic("live", "trigger", "readings");
    const int partition = runtime::partition_of(realm, Stage::partitions);
    const int records = stage.dose(100 * rules, 2 * rules);
    write_readings(stage, topic, partition, records);
    const runtime::WorldKeys keys({stage.mac_key()});
    const runtime::Seal seal(keys, topic, runtime::RecordKind::reading);
    const double readings = static_cast<double>(records) * readings_a_record;
    std::vector<double> alone, weighed;
    for (int round = 0; round < stage.dose(rate_rounds, 1); ++round) {
        auto begin = Clock::now();
        if (std::ssize(records_from(stage.kafka(), {topic, partition}, 0)) != records)
            throw std::runtime_error("not all readings are there");
        alone.push_back(readings / seconds_since(begin));
        trigger::State state = with_rules();
        std::int64_t crossings = 0;
        begin = Clock::now();
        for (const std::string& bytes : records_from(stage.kafka(), {topic, partition}, 0)) {
            const auto body = seal.open(bytes);
            ledger::v1::CommandRecord record;
            if (!body || !record.ParseFromArray(body->data(), static_cast<int>(body->size())))
                throw std::runtime_error("a reading is not as it was written");
            const auto now = runtime::SystemClock().now();
            const auto happened = trigger::Decider::react(
                state, {topic, "trigger", record.realm(), 0, now, {record.body()}}, now);
            if (!happened) continue;
            for (const trigger::v1::Event& event : happened->events) {
                trigger::Decider::evolve(state, event, now);
                crossings += event.has_rule_crossed() ? 1 : 0;
            }
        }
        weighed.push_back(readings / seconds_since(begin));
        say(fmt::format("readings.rate: {:.0f}/s, {:.0f}/s alone; {} crossings", weighed.back(),
                        alone.back(), crossings));
    }
    return {more_is_better("readings.rate", median(weighed), median(alone), "1/s",
                           "reading the same topic alone", 5)};
}

}  // namespace tocsin::bench
