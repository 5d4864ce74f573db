// The gRPC face of drafting. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "drafting/view.hpp"
#include "runtime/edge/rpc.hpp"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"

namespace tocsin::drafting {

// Thread-safe; called on gRPC's threads.
class DraftingRpc final : public v1::DraftingService::CallbackService {
public:
    using Context = grpc::CallbackServerContext;
    using Reactor = grpc::ServerUnaryReactor;

    DraftingRpc(runtime::Rpc& rpc, DraftingView& view) : rpc_(rpc), view_(view) {}
    // Ends the previews that wait.
    void stop() { previews_.thread.stop(); }

    Reactor* CreateIncident(Context* context, const v1::CreateIncidentRequest* request,
                            v1::CreateIncidentResponse* response) override;
    Reactor* GetIncident(Context* context, const v1::GetIncidentRequest* request,
                         v1::GetIncidentResponse* response) override;
    Reactor* ListIncidents(Context* context, const v1::ListIncidentsRequest* request,
                           v1::ListIncidentsResponse* response) override;
    Reactor* PutTemplate(Context* context, const v1::PutTemplateRequest* request,
                         v1::PutTemplateResponse* response) override;
    Reactor* GetTemplate(Context* context, const v1::GetTemplateRequest* request,
                         v1::GetTemplateResponse* response) override;
    Reactor* ListTemplates(Context* context, const v1::ListTemplatesRequest* request,
                           v1::ListTemplatesResponse* response) override;
    Reactor* CreateMessage(Context* context, const v1::CreateMessageRequest* request,
                           v1::CreateMessageResponse* response) override;
    Reactor* ReviseMessage(Context* context, const v1::ReviseMessageRequest* request,
                           v1::ReviseMessageResponse* response) override;
    Reactor* SubmitMessage(Context* context, const v1::SubmitMessageRequest* request,
                           v1::SubmitMessageResponse* response) override;
    Reactor* WithdrawMessage(Context* context, const v1::WithdrawMessageRequest* request,
                             v1::WithdrawMessageResponse* response) override;
    Reactor* GetMessage(Context* context, const v1::GetMessageRequest* request,
                        v1::GetMessageResponse* response) override;
    Reactor* ListMessages(Context* context, const v1::ListMessagesRequest* request,
                          v1::ListMessagesResponse* response) override;
    grpc::ServerWriteReactor<v1::WatchMessagesResponse>* WatchMessages(
        Context* context, const v1::WatchMessagesRequest* request) override;
    Reactor* PreviewMessage(Context* context, const v1::PreviewMessageRequest* request,
                            v1::PreviewMessageResponse* response) override;

private:
    static constexpr std::size_t previews_max = 64;

    // Answers from the caller's realm with `reader(const Realm&, request, response)`.
    template <class Request, class Response, class Reader>
    Reactor* read(Context* context, const Request* request, Response* response, Reader reader);

    runtime::Rpc& rpc_;
    DraftingView& view_;
    // A preview of the largest draft takes some 50 ms, a person looks at one at a time, and of the
    // slots those of services come on top.
    runtime::Rpc::Apart previews_{
        .thread = {}, .slots = runtime::CallSlots({.all = previews_max, .realm = 16, .actor = 4})};
};

}  // namespace tocsin::drafting
