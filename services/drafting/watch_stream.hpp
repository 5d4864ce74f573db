// One WatchMessages call: a snapshot, then every change, until either side ends it.
#pragma once

#include "drafting/view.hpp"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

namespace tocsin::drafting {

// Deletes itself once gRPC is done with it. The ledger thread adds changes, gRPC's threads write
// them; neither waits for the reader, who is let go when too far behind. The view's watch lock may
// be held when this one's is taken, never the other way round.
class WatchStream final : public grpc::ServerWriteReactor<v1::WatchMessagesResponse>,
                          public Watcher {
public:
    // Changes kept for a reader that does not keep up; the snapshot is not counted.
    static constexpr std::size_t changes_max = 1024;

    WatchStream(DraftingView& view, const std::string& realm, const std::string& incident_id);
    // A call that ends at once.
    WatchStream(DraftingView& view, const grpc::Status& status);

    void changed(const v1::Message& message) override;
    void ended() override;

    void OnWriteDone(bool ok) override;
    void OnCancel() override;
    void OnDone() override;

private:
    void take_snapshot(std::vector<v1::Message> messages);
    // With `mutex_` held.
    void end_with(grpc::Status status);
    void proceed();

    DraftingView& view_;
    std::mutex mutex_;
    std::deque<v1::WatchMessagesResponse> snapshot_;
    std::deque<v1::WatchMessagesResponse> changes_;
    v1::WatchMessagesResponse writing_now_;
    std::optional<grpc::Status> end_;
    // Nothing is written before the snapshot is taken.
    bool writing_ = true;
    bool finished_ = false;
};

}  // namespace tocsin::drafting
