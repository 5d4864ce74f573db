// One WatchMessages call: a snapshot, then every change, until either side ends it.
#pragma once

#include "drafting/view.hpp"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace tocsin::drafting {

// Deletes itself once gRPC is done with it. The ledger thread adds changes, gRPC's threads write
// them; neither waits for the reader, who is let go when too far behind. The view's watch lock may
// be held when this one's is taken, never the other way round.
class WatchStream final : public grpc::ServerWriteReactor<v1::WatchMessagesResponse>,
                          public Watcher {
public:
    using MustEnd = std::function<std::optional<grpc::Status>()>;
    // Changes kept for a reader that does not keep up, by their number and by their bytes; the
    // snapshot is not counted. The largest message fits several times.
    static constexpr std::size_t changes_max = 1024;
    static constexpr std::size_t changes_bytes_max = std::size_t{4} << 20;

    // `readable`: whether the realm can be read. Called once, when a halt ends the stream already:
    // whichever comes first, the stream does not stay open in silence.
    // `must_end`: why this reader gets no more, called before each change and as often as
    // `looked_after` says. `leave` ends the call where its reader does not read what is written.
    WatchStream(
        DraftingView& view, DraftingView::Watch watch,
        const std::function<bool()>& readable = [] { return true; }, MustEnd must_end = {},
        std::chrono::milliseconds looked_after = std::chrono::seconds{5},
        std::function<void()> leave = [] {});
    // A call that ends at once.
    WatchStream(DraftingView& view, const grpc::Status& status);

    void changed(const std::shared_ptr<const v1::Message>& message) override;
    void ended(End end) override;

    void OnWriteDone(bool ok) override;
    void OnCancel() override;
    void OnDone() override;

private:
    // With `mutex_` held.
    void end_with(grpc::Status status);
    void keep(const std::shared_ptr<const v1::Message>& message);
    std::shared_ptr<const v1::Message> next_change();
    // Without it: they call gRPC, and gRPC may be done with this once they have.
    void proceed();
    void next_of_snapshot();
    void look_again();
    void look();

    DraftingView& view_;
    const DraftingView::Watch watch_;
    std::mutex mutex_;
    std::deque<std::pair<std::shared_ptr<const v1::Message>, std::size_t>> changes_;  // with bytes
    std::size_t changes_bytes_ = 0;
    std::optional<grpc::Status> end_;
    const MustEnd must_end_;
    const std::chrono::milliseconds looked_after_;
    // Of `leave_`, which must not be called once gRPC is done. Not `mutex_`: what gRPC does then
    // takes that.
    std::recursive_mutex leaving_;
    std::function<void()> leave_;
    grpc::Alarm alarm_;
    bool alarmed_ = false;  // it will call back, also when it is cancelled
    bool done_ = false;     // gRPC is done with this
    // Nothing is written before the snapshot is taken.
    bool writing_ = true;
    bool finished_ = false;
    // Touched by the one thread that writes. The snapshot is held until all of it is written, and
    // each message of it is put together when its turn comes.
    DraftingView::Snapshot snapshot_;
    std::int64_t place_ = 0;  // of the message written last
    v1::WatchMessagesResponse writing_now_;
};

}  // namespace tocsin::drafting
