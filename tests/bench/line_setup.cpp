#include "bench/line_setup.hpp"

#include "bench/calls.hpp"
#include "bench/city.hpp"
#include "bench/waiting.hpp"
#include "runtime/ids.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"
#include "tocsin/trigger/v1/trigger_service.grpc.pb.h"
#include "unit/content/samples.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tocsin::bench {

using namespace std::chrono_literals;

// Free a moment ago: the feed's address must be known before the gateway listens.
static int free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(socket, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    close(socket);
    return ntohs(address.sin_port);
}

// Calls until the service knows the roster; returns the id in the answer.
template <class Stub, class Request, class Response>
static std::string change(Stub& stub,
                          grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                       Response*),
                          const std::string& token, Request request) {
    Response response;
    grpc::Status status;
    wait_until(10s, [&] {
        request.set_request_id(runtime::new_uuid_v7());
        grpc::ClientContext context;
        prepare(context, "Bearer " + token);
        status = (stub.*method)(&context, request, &response);
        return status.error_code() != grpc::StatusCode::PERMISSION_DENIED;
    });
    expect_ok(status, Request::descriptor()->name());
    return response.id();
}

static void set_policy(const std::shared_ptr<grpc::Channel>& channel, const std::string& admin) {
    using approval::v1::ApprovalService;
    approval::v1::SetPolicyRequest policy;
    policy.set_severity(content::v1::SEVERITY_SEVERE);
    policy.set_quorum(1);
    policy.add_roles("approver");
    change(*ApprovalService::NewStub(channel), &ApprovalService::Stub::SetPolicy, admin, policy);
}

static void put_channels(const std::shared_ptr<grpc::Channel>& channel, const std::string& admin,
                         const Receiver& receiver) {
    using publishing::v1::PublishingService;
    const auto stub = PublishingService::NewStub(channel);
    publishing::v1::PutChannelRequest feed;
    feed.set_channel_id("feed");
    feed.set_kind("feed");
    feed.set_name("Public feed");
    change(*stub, &PublishingService::Stub::PutChannel, admin, feed);
    publishing::v1::PutChannelRequest webhook;
    webhook.set_channel_id("partner");
    webhook.set_kind("webhook");
    webhook.set_name("Partner");
    webhook.set_url(receiver.url());
    webhook.set_credential("receiver");
    change(*stub, &PublishingService::Stub::PutChannel, admin, webhook);
}

// Returns the incident's id.
static std::string put_template(const std::shared_ptr<grpc::Channel>& channel,
                                const std::string& author) {
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
    drafting::v1::CreateIncidentRequest incident;
    incident.set_kind("flood");
    incident.set_title("Bow River");
    return change(*stub, &DraftingService::Stub::CreateIncident, author, incident);
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
    change(*stub, &TriggerService::Stub::PutRule, author, rule);
}

Running start_line(Stage& stage, const River& river, const Receiver& receiver) {
    const std::string gateway = fmt::format("127.0.0.1:{}", free_port());
    Running all = stage.start("all", "live", "all-1",
                              {{"publishing-credentials-dir", stage.folder() + "/credentials"},
                               {"publishing-feed-base-url", "http://" + gateway},
                               {"publishing-allow-private-addresses", "true"},
                               {"trigger-allow-private-addresses", "true"},
                               {"gateway-listen", gateway}});
    for (const char* service : {"drafting", "approval", "publishing", "measurement", "trigger"})
        all.await_serving(service);
    import_roster(stage, all.channel);
    set_policy(all.channel, admin_token(stage));
    put_channels(all.channel, admin_token(stage), receiver);
    const std::string incident = put_template(all.channel, author_token(stage));
    put_rule(all.channel, author_token(stage), river, incident);
    return all;
}

}  // namespace tocsin::bench
