#include "trigger/rule_watch.hpp"

#include "runtime/host/retired_gauge.hpp"

namespace tocsin::trigger {
namespace {

// By then the alert has been seen often enough.
constexpr std::chrono::hours refused_shown{24};

prometheus::Labels labels_of(const std::string& realm, const std::string& rule) {
    return {{"realm", realm}, {"rule", rule}};
}

}  // namespace

RuleWatch::RuleWatch(runtime::Metrics& metrics, const TriggerView& view, const Heard& heard)
    : metrics_(metrics), view_(view), heard_(heard) {}

void RuleWatch::look(bool ready, Time now) {
    std::set<Key> on;
    view_.each_realm([&](const std::string& name, const Realm& realm) {
        refused(name).Set(static_cast<double>(realm.refused(now - refused_shown)));
        realm.state().rules.ascend(nullptr, [&](const std::string& id, const RuleState& rule) {
            if (!rule.rule.active()) return true;
            // Its newest reading says whether there is data; a copy of all takes long.
            const Standing standing =
                standing_now(rule, heard_.newest(name, rule.rule.source_id(), rule.rule.series()),
                             realm.state().sources.find(rule.rule.source_id()), now);
            const bool silent = standing.state == v1::RULE_STATE_WITHOUT_DATA;
            without_data({name, id}).Set(silent && ready ? 1 : ready ? 0 : runtime::not_known);
            on.emplace(name, id);
            return true;
        });
    });
    for (const Key& rule : shown_)
        if (!on.contains(rule))
            runtime::retire_gauge(metrics_, "tocsin_trigger_rule_without_data",
                                  labels_of(rule.first, rule.second));
    shown_ = std::move(on);
}

prometheus::Gauge& RuleWatch::without_data(const Key& rule) {
    return metrics_.gauge("tocsin_trigger_rule_without_data",
                          "1 if the series of a rule has no usable reading (none, too old, another "
                          "unit or sensor), else 0; NaN: unknown to this instance.",
                          labels_of(rule.first, rule.second));
}

prometheus::Gauge& RuleWatch::refused(const std::string& realm) {
    return metrics_.gauge("tocsin_trigger_crossings_refused",
                          "Crossings of the last day for which drafting made no message.",
                          {{"realm", realm}});
}

}  // namespace tocsin::trigger
