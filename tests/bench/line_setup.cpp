#include "bench/line_setup.hpp"

#include "bench/city.hpp"
#include "bench/setup.hpp"
#include "support/sample_message.hpp"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"
#include "tocsin/trigger/v1/trigger_service.grpc.pb.h"

#include <fmt/format.h>

namespace tocsin::bench {

static void put_webhook(const Stage& stage, const std::shared_ptr<grpc::Channel>& channel,
                        const std::string& admin, const Receiver& receiver) {
    using publishing::v1::PublishingService;
    store_credentials(stage,
                      fmt::format(R"({{"receiver":{}}})",
                                  webhook_credential(stage, realm, "city", receiver.origin())));
    publishing::v1::PutChannelRequest webhook;
    webhook.set_channel_id("partner");
    webhook.set_kind("webhook");
    webhook.set_name("Partner");
    webhook.set_url(receiver.url());
    webhook.set_credential("receiver");
    change(*PublishingService::NewStub(channel), &PublishingService::Stub::PutChannel, admin,
           webhook);
}

static void put_template(const std::shared_ptr<grpc::Channel>& channel, const std::string& author) {
    using drafting::v1::DraftingService;
    const auto stub = DraftingService::NewStub(channel);
    drafting::v1::PutTemplateRequest request;
    request.set_template_id("river");
    request.set_expires_after_seconds(6 * 3600);
    content::v1::Draft draft = content::samples::make_draft();
    draft.clear_onset();
    draft.clear_expires();
    draft.clear_evidence();
    draft.clear_agencies();
    *request.mutable_draft() = draft;
    change(*stub, &DraftingService::Stub::PutTemplate, author, request);
}

static void put_rule(const std::shared_ptr<grpc::Channel>& channel, const std::string& author,
                     const River& river, const std::string& incident) {
    using trigger::v1::TriggerService;
    const auto stub = TriggerService::NewStub(channel);
    trigger::v1::PutSourceRequest source;
    source.set_source_id("bow");
    source.set_format("eccc-csv");
    source.set_url(river.url());
    source.set_poll_seconds(0.05);
    change(*stub, &TriggerService::Stub::PutSource, author, source);
    trigger::v1::PutRuleRequest rule;
    rule.set_rule_id("bow-high");
    rule.set_source_id("bow");
    rule.set_series(River::series);
    rule.set_threshold(River::threshold);
    rule.set_template_id("river");
    rule.set_incident_id(incident);
    rule.set_time_zone("America/Edmonton");
    // The river's rises are of days ago, see river.cpp.
    rule.set_max_age_seconds(30.0 * 86400);
    change(*stub, &TriggerService::Stub::PutRule, author, rule);
}

Running start_line(Stage& stage, const River& river, const Receiver& receiver) {
    Running all = start_all(stage);
    set_up(stage, all);
    put_webhook(stage, all.channel, admin_token(stage), receiver);
    put_template(all.channel, author_token(stage));
    put_rule(all.channel, author_token(stage), river, open_incident(stage, all));
    return all;
}

}  // namespace tocsin::bench
