// Calls of drafting's CreateIncident, as the service and the bare echo get them.
#pragma once

#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

namespace tocsin::bench {

class IncidentCaller {
public:
    IncidentCaller(const std::shared_ptr<grpc::Channel>& channel, std::string token);

    // One call, milliseconds until its answer; throws when it is refused.
    double call();
    // One call, repeated with the same request while it is unavailable, milliseconds until its
    // answer; throws when it is refused, or not answered within 5 minutes.
    double call_until_answered();
    // The first call once the roster is known to the service: repeats while it is not.
    void call_until_allowed();
    // Answers per second with `in_flight` calls on their way for the length of `duration`.
    double rate(int in_flight, std::chrono::milliseconds duration);

private:
    struct InFlight;

    std::string bearer_;
    std::unique_ptr<drafting::v1::DraftingService::Stub> stub_;
};

// What a call costs a caller's deadline at most.
inline constexpr std::chrono::seconds call_deadline{10};
// Sets deadline and token.
void prepare(grpc::ClientContext& context, const std::string& bearer);
// Throws with `what` and the status unless it is OK.
void expect_ok(const grpc::Status& status, const std::string& what);

}  // namespace tocsin::bench
