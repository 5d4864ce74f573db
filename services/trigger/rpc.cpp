#include "trigger/rpc.hpp"

#include "runtime/host/clock.hpp"

#include "runtime/edge/page.hpp"
#include "trigger/rule_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace tocsin::trigger {

using runtime::Caller;

// Not the decider's business: it is this process that polls.
static std::optional<grpc::Status> require_patient_polls(const v1::PutSourceRequest& request,
                                                         double least) {
    if (request.poll_seconds() >= least) return std::nullopt;
    return runtime::status_of(
        {runtime::Because::invalid_argument, "polls_too_often",
         fmt::format("a source is polled at most once in {} s; give poll_seconds of at least that",
                     least),
         "poll_seconds"});
}

// A rule whose source has brought no reading yet waits for its first poll, and is taken unchecked
// where that brings none: its state shows then what is missing.
std::optional<grpc::Status> TriggerRpc::require_sound_rule(const runtime::Rpc::Asked& asked,
                                                           const v1::PutRuleRequest& put) const {
    const Caller& caller = asked.caller;
    return view_.read(caller.realm, [&](const Realm& realm) -> std::optional<grpc::Status> {
        RuleCheck checked = check_rule(caller, realm, heard_, put, runtime::system_now());
        if (!checked.unheard) return std::move(checked.refused);
        const v1::Source& source = realm.state().sources.find(put.source_id())->source;
        if (!FirstPoll(asked.since, asked.left)
                 .may_come(health_.report(caller.realm, source, runtime::system_now()),
                           std::chrono::steady_clock::now()))
            return std::nullopt;
        return runtime::edge_status(
            "unavailable",
            "the source has not brought anything yet; repeat exactly the same request");
    });
}

void TriggerRpc::add_series(const std::string& of_realm, const Realm& realm,
                            v1::SourceHealth& row) const {
    const std::string& source_id = row.source().source_id();
    for (const auto& [name, needed] : realm.watched(source_id)) {
        v1::SeriesHealth& added = *row.add_series();
        added.set_series(name);
        const auto series = heard_.series(of_realm, source_id, name);
        if (!series || series->readings.empty()) {
            added.set_stale(row.stale());
            continue;
        }
        *added.mutable_last_reading() = newest_of(source_id, name, *series);
        const auto age = runtime::system_now() - series->readings.back().read_at;
        added.set_stale(series->missing_since.has_value() ||
                        static_cast<double>(age.count()) / 1e6 > row.source().stale_seconds());
    }
}

grpc::Status TriggerRpc::list_sources(const Caller& caller, const Realm& realm,
                                      const v1::ListSourcesRequest& in,
                                      v1::ListSourcesResponse& out) const {
    return runtime::answer_page(in, out, *out.mutable_sources(), [&](auto& page) {
        const auto add = [&](const std::string& id, const SourceState& known) {
            return page.add(id, [&](v1::SourceHealth& row) {
                row = health_.report(caller.realm, known.source, runtime::system_now());
                add_series(caller.realm, realm, row);
            });
        };
        realm.state().sources.ascend(page.after(), add);
    });
}

grpc::Status TriggerRpc::list_rules(const Caller& caller, const Realm& realm,
                                    const v1::ListRulesRequest& in,
                                    v1::ListRulesResponse& out) const {
    return runtime::answer_page(in, out, *out.mutable_rules(), [&](auto& page) {
        const auto add = [&](const std::string& id, const RuleState& rule) {
            return page.add(id, [&](v1::RuleStatus& row) {
                row = status_of(
                    rule, heard_.series(caller.realm, rule.rule.source_id(), rule.rule.series()),
                    realm.state().sources.find(rule.rule.source_id()), runtime::system_now());
                if (!rule.fired.empty())
                    row.set_refused(realm.refusal_of(rule.fired.back().crossing_id));
            });
        };
        realm.state().rules.ascend(page.after(), add);
    });
}

static grpc::Status list_crossings(const Caller&, const Realm& realm,
                                   const v1::ListCrossingsRequest& in,
                                   v1::ListCrossingsResponse& out) {
    return runtime::answer_page(in, out, *out.mutable_crossings(), [&](auto& page) {
        realm.crossings(page.after_place(), [&](std::int64_t number, const auto& crossing) {
            return page.add(number, [&](v1::Crossing& row) { row = realm.shown(crossing.get()); });
        });
    });
}

TriggerRpc::TriggerRpc(runtime::Rpc& rpc, const TriggerView& view, const HealthBook& health,
                       const Heard& heard, double poll_seconds_least)
    : Edge(rpc), view_(view), health_(health), heard_(heard) {
    check<v1::PutSourceRequest>([poll_seconds_least](const auto&, const auto& put) {
        return require_patient_polls(put, poll_seconds_least);
    });
    // Longer than that waits, which ends in a decision.
    static_assert(FirstPoll::patience >= runtime::Rpc::patience);
    check<v1::PutRuleRequest>(
        [this](const auto& asked, const auto& put) { return require_sound_rule(asked, put); },
        FirstPoll::patience + std::chrono::milliseconds{500});
    read(view_,
         [this](const Caller& caller, const Realm& realm, const v1::ListSourcesRequest& in,
                v1::ListSourcesResponse& out) { return list_sources(caller, realm, in, out); });
    read(view_, [this](const Caller& caller, const Realm& realm, const v1::ListRulesRequest& in,
                       v1::ListRulesResponse& out) { return list_rules(caller, realm, in, out); });
    read(view_, list_crossings);
}

}  // namespace tocsin::trigger
