#include "trigger/rpc.hpp"

#include "content/templates.hpp"
#include "runtime/nearest.hpp"
#include "runtime/page.hpp"
#include "texts/contains.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tocsin::trigger {

using runtime::Caller;
using Reactor = TriggerRpc::Reactor;

static Time now() {
    return std::chrono::floor<runtime::Duration>(std::chrono::system_clock::now());
}

// Not the decider's business: it is this process that polls.
static std::optional<grpc::Status> refuse_haste(const v1::PutSourceRequest& request, double least) {
    if (request.poll_seconds() >= least) return std::nullopt;
    const std::string why =
        fmt::format("poll_seconds: a source is polled every {} s at the most often", least);
    return runtime::status(grpc::StatusCode::INVALID_ARGUMENT, "polls_too_often", why,
                           {{"poll_seconds", why}});
}

Reactor* TriggerRpc::PutSource(Context* context, const v1::PutSourceRequest* request,
                               v1::PutSourceResponse* response) {
    const auto check = [this](const Caller&, const v1::PutSourceRequest& put) {
        return refuse_haste(put, poll_seconds_least_);
    };
    return rpc_.change<v1::Command>(context, request, response, check);
}

Reactor* TriggerRpc::RemoveSource(Context* context, const v1::RemoveSourceRequest* request,
                                  v1::RemoveSourceResponse* response) {
    return rpc_.change<v1::Command>(context, request, response);
}

static grpc::Status refused(grpc::StatusCode code, std::string_view reason, std::string field,
                            std::string why) {
    return runtime::status(code, reason, why, {{std::move(field), why}});
}

static std::string did_you_mean(const std::string& typed, const std::vector<std::string>& known,
                                const std::string& otherwise) {
    const std::string close = runtime::nearest(typed, known);
    return close.empty() ? otherwise : fmt::format("did you mean {}?", close);
}

// What a crossing of the rule would be refused for, at three in the morning.
static std::optional<grpc::Status> undraftable(const Caller& caller, const Realm& realm,
                                               const v1::PutRuleRequest& put) {
    const auto* agencies = realm.agencies(put.incident_id());
    if (!agencies)
        return refused(grpc::StatusCode::NOT_FOUND, "incident_not_found", "incident_id",
                       fmt::format("there is no incident {}: open it first", put.incident_id()));
    if (!texts::contains(*agencies, caller.agency))
        return refused(grpc::StatusCode::FAILED_PRECONDITION, "agency_not_in_incident",
                       "incident_id",
                       fmt::format("your agency {} does not take part in incident {}",
                                   caller.agency, put.incident_id()));
    const auto* placeholders = realm.placeholders(put.template_id());
    if (!placeholders)
        return refused(
            grpc::StatusCode::NOT_FOUND, "template_not_found", "template_id",
            fmt::format("there is no template {}: {}", put.template_id(),
                        did_you_mean(put.template_id(), realm.template_ids(), "store it first")));
    static const auto filled = content::reading_values(content::v1::Evidence{}, "UTC");
    std::vector<std::string> empty;
    for (const std::string& name : *placeholders)
        if (!filled.begin()->second.contains(name)) empty.push_back(name);
    if (empty.empty()) return std::nullopt;
    return refused(grpc::StatusCode::FAILED_PRECONDITION, "template_needs_more", "template_id",
                   fmt::format("template {} has placeholders that a reading does not fill: {}",
                               put.template_id(), fmt::join(empty, ", ")));
}

// By what the source brought so far; what it never brought yet may come.
static std::optional<grpc::Status> unheard(const Caller& caller, const Heard& heard,
                                           const v1::PutRuleRequest& put) {
    const auto names = heard.names(caller.realm, put.source_id());
    if (names.empty()) return std::nullopt;
    const auto series = heard.series(caller.realm, put.source_id(), put.series());
    if (!series)
        return refused(
            grpc::StatusCode::NOT_FOUND, "series_not_found", "series",
            fmt::format(
                "source {} brings no series {}: {}", put.source_id(), put.series(),
                did_you_mean(put.series(), names, "it brings, among others, " + names.front())));
    if (put.unit().empty() || put.unit() == series->unit) return std::nullopt;
    return refused(grpc::StatusCode::FAILED_PRECONDITION, "unit_differs", "unit",
                   fmt::format("{} arrives in {}: give the threshold in that unit, or leave the "
                               "unit out",
                               put.series(), series->unit.empty() ? "no unit" : series->unit));
}

Reactor* TriggerRpc::PutRule(Context* context, const v1::PutRuleRequest* request,
                             v1::PutRuleResponse* response) {
    const auto check = [this](const Caller& caller, const v1::PutRuleRequest& put) {
        return view_.read(caller.realm, [&](const Realm& realm) -> std::optional<grpc::Status> {
            // What the decider says better, or first.
            const SourceState* source = realm.state().sources.find(put.source_id());
            const RuleState* known = realm.state().rules.find(put.rule_id());
            const bool of_other = known && known->rule.agency_id() != caller.agency;
            if (of_other || !source || !source->source.active() ||
                !series_problem(source->source.format(), put.series()).empty() ||
                !put.has_threshold())
                return std::nullopt;
            if (auto why = undraftable(caller, realm, put)) return why;
            return unheard(caller, heard_, put);
        });
    };
    return rpc_.change<v1::Command>(context, request, response, check, runtime::Rpc::patience);
}

Reactor* TriggerRpc::RemoveRule(Context* context, const v1::RemoveRuleRequest* request,
                                v1::RemoveRuleResponse* response) {
    return rpc_.change<v1::Command>(context, request, response);
}

template <class Request, class Response, class Reader>
Reactor* TriggerRpc::read(Context* context, const Request* request, Response* response,
                          Reader reader) {
    return rpc_.read(context, request, response,
                     [this, reader](const Caller& caller, const Request& in, Response& out) {
                         return view_.read(caller.realm, [&](const Realm& realm) -> grpc::Status {
                             return reader(caller, realm, in, out);
                         });
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
        const auto age = now() - series->readings.back().read_at;
        added.set_stale(static_cast<double>(age.count()) / 1e6 > row.source().stale_seconds());
    }
}

Reactor* TriggerRpc::ListSources(Context* context, const v1::ListSourcesRequest* request,
                                 v1::ListSourcesResponse* response) {
    const auto reader = [this](const Caller& caller, const Realm& realm, const auto& in,
                               auto& out) {
        return runtime::answer_page(in, out, *out.mutable_sources(), [&](auto& page) {
            const auto add = [&](const std::string& id, const SourceState& known) {
                return page.add(id, [&](v1::SourceHealth& row) {
                    row = health_.report(caller.realm, known.source, now());
                    add_series(caller.realm, realm, row);
                });
            };
            realm.state().sources.ascend(page.after(), add);
        });
    };
    return read(context, request, response, reader);
}

Reactor* TriggerRpc::ListRules(Context* context, const v1::ListRulesRequest* request,
                               v1::ListRulesResponse* response) {
    const auto reader = [this](const Caller& caller, const Realm& realm, const auto& in,
                               auto& out) {
        return runtime::answer_page(in, out, *out.mutable_rules(), [&](auto& page) {
            const auto add = [&](const std::string& id, const RuleState& rule) {
                return page.add(id, [&](v1::RuleStatus& row) {
                    row = status_of(
                        rule,
                        heard_.series(caller.realm, rule.rule.source_id(), rule.rule.series()),
                        realm.state().sources.find(rule.rule.source_id()), now());
                });
            };
            realm.state().rules.ascend(page.after(), add);
        });
    };
    return read(context, request, response, reader);
}

Reactor* TriggerRpc::ListCrossings(Context* context, const v1::ListCrossingsRequest* request,
                                   v1::ListCrossingsResponse* response) {
    const auto reader = [](const Caller&, const Realm& realm, const auto& in, auto& out) {
        return runtime::answer_page(in, out, *out.mutable_crossings(), [&](auto& page) {
            realm.crossings(page.after_place(), [&](std::int64_t number, const auto& crossing) {
                return page.add(number,
                                [&](v1::Crossing& row) { row = realm.shown(crossing.get()); });
            });
        });
    };
    return read(context, request, response, reader);
}

}  // namespace tocsin::trigger
