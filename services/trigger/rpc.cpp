#include "trigger/rpc.hpp"

#include "runtime/page.hpp"

#include <fmt/format.h>

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

Reactor* TriggerRpc::PutRule(Context* context, const v1::PutRuleRequest* request,
                             v1::PutRuleResponse* response) {
    return rpc_.change<v1::Command>(context, request, response);
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

Reactor* TriggerRpc::ListSources(Context* context, const v1::ListSourcesRequest* request,
                                 v1::ListSourcesResponse* response) {
    const auto reader = [this](const Caller& caller, const Realm& realm, const auto& in,
                               auto& out) {
        return runtime::answer_page(in, out, *out.mutable_sources(), [&](auto& page) {
            const auto add = [&](const std::string& id, const SourceState& known) {
                return page.add(id, [&](v1::SourceHealth& row) {
                    row = health_.report(caller.realm, known.source, now());
                });
            };
            realm.state().sources.ascend(page.after(), add);
        });
    };
    return read(context, request, response, reader);
}

Reactor* TriggerRpc::ListRules(Context* context, const v1::ListRulesRequest* request,
                               v1::ListRulesResponse* response) {
    const auto reader = [](const Caller&, const Realm& realm, const auto& in, auto& out) {
        return runtime::answer_page(in, out, *out.mutable_rules(), [&](auto& page) {
            const auto add = [&](const std::string& id, const RuleState& rule) {
                return page.add(id, [&](v1::RuleStatus& row) { row = status_of(rule); });
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
                return page.add(number, [&](v1::Crossing& row) { row = crossing.get(); });
            });
        });
    };
    return read(context, request, response, reader);
}

}  // namespace tocsin::trigger
