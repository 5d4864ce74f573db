#include "bench/messages.hpp"

#include "bench/setup.hpp"
#include "runtime/host/clock.hpp"
#include "support/sample_message.hpp"
#include "texts/enum_names.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"

#include <fmt/format.h>

#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;
using approval::v1::ApprovalService;
using drafting::v1::DraftingService;
using publishing::v1::PublishingService;

content::v1::Draft make_draft() {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    content::v1::Draft draft = content::samples::make_draft();
    draft.clear_agencies();
    draft.clear_evidence();
    draft.clear_onset();
    *draft.mutable_expires() = runtime::to_proto(now + 12h);
    return draft;
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

drafting::v1::Message read_message(const Running& all, const std::string& token,
                                   const std::string& message_id) {
    drafting::v1::GetMessageRequest request;
    request.set_message_id(message_id);
    drafting::v1::GetMessageResponse response;
    grpc::ClientContext context;
    prepare(context, "Bearer " + token);
    expect_ok(DraftingService::NewStub(all.channel)->GetMessage(&context, request, &response),
              "GetMessage");
    return response.message();
}

drafting::v1::Message submit(const Running& all, const std::string& token,
                             const std::string& incident, const content::v1::Draft& draft) {
    const auto drafting = DraftingService::NewStub(all.channel);
    drafting::v1::CreateMessageRequest creation;
    creation.set_incident_id(incident);
    *creation.mutable_draft() = draft;
    const std::string id =
        change(*drafting, &DraftingService::Stub::CreateMessage, token, creation).id();
    drafting::v1::SubmitMessageRequest submission;
    submission.set_message_id(id);
    submission.set_etag(read_message(all, token, id).etag());
    for (const std::string& code : warnings(*drafting, token, draft))
        submission.add_acknowledged_warnings(code);
    change(*drafting, &DraftingService::Stub::SubmitMessage, token, submission);
    return read_message(all, token, id);
}

runtime::Time approve(const Running& all, const std::string& token,
                      const drafting::v1::Message& message) {
    const auto stub = ApprovalService::NewStub(all.channel);
    approval::v1::ApproveRequest request;
    request.set_request_id(runtime::new_uuid_v7());
    request.set_message_id(message.message_id());
    request.set_digest(message.digest());
    grpc::Status status;
    runtime::Time called;
    wait_until(20s, [&] {
        ledger::v1::ChangeResponse response;
        grpc::ClientContext context;
        prepare(context, "Bearer " + token);
        called = runtime::system_now();
        status = stub->Approve(&context, request, &response);
        // Until approval has read of the submission.
        return status.error_code() != grpc::StatusCode::NOT_FOUND;
    });
    expect_ok(status, "Approve");
    return called;
}

publishing::v1::Release await_release(const Running& all, const std::string& token,
                                      const std::string& message_id,
                                      publishing::v1::ReleaseState state,
                                      std::chrono::milliseconds most) {
    publishing::v1::GetReleaseRequest request;
    request.set_message_id(message_id);
    publishing::v1::GetReleaseResponse response;
    const auto stub = PublishingService::NewStub(all.channel);
    const bool there = wait_until(most, [&] {
        grpc::ClientContext context;
        prepare(context, "Bearer " + token);
        return stub->GetRelease(&context, request, &response).ok() &&
               response.release().state() == state;
    });
    if (there) return response.release();
    response.mutable_release()->mutable_deliveries()->DeleteSubrange(
        0, std::max(response.release().deliveries_size() - 3, 0));
    throw std::runtime_error(
        fmt::format("a release is not {} in time; with its last deliveries: {}",
                    texts::enum_name(state), response.release().ShortDebugString()));
}

}  // namespace tocsin::bench
