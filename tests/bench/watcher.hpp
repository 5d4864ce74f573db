// Somebody who stands by: watches the messages, approves each at once, and sees when it is out.
#pragma once

#include "bench/floor.hpp"
#include "bench/stage.hpp"
#include "tocsin/approval/v1/approval_service.grpc.pb.h"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace tocsin::bench {

class Watcher {
public:
    // Watches through `channel`, where drafting and approval both serve.
    Watcher(const Stage& stage, std::shared_ptr<grpc::Channel> channel);
    ~Watcher();

    struct Released {
        std::string message_id;
        Clock::time_point at;
    };
    // The next message that is released; nothing within 20 s. Throws when an approval failed.
    std::optional<Released> await_released();

private:
    void watch();
    void saw(const drafting::v1::Message& message);
    void approve(const drafting::v1::Message& message);

    std::string bearer_;
    std::unique_ptr<drafting::v1::DraftingService::Stub> drafting_;
    std::unique_ptr<approval::v1::ApprovalService::Stub> approval_;
    grpc::ClientContext context_;
    std::map<std::string, int> in_review_;  // how often a message was shown as such

    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Released> released_;
    std::string failure_;
    std::jthread thread_;
};

}  // namespace tocsin::bench
