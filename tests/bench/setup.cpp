#include "bench/setup.hpp"

#include "bench/city.hpp"
#include "runtime/base/digest.hpp"
#include "runtime/host/sealed_file.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"

#include <fmt/format.h>

#include <stdexcept>

namespace tocsin::bench {

Running start_all(Stage& stage) {
    const int port = free_port();
    const std::string gateway = fmt::format("127.0.0.1:{}", port);
    Running all =
        stage.start("all", "live", "all-1",
                    {{"publishing-credentials-file", stage.folder() + "/credentials"},
                     {"publishing-credentials-key-file", stage.folder() + "/credentials.key"},
                     {"publishing-feed-base-url", "http://" + gateway},
                     {"publishing-allow-private-addresses", "true"},
                     {"trigger-allow-private-addresses", "true"},
                     {"gateway-listen", gateway}});
    all.ports["gateway"] = port;
    for (const char* service : services) all.await_serving(service);
    return all;
}

void store_credentials(const Stage& stage, const std::string& entries) {
    const auto keys = runtime::SealingKeys::read(stage.folder() + "/credentials.key");
    if (!keys) throw std::runtime_error(keys.error());
    stage.file("credentials", runtime::seal(entries, "live", *keys));
}

std::string webhook_credential(const Stage& stage, const std::string& realm,
                               const std::string& agency, const std::string& origin) {
    return fmt::format(R"({{"kind":"webhook","realm":"{}","agency":"{}","origins":["{}"],)"
                       R"("secrets":["whsec_{}"]}})",
                       realm, agency, origin, runtime::base64(stage.mac_key()));
}

void set_policy(const Running& all, const std::string& admin, content::v1::Severity severity) {
    using approval::v1::ApprovalService;
    approval::v1::SetPolicyRequest policy;
    policy.set_severity(severity);
    policy.set_quorum(1);
    policy.add_roles("approver");
    change(*ApprovalService::NewStub(all.channel), &ApprovalService::Stub::SetPolicy, admin,
           policy);
}

std::string put_feed(const Running& all, const std::string& admin) {
    using publishing::v1::PublishingService;
    publishing::v1::PutChannelRequest feed;
    feed.set_channel_id("feed");
    feed.set_kind("feed");
    feed.set_name("Public feed");
    return change(*PublishingService::NewStub(all.channel), &PublishingService::Stub::PutChannel,
                  admin, feed)
        .position();
}

void await_in_drafting(const Running& all, const std::string& token, const std::string& position) {
    grpc::ClientContext context;
    prepare(context, "Bearer " + token);
    context.AddMetadata("tocsin-after", position);
    drafting::v1::ListIncidentsResponse response;
    expect_ok(
        drafting::v1::DraftingService::NewStub(all.channel)->ListIncidents(&context, {}, &response),
        "ListIncidents");
}

void set_up(const Stage& stage, const Running& all) {
    import_roster(stage, all.channel);
    set_policy(all, admin_token(stage), content::v1::SEVERITY_SEVERE);
    // What is submitted from now on goes there.
    await_in_drafting(all, author_token(stage), put_feed(all, admin_token(stage)));
}

std::string open_incident(const Stage& stage, const Running& all) {
    using drafting::v1::DraftingService;
    drafting::v1::CreateIncidentRequest incident;
    incident.set_kind("flood");
    incident.set_title("Bow River");
    return change(*DraftingService::NewStub(all.channel), &DraftingService::Stub::CreateIncident,
                  author_token(stage), incident)
        .id();
}

}  // namespace tocsin::bench
