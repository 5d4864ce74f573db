// Errors of the Connect protocol (unary): JSON body and HTTP status, from what gRPC says.
#pragma once

#include "google/rpc/status.pb.h"

#include <grpcpp/support/status.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::gateway {

struct ConnectError {
    grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
    std::string message;
    google::rpc::Status details;  // only its `details` are read
};

// An error of the gateway's own, with an ErrorInfo of this reason (upper snake case).
ConnectError refusal(grpc::StatusCode code, std::string_view reason, std::string message);
// The same with the field named: a path in the request, or a header in lower case.
ConnectError bad_field(std::string_view reason, std::string field, std::string message,
                       grpc::StatusCode code = grpc::StatusCode::INVALID_ARGUMENT);

// The same, with the time after which the request may be repeated as it is.
ConnectError come_again(grpc::StatusCode code, std::string_view reason, std::string message,
                        std::chrono::milliseconds wait);

// What a service answered, with its details; `service` is named where it could not be reached.
ConnectError from_grpc(const grpc::Status& status, std::string_view service);

std::string_view code_name(grpc::StatusCode code);
int http_status(grpc::StatusCode code);
std::string to_json(const ConnectError& error);
// Whole seconds, rounded up, of the RetryInfo among the details.
std::optional<long> retry_after_seconds(const ConnectError& error);

}  // namespace tocsin::gateway
