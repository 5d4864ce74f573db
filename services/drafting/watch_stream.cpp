#include "drafting/watch_stream.hpp"

#include "runtime/edge/errors.hpp"

#include <fmt/format.h>

namespace tocsin::drafting {

WatchStream::WatchStream(DraftingView& view, DraftingView::Watch watch,
                         const std::function<bool()>& readable, MustEnd must_end,
                         std::chrono::milliseconds looked_after, std::function<void()> leave)
    : view_(view),
      watch_(std::move(watch)),
      must_end_(std::move(must_end)),
      looked_after_(looked_after),
      leave_(std::move(leave)) {
    // Changes may come in from here on; they queue up behind the snapshot.
    snapshot_ = view_.watch(watch_, *this);
    {
        const std::lock_guard lock(mutex_);
        if (!readable()) end_with(runtime::edge_status("unavailable"));
        writing_ = false;
        look_again();
    }
    proceed();
}

WatchStream::WatchStream(DraftingView& view, const grpc::Status& status)
    : view_(view), looked_after_(0) {
    {
        const std::lock_guard lock(mutex_);
        writing_ = false;
        end_with(status);
    }
    proceed();
}

// In good time, whether or not there is a change to write. With `mutex_` held.
void WatchStream::look_again() {
    if (!must_end_) return;
    alarmed_ = true;
    alarm_.Set(std::chrono::system_clock::now() + looked_after_, [this](bool) { look(); });
}

// While it is marked as alarmed, this stays: OnDone() leaves it to the end here.
void WatchStream::look() {
    bool done = false, stuck = false;
    {
        // While this is held gRPC is not done, and all that `must_end_` uses is still there.
        const std::lock_guard lock(mutex_);
        done = done_;
        auto why = done ? std::nullopt : must_end_();
        // Since the last time: its reader does not take what is written.
        stuck = end_ && writing_;
        if (why) end_with(std::move(*why));
    }
    if (!done) proceed();
    if (stuck) {
        const std::lock_guard lock(leaving_);
        if (leave_) leave_();
    }
    {
        const std::lock_guard lock(mutex_);
        alarmed_ = false;
        done = done_;
        if (!done && !finished_) look_again();
    }
    if (done) delete this;
}

void WatchStream::changed(const std::shared_ptr<const v1::Message>& message) {
    auto why = must_end_ ? must_end_() : std::nullopt;
    {
        const std::lock_guard lock(mutex_);
        if (end_) return;
        if (why)
            end_with(std::move(*why));
        else
            keep(message);
    }
    proceed();
}

void WatchStream::keep(const std::shared_ptr<const v1::Message>& message) {
    const std::size_t bytes = message->ByteSizeLong();
    // One that waits alone is taken, whatever its size.
    const bool full = changes_.size() >= changes_max ||
                      (!changes_.empty() && changes_bytes_ + bytes > changes_bytes_max);
    if (full) return end_with(runtime::edge_status("slow_reader"));
    changes_.emplace_back(message, bytes);
    changes_bytes_ += bytes;
}

std::shared_ptr<const v1::Message> WatchStream::next_change() {
    auto [message, bytes] = std::move(changes_.front());
    changes_.pop_front();
    changes_bytes_ -= bytes;
    return message;
}

static grpc::Status status_of(Watcher::End end) {
    if (end == Watcher::End::over) return runtime::edge_status("stopping");
    return runtime::edge_status(
        "too_many_watchers",
        fmt::format(
            "too many streams are open: at most {} of one caller, {} of one realm and {} in all; "
            "end others",
            DraftingView::watchers_of_caller_max, DraftingView::watchers_of_realm_max,
            DraftingView::watchers_max));
}

void WatchStream::ended(End end) {
    {
        const std::lock_guard lock(mutex_);
        end_with(status_of(end));
    }
    proceed();
}

void WatchStream::OnWriteDone(bool ok) {
    {
        const std::lock_guard lock(mutex_);
        writing_ = false;
        if (!ok) end_with({grpc::StatusCode::CANCELLED, "the reader is gone"});
    }
    proceed();
}

void WatchStream::OnCancel() {
    {
        const std::lock_guard lock(mutex_);
        end_with({grpc::StatusCode::CANCELLED, "cancelled"});
    }
    proceed();
}

void WatchStream::OnDone() {
    view_.unwatch(*this);
    {
        const std::lock_guard lock(leaving_);
        leave_ = {};
    }
    {
        const std::lock_guard lock(mutex_);
        done_ = true;
        // Its callback is the last to touch this, see look().
        if (alarmed_) return alarm_.Cancel();
    }
    delete this;
}

// The first reason counts. What was not sent yet is dropped: the reader starts again anyway.
void WatchStream::end_with(grpc::Status status) {
    if (!end_) end_ = std::move(status);
    changes_.clear();
    changes_bytes_ = 0;
}

// One write at a time, and no end while one is under way: gRPC wants the order to be plain.
void WatchStream::proceed() {
    std::shared_ptr<const v1::Message> change;
    bool over = false;
    {
        const std::lock_guard lock(mutex_);
        if (writing_ || finished_) return;
        if (end_) {
            over = finished_ = true;
        } else if (snapshot_) {
            writing_ = true;
        } else if (!changes_.empty()) {
            change = next_change();
            writing_ = true;
        } else {
            return;
        }
    }
    if (over) return Finish(*end_);
    writing_now_.Clear();
    if (change)
        *writing_now_.mutable_message() = *change;
    else
        next_of_snapshot();
    if (writing_now_.has_message()) watch_.hide(*writing_now_.mutable_message());
    StartWrite(&writing_now_);
}

void WatchStream::next_of_snapshot() {
    bool more = false;
    snapshot_->messages(watch_.incident_id, v1::MESSAGE_STATE_UNSPECIFIED, place_,
                        [&](std::int64_t place, const std::string& id, const Standing& standing) {
                            if (!watch_.sees(standing.parties())) return true;
                            if (writing_now_.has_message()) {
                                more = true;
                                return false;
                            }
                            *writing_now_.mutable_message() = standing.message();
                            writing_now_.mutable_message()->set_message_id(id);
                            place_ = place;
                            return true;
                        });
    if (more) return;
    writing_now_.set_snapshot_complete(true);
    snapshot_.reset();
}

}  // namespace tocsin::drafting
