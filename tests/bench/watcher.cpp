#include "bench/watcher.hpp"

#include "bench/calls.hpp"
#include "bench/city.hpp"
#include "runtime/base/ids.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace tocsin::bench {

using namespace std::chrono_literals;

Watcher::Watcher(const Stage& stage, std::shared_ptr<grpc::Channel> channel)
    : bearer_("Bearer " + approver_token(stage)),
      drafting_(drafting::v1::DraftingService::NewStub(channel)),
      approval_(approval::v1::ApprovalService::NewStub(channel)),
      thread_([this] { watch(); }) {}

Watcher::~Watcher() { context_.TryCancel(); }

void Watcher::watch() {
    context_.AddMetadata("authorization", bearer_);
    const auto stream = drafting_->WatchMessages(&context_, {});
    bool live = false;
    drafting::v1::WatchMessagesResponse change;
    while (stream->Read(&change)) {
        if (live && change.has_message()) saw(change.message());
        live = live || change.snapshot_complete();
    }
    const grpc::Status status = stream->Finish();
    if (status.ok() || status.error_code() == grpc::StatusCode::CANCELLED) return;
    const std::lock_guard guard(mutex_);
    failure_ = fmt::format("WatchMessages: {}", status.error_message());
    changed_.notify_all();
}

void Watcher::saw(const drafting::v1::Message& message) {
    // Shown twice: when it was submitted, and when approval has opened its review.
    if (message.state() == drafting::v1::MESSAGE_STATE_IN_REVIEW &&
        ++in_review_[message.message_id()] == 2)
        approve(message);
    if (message.state() != drafting::v1::MESSAGE_STATE_RELEASED) return;
    const std::lock_guard guard(mutex_);
    released_ = Released{message.message_id(), Clock::now()};
    changed_.notify_all();
}

void Watcher::approve(const drafting::v1::Message& message) {
    approval::v1::ApproveRequest request;
    request.set_request_id(runtime::new_uuid_v7());
    request.set_message_id(message.message_id());
    request.set_digest(message.digest());
    ledger::v1::ChangeResponse response;
    grpc::ClientContext context;
    prepare(context, bearer_);
    const grpc::Status status = approval_->Approve(&context, request, &response);
    if (status.ok()) return;
    const std::lock_guard guard(mutex_);
    failure_ = fmt::format("Approve: {}", status.error_message());
    changed_.notify_all();
}

std::optional<Watcher::Released> Watcher::await_released() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 20s, [this] { return released_ || !failure_.empty(); });
    if (!failure_.empty()) throw std::runtime_error(failure_);
    return std::exchange(released_, std::nullopt);
}

}  // namespace tocsin::bench
