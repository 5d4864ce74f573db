// A rule on the Bow River, the readings that come in, and what the rule makes of them in short
// words.
#pragma once

#include "support/given.hpp"
#include "trigger/decider.hpp"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::trigger::cases {

using testing::at;
using testing::Given;

inline constexpr int hour = 3600;
inline constexpr int day = 24 * hour;

inline v1::Event source_put() {
    v1::Event event;
    auto& source = *event.mutable_source_put()->mutable_source();
    source.set_source_id("bow");
    source.set_agency_id("calgary");
    source.set_format("eccc-csv");
    source.set_active(true);
    return event;
}

struct Watch {
    double hysteresis = 0;
    double for_seconds = 0;
    double cooldown_seconds = 0;
    double max_age_seconds = 86400;
    double max_gap_seconds = 3600;
    std::string unit = "";
    double threshold = 1000;
};

inline v1::Event rule_put(const Watch& watch = {}) {
    v1::Event event = event_of("bow-high");
    auto& rule = *event.mutable_rule_put()->mutable_rule();
    rule.set_rule_id("bow-high");
    rule.set_agency_id("calgary");
    rule.set_source_id("bow");
    rule.set_series("05BH004:discharge");
    rule.set_threshold(watch.threshold);
    rule.set_hysteresis(watch.hysteresis);
    rule.set_for_seconds(watch.for_seconds);
    rule.set_cooldown_seconds(watch.cooldown_seconds);
    rule.set_max_age_seconds(watch.max_age_seconds);
    rule.set_max_gap_seconds(watch.max_gap_seconds);
    rule.set_unit(watch.unit);
    rule.set_template_id("river-high");
    rule.set_incident_id("flood");
    rule.set_active(true);
    rule.set_time_zone("America/Edmonton");
    return event;
}

inline v1::Command put_as(const v1::Event& event) {
    const v1::Rule& rule = event.rule_put().rule();
    v1::Command command;
    auto& put = *command.mutable_put_rule();
    put.set_rule_id(rule.rule_id());
    put.set_source_id(rule.source_id());
    put.set_series(rule.series());
    put.set_threshold(rule.threshold());
    put.set_hysteresis(rule.hysteresis());
    put.set_for_seconds(rule.for_seconds());
    put.set_cooldown_seconds(rule.cooldown_seconds());
    put.set_max_age_seconds(rule.max_age_seconds());
    put.set_max_gap_seconds(rule.max_gap_seconds());
    put.set_unit(rule.unit());
    put.set_template_id(rule.template_id());
    put.set_incident_id(rule.incident_id());
    put.set_time_zone(rule.time_zone());
    return command;
}

inline Given<Decider> watching(const Watch& watch = {}) {
    Given<Decider> given({source_put(), rule_put(watch)});
    given.by("dora", "calgary", {"duty-officer"});
    return given;
}

// A reading: seconds after the start, and a value.
using Brought = std::vector<std::pair<int, double>>;

struct From {
    std::string series = "05BH004:discharge";
    std::string unit = "m3/s";
    std::string sensor = "";
    std::int64_t address = 1;
};

// `withdrawn`: seconds at which the provider has no value any more.
inline runtime::Foreign readings(const Brought& brought, const From& from = {},
                                 const std::vector<int>& withdrawn = {}) {
    v1::Readings body;
    body.set_source_id("bow");
    body.set_address(from.address);
    body.set_series(from.series);
    body.set_unit(from.unit);
    body.set_sensor(from.sensor);
    for (const auto& [seconds, value] : brought) {
        auto& reading = *body.add_readings();
        *reading.mutable_read_at() = runtime::to_proto(at(seconds));
        reading.set_value(value);
    }
    for (const int seconds : withdrawn) *body.add_withdrawn() = runtime::to_proto(at(seconds));
    auto result = testing::foreign<v1::Readings>("trigger", "bow", {body}, at(10'000'000));
    result.topic = "tocsin.trigger.readings.v1";
    return result;
}

// Short words for the events, but for those that bind the series and note a wave that lasts; of
// crossings with their time.
inline std::string kinds(const Given<Decider>& given) {
    std::string all;
    const auto add = [&](const std::string& word) { all += (all.empty() ? "" : " ") + word; };
    const auto seconds = [](const content::v1::Evidence& evidence) {
        return std::chrono::round<std::chrono::seconds>(runtime::from_proto(evidence.read_at()) -
                                                        at(0))
            .count();
    };
    for (const auto& event : given.events()) {
        EXPECT_FALSE(event.rule_id().empty()) << event.ShortDebugString();
        if (event.has_rule_crossed())
            add(fmt::format("crossed@{}", seconds(event.rule_crossed().crossing().evidence(0))));
        else if (event.has_rule_reset() && event.rule_reset().crossing_id().empty())
            add(event.rule_reset().has_reading() ? "over" : "on");
        else if (event.has_rule_reset())
            add(event.rule_reset().has_reading() ? "reset" : "resumed");
        else if (event.has_crossing_suppressed())
            add("suppressed");
        else if (event.has_reading_passed()) {
            for (const auto& earlier : event.reading_passed().earlier())
                add(fmt::format("passed@{}", seconds(earlier)));
            add(fmt::format("passed@{}", seconds(event.reading_passed().reading())));
        } else if (event.has_evidence_revised())
            add(event.evidence_revised().revision().has_after() ? "revised" : "withdrawn");
        else if (event.has_crossing_retried())
            add("retried");
        else if (!event.has_series_bound() && !event.has_wave_lasted())
            add("other");
    }
    return all;
}

// One record after another, each at its time; what follows from all of them.
struct Record {
    Brought brought;
    int on = 0;  // seconds
    std::vector<int> withdrawn{};
};
inline void play(Given<Decider>& given, const std::vector<Record>& records, std::string& all) {
    for (const Record& record : records) {
        const std::string words =
            kinds(given.on(at(record.on)).when(readings(record.brought, {}, record.withdrawn)));
        if (!words.empty()) all += (all.empty() ? "" : " ") + words;
    }
}
inline std::string played(const Watch& watch, const std::vector<Record>& records) {
    auto given = watching(watch);
    std::string all;
    play(given, records, all);
    return all;
}

}  // namespace tocsin::trigger::cases
