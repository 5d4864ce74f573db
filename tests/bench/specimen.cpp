#include "bench/specimen.hpp"

#include "bench/city.hpp"
#include "bench/floor.hpp"
#include "bench/setup.hpp"
#include "runtime/ledger/topics.hpp"
#include "runtime/ledger/view.hpp"
#include "support/sample_message.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"
#include "tocsin/publishing/v1/publishing_service.grpc.pb.h"

#include <csignal>
#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;
using approval::v1::ApprovalService;
using drafting::v1::DraftingService;
using publishing::v1::PublishingService;

static Place place_of(const std::string& topic) {
    return {topic, runtime::partition_of(realm, Stage::partitions)};
}

static std::int64_t records_of(const Stage& stage, const std::string& service) {
    return end_offset(stage.kafka(), place_of(runtime::ledger_topic("live", service)));
}

static std::int64_t commands_of(const Stage& stage, const std::string& service) {
    return end_offset(stage.kafka(), place_of(runtime::commands_topic("live", service)));
}

// How many records there are in all.
static std::int64_t amount(const Stage& stage) {
    std::int64_t sum = 0;
    for (const char* service : services)
        sum += records_of(stage, service) + commands_of(stage, service);
    return sum;
}

static void await_calm(const Stage& stage) {
    std::int64_t last = -1;
    auto since = Clock::now();
    const bool calm = wait_until(60s, [&] {
        const std::int64_t now = amount(stage);
        if (now != last) since = Clock::now();
        last = now;
        return Clock::now() - since > 2s;
    });
    if (!calm) throw std::runtime_error("Tocsin goes on deciding though nobody asks");
}

static content::v1::Draft make_draft() {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    content::v1::Draft draft = content::samples::make_draft();
    draft.clear_agencies();
    draft.add_agencies("city");
    draft.clear_evidence();
    draft.clear_onset();
    *draft.mutable_expires() = runtime::to_proto(now + 12h);
    const std::string number = std::string(" (") + Specimen::number + ")";
    draft.set_title(draft.title() + number);
    for (content::v1::Text& text : *draft.mutable_texts())
        text.set_headline(text.headline() + number);
    return draft;
}

static drafting::v1::Message read(DraftingService::Stub& drafting, const std::string& token,
                                  const std::string& message_id) {
    drafting::v1::GetMessageRequest request;
    request.set_message_id(message_id);
    drafting::v1::GetMessageResponse response;
    grpc::ClientContext context;
    prepare(context, "Bearer " + token);
    expect_ok(drafting.GetMessage(&context, request, &response), "GetMessage");
    return response.message();
}

static std::vector<std::string> warnings(DraftingService::Stub& drafting, const std::string& token,
                                         const content::v1::Draft& draft) {
    drafting::v1::PreviewMessageRequest request;
    *request.mutable_draft() = draft;
    drafting::v1::PreviewMessageResponse response;
    grpc::ClientContext context;
    prepare(context, "Bearer " + token);
    expect_ok(drafting.PreviewMessage(&context, request, &response), "PreviewMessage");
    std::vector<std::string> codes;
    for (const auto& finding : response.findings()) codes.push_back(finding.code());
    return codes;
}

static std::string submit(const Stage& stage, const Running& all) {
    const auto drafting = DraftingService::NewStub(all.channel);
    const std::string token = author_token(stage);
    drafting::v1::CreateMessageRequest creation;
    creation.set_incident_id(open_incident(stage, all));
    *creation.mutable_draft() = make_draft();
    const std::string id =
        change(*drafting, &DraftingService::Stub::CreateMessage, token, creation).id();
    drafting::v1::SubmitMessageRequest submission;
    submission.set_message_id(id);
    submission.set_etag(read(*drafting, token, id).etag());
    for (const std::string& code : warnings(*drafting, token, creation.draft()))
        submission.add_acknowledged_warnings(code);
    change(*drafting, &DraftingService::Stub::SubmitMessage, token, submission);
    return id;
}

static void approve(const Stage& stage, const Running& all, const drafting::v1::Message& message) {
    const auto stub = ApprovalService::NewStub(all.channel);
    approval::v1::ApproveRequest request;
    request.set_request_id(runtime::new_uuid_v7());
    request.set_message_id(message.message_id());
    request.set_digest(message.digest());
    grpc::Status status;
    wait_until(20s, [&] {
        ledger::v1::ChangeResponse response;
        grpc::ClientContext context;
        prepare(context, "Bearer " + approver_token(stage));
        status = stub->Approve(&context, request, &response);
        // Until approval has read of the submission.
        return status.error_code() != grpc::StatusCode::NOT_FOUND;
    });
    expect_ok(status, "Approve");
}

static publishing::v1::Release await_released(const Stage& stage, const Running& all,
                                              const std::string& message_id) {
    publishing::v1::GetReleaseRequest request;
    request.set_message_id(message_id);
    publishing::v1::GetReleaseResponse response;
    const auto stub = PublishingService::NewStub(all.channel);
    const bool released = wait_until(30s, [&] {
        grpc::ClientContext context;
        prepare(context, "Bearer " + author_token(stage));
        return stub->GetRelease(&context, request, &response).ok() &&
               response.release().state() == publishing::v1::RELEASE_STATE_RELEASED;
    });
    if (!released)
        throw std::runtime_error("the message is not released: " +
                                 response.release().ShortDebugString());
    return response.release();
}

Specimen publish_specimen(Stage& stage, Running& all) {
    Specimen specimen;
    await_calm(stage);
    for (const char* service : services)
        specimen.parts.push_back(
            {.service = service,
             .records = {},
             .commands = 0,
             .records_before = static_cast<std::size_t>(records_of(stage, service)),
             .commands_before = commands_of(stage, service)});
    specimen.message_id = submit(stage, all);
    const auto drafting = DraftingService::NewStub(all.channel);
    const drafting::v1::Message message = read(*drafting, author_token(stage), specimen.message_id);
    specimen.content = message.content();
    approve(stage, all, message);
    const publishing::v1::Release release = await_released(stage, all, specimen.message_id);
    specimen.release_id = release.release_id();
    for (const auto& delivery : release.deliveries())
        specimen.keys.push_back(delivery.idempotency_key());
    await_calm(stage);
    all.program->end(SIGTERM);
    for (Specimen::Part& part : specimen.parts) {
        part.records =
            records_from(stage.kafka(), place_of(runtime::ledger_topic("live", part.service)), 0);
        part.commands = commands_of(stage, part.service);
    }
    return specimen;
}

}  // namespace tocsin::bench
