// The gRPC face of drafting. No rule lives here: commands go to the ledger, reads to the view.
#pragma once

#include "drafting/view.hpp"
#include "runtime/edge/edge.hpp"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"

#include <expected>
#include <string>

namespace tocsin::drafting {

// Thread-safe; called on gRPC's threads.
class DraftingRpc final : public runtime::Edge<v1::DraftingService, v1::Command> {
public:
    // `world`: in which drafts are previewed.
    DraftingRpc(runtime::Rpc& rpc, DraftingView& view, std::string world);
    // Ends the previews that wait.
    void stop() { previews_.thread.stop(); }

private:
    grpc::ServerWriteReactor<v1::WatchMessagesResponse>* watch_messages(
        Context* context, const std::expected<runtime::Caller, grpc::Status>& caller,
        const v1::WatchMessagesRequest& request);

    static constexpr std::size_t previews_max = 64;

    DraftingView& view_;
    const std::string world_;
    // A preview of the largest draft takes some 50 ms, a person looks at one at a time, and of the
    // slots those of services come on top.
    runtime::Rpc::Apart previews_{
        .thread = {}, .slots = runtime::CallSlots({.all = previews_max, .realm = 16, .actor = 4})};
};

}  // namespace tocsin::drafting
