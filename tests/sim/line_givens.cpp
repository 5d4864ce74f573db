// What there must be before anything is drafted, and the river.
#include "runtime/record.hpp"
#include "sim/line_world.hpp"
#include "trigger/decider.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

using runtime::to_proto;
using std::chrono::seconds;

void LinePeople::set_up() {
    if (world_.state<approval::Decider>("approval").roster_version == 0 &&
        now_and_then("roster", 40)) {
        approval::v1::Command command;
        *command.mutable_import_roster()->mutable_roster() = roster();
        ask("approval", named("root"), command);
    }
    const auto& drafted = world_.state<drafting::Decider>("drafting");
    if (!drafted.incidents.contains(first_incident()) && now_and_then("incident", 40)) {
        drafting::v1::Command command;
        command.mutable_create_incident()->set_kind("flood");
        command.mutable_create_incident()->set_title("The Bow rises");
        command.mutable_create_incident()->add_agencies("alberta");
        // Takes part, and no message names it.
        command.mutable_create_incident()->add_agencies("banff");
        ask("drafting", named("ana"), command);
    }
    if (drafted.templates.empty() && now_and_then("template", 40)) {
        drafting::v1::Command command;
        auto& put = *command.mutable_put_template();
        put.set_template_id("flood");
        *put.mutable_draft() = draft_of(0, world_.now(), false);
        put.mutable_draft()->clear_expires();
        for (auto& text : *put.mutable_draft()->mutable_texts())
            text.set_description(text.description() + " {{value}}");
        put.set_expires_after_seconds(7200);
        ask("drafting", named("ana"), command);
    }
    const auto& channels = world_.state<publishing::Decider>("publishing").channels;
    for (const char* admin : {"root", "rita"}) {
        const std::string id = "feed-" + named(admin).agency;
        if (channels.contains(id) || !now_and_then(id, 40)) continue;
        publishing::v1::Command command;
        command.mutable_put_channel()->set_channel_id(id);
        command.mutable_put_channel()->set_kind("feed");
        command.mutable_put_channel()->set_name(id);
        ask("publishing", named(admin), command);
    }
    put_channel("hook", "webhook");
    put_channel("toot", "mastodon");
    const auto& triggers = world_.state<trigger::Decider>("trigger");
    trigger::v1::Command command;
    if (triggers.sources.empty() && now_and_then("source", 40)) {
        auto& put = *command.mutable_put_source();
        put.set_source_id("bow");
        put.set_format("eccc-csv");
        put.set_url("https://water.example.org");
        put.set_poll_seconds(60);
        ask("trigger", named("dan"), command);
    } else if (!triggers.sources.empty() && triggers.rules.size() < 2 && now_and_then("rule", 40)) {
        auto& put = *command.mutable_put_rule();
        put.set_rule_id(fmt::format("high-{}", triggers.rules.size()));
        put.set_source_id("bow");
        put.set_series("05BH004:discharge");
        put.set_threshold(850);
        put.set_hysteresis(50);
        put.set_for_seconds(triggers.rules.empty() ? 0 : 40);
        put.set_cooldown_seconds(200);
        put.set_template_id("flood");
        put.set_incident_id(first_incident());
        ask("trigger", named("dan"), command);
    }
}

void LinePeople::put_channel(const std::string& id, const std::string& kind) {
    const auto& channels = world_.state<publishing::Decider>("publishing").channels;
    if (channels.contains(id) || !now_and_then(id, 40)) return;
    publishing::v1::Command command;
    auto& put = *command.mutable_put_channel();
    put.set_channel_id(id);
    put.set_kind(kind);
    put.set_name(id);
    put.set_url(fmt::format("https://{}.example.org", id));
    put.set_credential(id);
    ask("publishing", named("root"), command);
}

// Somebody leaves or comes back, or has one role more or less, whatever is in review.
void LinePeople::change_roster() {
    approval::v1::Command command;
    *command.mutable_import_roster()->mutable_roster() = roster(world_.below(roster_changes));
    ask("approval", named(world_.chance(.8) ? "root" : "olga"), command);
}

// It is put again soon (set_up), maybe with fewer languages; what was planned for it goes on.
void LinePeople::change_channel() {
    static constexpr const char* ids[] = {"hook", "toot", "feed-calgary"};
    const std::string id = ids[world_.below(3)];
    const auto& channels = world_.state<publishing::Decider>("publishing").channels;
    const auto found = channels.find(id);
    if (found == channels.end()) return;
    publishing::v1::Command command;
    if (world_.chance(.5)) {
        command.mutable_remove_channel()->set_channel_id(id);
    } else {
        auto& put = *command.mutable_put_channel();
        put.set_channel_id(id);
        put.set_kind(found->second.channel.kind());
        put.set_name(id + " again");
        put.set_url(found->second.channel.url());
        put.set_credential(found->second.channel.credential());
        if (world_.chance(.5)) put.add_languages("en-CA");
    }
    ask("publishing", named(world_.chance(.8) ? "root" : "olga"), command);
}

// Somebody edits a rule in the middle of it, and mistypes its template now and then.
void LinePeople::change_rule() {
    const auto& rules = world_.state<trigger::Decider>("trigger").rules;
    const std::string id = fmt::format("high-{}", world_.below(2));
    const trigger::RuleState* known = rules.find(id);
    if (!known) return;
    const trigger::v1::Rule& rule = known->rule;
    trigger::v1::Command command;
    auto& put = *command.mutable_put_rule();
    put.set_rule_id(id);
    put.set_source_id(rule.source_id());
    put.set_series(rule.series());
    put.set_threshold(rule.threshold());
    put.set_hysteresis(world_.chance(.5) ? rule.hysteresis() : 40 + world_.below(20));
    put.set_for_seconds(rule.for_seconds());
    put.set_cooldown_seconds(rule.cooldown_seconds());
    put.set_template_id(world_.chance(.3) ? "flod" : "flood");
    put.set_incident_id(rule.incident_id());
    put.set_time_zone(world_.chance(.5) ? "UTC" : "America/Edmonton");
    ask("trigger", named("dan"), command);
}

// The gauge wanders, and a poller brings its readings: late, twice, out of order and corrected,
// each record with what is known of the time before.
void LinePeople::measure_water() {
    if (!readings_.empty() && world_.chance(.2)) {
        const auto which = world_.below(static_cast<int>(readings_.size()));
        return world_.of("trigger").put_reading(readings_[static_cast<std::size_t>(which)]);
    }
    for (int i = 1 + world_.below(3); i > 0; --i) {
        level_ = std::clamp(level_ + world_.below(401) - 200, 500.0, 1200.0);
        const Time read_at = world_.now() - seconds(i);
        (world_.chance(.15) ? late_ : water_)[read_at] = level_;
    }
    if (world_.chance(.2)) water_.merge(late_);
    if (!water_.empty() && world_.chance(.1)) water_.rbegin()->second += world_.below(301) - 150;
    constexpr std::size_t known_max = 40;
    while (water_.size() > known_max) water_.erase(water_.begin());
    trigger::v1::Readings readings;
    readings.set_source_id("bow");
    readings.set_address(1);
    readings.set_series("05BH004:discharge");
    readings.set_unit("m3/s");
    for (const auto& [read_at, value] : water_) {
        auto& reading = *readings.add_readings();
        *reading.mutable_read_at() = to_proto(read_at);
        reading.set_value(value);
    }
    for (int i = readings.readings_size() - 1; i > 0 && world_.chance(.3); --i)
        readings.mutable_readings()->SwapElements(i, world_.below(i));
    readings_.push_back(value_of({"service:trigger", "", {"service"}}, "",
                                 readings.SerializeAsString(), world_.now(),
                                 world_.of("trigger").stream_seal()));
    world_.of("trigger").put_reading(readings_.back());
}

}  // namespace tocsin::sim
