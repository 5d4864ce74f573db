#include "trigger/rpc.hpp"

namespace tocsin::trigger {

using runtime::Caller;
using Reactor = TriggerRpc::Reactor;

static Time now() {
    return std::chrono::floor<runtime::Duration>(std::chrono::system_clock::now());
}

Reactor* TriggerRpc::PutSource(Context* context, const v1::PutSourceRequest* request,
                               v1::PutSourceResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, {"admin", "duty-officer"});
}

Reactor* TriggerRpc::RemoveSource(Context* context, const v1::RemoveSourceRequest* request,
                                  v1::RemoveSourceResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, {"admin", "duty-officer"});
}

Reactor* TriggerRpc::PutRule(Context* context, const v1::PutRuleRequest* request,
                             v1::PutRuleResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, {"admin", "duty-officer"});
}

Reactor* TriggerRpc::RemoveRule(Context* context, const v1::RemoveRuleRequest* request,
                                v1::RemoveRuleResponse* response) {
    return rpc_.change<v1::Command>(context, request, response, {"admin", "duty-officer"});
}

Reactor* TriggerRpc::ListSources(Context* context, const v1::ListSourcesRequest* request,
                                 v1::ListSourcesResponse* response) {
    return rpc_.read(context, request, response,
                     [this](const Caller& caller, const auto&, v1::ListSourcesResponse& out) {
                         return view_.read(caller.realm, [&](const Realm& realm) {
                             for (const auto& [id, known] : realm.state().sources)
                                 *out.add_sources() =
                                     health_.report(caller.realm, known.source, now());
                             return grpc::Status::OK;
                         });
                     });
}

Reactor* TriggerRpc::ListRules(Context* context, const v1::ListRulesRequest* request,
                               v1::ListRulesResponse* response) {
    return rpc_.read(context, request, response,
                     [this](const Caller& caller, const auto&, v1::ListRulesResponse& out) {
                         return view_.read(caller.realm, [&](const Realm& realm) {
                             for (const auto& [id, rule] : realm.state().rules)
                                 *out.add_rules() = status_of(rule);
                             return grpc::Status::OK;
                         });
                     });
}

static grpc::Status list_crossings(const Realm& realm, const v1::ListCrossingsRequest& request,
                                   v1::ListCrossingsResponse& response) {
    const auto& all = realm.crossings();
    const auto page = runtime::page(all.size(), request.page_size(), request.page_token());
    if (!page) return page.error();
    for (std::size_t i = page->begin; i < page->end; ++i) *response.add_crossings() = all[i];
    response.set_next_page_token(page->next_token);
    return grpc::Status::OK;
}

Reactor* TriggerRpc::ListCrossings(Context* context, const v1::ListCrossingsRequest* request,
                                   v1::ListCrossingsResponse* response) {
    return rpc_.read(context, request, response,
                     [this](const Caller& caller, const v1::ListCrossingsRequest& asked,
                            v1::ListCrossingsResponse& out) {
                         return view_.read(caller.realm, [&](const Realm& realm) {
                             return list_crossings(realm, asked, out);
                         });
                     });
}

}  // namespace tocsin::trigger
