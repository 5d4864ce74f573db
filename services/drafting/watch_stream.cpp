#include "drafting/watch_stream.hpp"

#include "runtime/errors.hpp"

namespace tocsin::drafting {

WatchStream::WatchStream(DraftingView& view, const std::string& realm,
                         const std::string& incident_id)
    : view_(view) {
    // Changes may come in from here on; they queue up behind the snapshot.
    take_snapshot(view_.watch(realm, incident_id, *this));
}

WatchStream::WatchStream(DraftingView& view, const grpc::Status& status) : view_(view) {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    end_with(status);
}

void WatchStream::take_snapshot(std::vector<v1::Message> messages) {
    const std::lock_guard lock(mutex_);
    for (v1::Message& message : messages)
        *snapshot_.emplace_back().mutable_message() = std::move(message);
    if (snapshot_.empty()) snapshot_.emplace_back();
    snapshot_.back().set_snapshot_complete(true);
    writing_ = false;
    proceed();
}

void WatchStream::changed(const v1::Message& message) {
    const std::lock_guard lock(mutex_);
    if (end_) return;
    if (changes_.size() >= changes_max) {
        end_with(runtime::edge_status("slow_reader"));
        return;
    }
    *changes_.emplace_back().mutable_message() = message;
    proceed();
}

void WatchStream::ended() {
    const std::lock_guard lock(mutex_);
    end_with(runtime::edge_status("stopping"));
}

void WatchStream::OnWriteDone(bool ok) {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) end_with({grpc::StatusCode::CANCELLED, "the reader is gone"});
    proceed();
}

void WatchStream::OnCancel() {
    const std::lock_guard lock(mutex_);
    end_with({grpc::StatusCode::CANCELLED, "cancelled"});
}

void WatchStream::OnDone() {
    view_.unwatch(*this);
    delete this;
}

// The first reason counts. What was not sent yet is dropped: the reader starts again anyway.
void WatchStream::end_with(grpc::Status status) {
    if (!end_) end_ = std::move(status);
    snapshot_.clear();
    changes_.clear();
    proceed();
}

// One write at a time, and no end while one is under way: gRPC wants the order to be plain.
void WatchStream::proceed() {
    if (writing_ || finished_) return;
    if (end_) {
        finished_ = true;
        Finish(*end_);
        return;
    }
    auto& queue = snapshot_.empty() ? changes_ : snapshot_;
    if (queue.empty()) return;
    writing_now_ = std::move(queue.front());
    queue.pop_front();
    writing_ = true;
    StartWrite(&writing_now_);
}

}  // namespace tocsin::drafting
