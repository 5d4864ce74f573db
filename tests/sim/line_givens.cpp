// What there must be before anything is drafted, and who changes it.
#include "runtime/ledger/record.hpp"
#include "sim/line_world.hpp"
#include "trigger/decider.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::sim {

using runtime::to_proto;

void LinePeople::set_up() {
    if (world_.state<approval::Decider>("approval").roster.version == 0 &&
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
    const auto& channels = world_.state<publishing::Decider>("publishing").channels.by_id;
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
        put.set_source_id(line_source);
        put.set_format("eccc-csv");
        put.set_url("https://water.example.org");
        put.set_poll_seconds(60);
        ask("trigger", named("dan"), command);
    } else if (!triggers.sources.empty() && triggers.rules.size() < 2 && now_and_then("rule", 40)) {
        put_rule(fmt::format("high-{}", triggers.rules.size()), nullptr);
    }
}

void LinePeople::put_channel(const std::string& id, const std::string& kind) {
    const auto& channels = world_.state<publishing::Decider>("publishing").channels.by_id;
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
    const auto& channels = world_.state<publishing::Decider>("publishing").channels.by_id;
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

// Somebody edits a rule in the middle of it, in any of its terms, mistypes its template now and
// then, or takes it away for a while.
void LinePeople::change_rule() {
    const auto& rules = world_.state<trigger::Decider>("trigger").rules;
    const std::string id = fmt::format("high-{}", world_.below(2));
    const trigger::RuleState* known = rules.find(id);
    if (!known) return;
    if (known->rule.active() && world_.chance(.15)) {
        trigger::v1::Command command;
        command.mutable_remove_rule()->set_rule_id(id);
        return ask("trigger", named("dan"), command);
    }
    put_rule(id, &known->rule);
}

// All terms are of seconds to minutes, so that they show in the time of a run.
void LinePeople::put_rule(const std::string& id, const trigger::v1::Rule* known) {
    const auto change = [&] { return !known || world_.chance(.25); };
    const auto one_of = [&](std::initializer_list<double> values) {
        return values.begin()[world_.below(static_cast<int>(values.size()))];
    };
    trigger::v1::Command command;
    auto& put = *command.mutable_put_rule();
    put.set_rule_id(id);
    put.set_source_id(line_source);
    put.set_series(known ? known->series() : line_series[0]);
    if (known && world_.chance(.08))
        put.set_series(line_series[static_cast<std::size_t>(world_.below(2))]);
    put.set_threshold(known ? known->threshold() : 850);
    if (known && world_.chance(.12)) put.set_threshold(one_of({800, 850, 900}));
    put.set_hysteresis(change() ? one_of({0, 20, 50, 100}) : known->hysteresis());
    put.set_for_seconds(change() ? one_of({0, 0, 5, 12, 25}) : known->for_seconds());
    put.set_cooldown_seconds(change() ? one_of({0, 10, 40, 100}) : known->cooldown_seconds());
    put.set_max_age_seconds(change() ? one_of({20, 40, 90}) : known->max_age_seconds());
    put.set_max_gap_seconds(change() ? one_of({3, 6, 15, 30}) : known->max_gap_seconds());
    put.set_unit(known && world_.chance(.7) ? known->unit() : world_.chance(.5) ? "m3/s" : "");
    put.set_template_id(known && world_.chance(.2) ? "flod" : "flood");
    put.set_incident_id(first_incident());
    put.set_time_zone(world_.chance(.5) ? "UTC" : "America/Edmonton");
    ask("trigger", named("dan"), command);
}

}  // namespace tocsin::sim
