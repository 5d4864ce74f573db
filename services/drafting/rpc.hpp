// The gRPC face of drafting. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "drafting/view.hpp"
#include "runtime/edge/changes.hpp"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"

#include <string>
#include <utility>

namespace tocsin::drafting {

// Thread-safe; called on gRPC's threads.
class DraftingRpc final : public runtime::Edge<v1::DraftingService, v1::Command> {
public:
    // `world`: in which drafts are previewed.
    DraftingRpc(runtime::Rpc& rpc, DraftingView& view, std::string world)
        : Edge(rpc), view_(view), world_(std::move(world)) {
        serve_raw("PreviewMessage", [this](Context* context, const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) {
            return preview_message(context, *request, *response);
        });
    }
    // Ends the previews that wait.
    void stop() { previews_.thread.stop(); }

    Reactor* GetIncident(Context* context, const v1::GetIncidentRequest* request,
                         v1::GetIncidentResponse* response) override;
    Reactor* ListIncidents(Context* context, const v1::ListIncidentsRequest* request,
                           v1::ListIncidentsResponse* response) override;
    Reactor* GetTemplate(Context* context, const v1::GetTemplateRequest* request,
                         v1::GetTemplateResponse* response) override;
    Reactor* ListTemplates(Context* context, const v1::ListTemplatesRequest* request,
                           v1::ListTemplatesResponse* response) override;
    Reactor* GetMessage(Context* context, const v1::GetMessageRequest* request,
                        v1::GetMessageResponse* response) override;
    Reactor* ListMessages(Context* context, const v1::ListMessagesRequest* request,
                          v1::ListMessagesResponse* response) override;
    grpc::ServerWriteReactor<v1::WatchMessagesResponse>* WatchMessages(
        Context* context, const v1::WatchMessagesRequest* request) override;

private:
    Reactor* preview_message(Context* context, const grpc::ByteBuffer& request,
                             grpc::ByteBuffer& response);

    static constexpr std::size_t previews_max = 64;

    DraftingView& view_;
    const std::string world_;
    // A preview of the largest draft takes some 50 ms, a person looks at one at a time, and of the
    // slots those of services come on top.
    runtime::Rpc::Apart previews_{
        .thread = {}, .slots = runtime::CallSlots({.all = previews_max, .realm = 16, .actor = 4})};
};

}  // namespace tocsin::drafting
