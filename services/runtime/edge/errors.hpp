// Errors as google.rpc.Status: a code, a sentence for a person, and details that a program can act
// on. docs/ERRORS.md is the table of reasons and codes.
#pragma once

#include "google/rpc/status.pb.h"
#include "runtime/base/validate.hpp"

#include <grpcpp/support/status.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::runtime {

// `reason` is the snake_case code; ErrorInfo carries it in upper case with domain `tocsin`.
// FieldViolations become BadRequest, `retry_after` RetryInfo. Details stay below 4 KiB: what does
// not fit is left out, the reason never.
grpc::Status status(grpc::StatusCode code, std::string_view reason, std::string_view text,
                    const std::vector<FieldViolation>& fields = {},
                    std::optional<std::chrono::milliseconds> retry_after = {},
                    const std::map<std::string, std::string>& metadata = {});

// The status of a reason that the edge itself gives, from the table in errors.cpp; `text` where the
// table has none, or where something more telling is known.
grpc::Status edge_status(std::string_view reason, std::string_view text = {},
                         const std::vector<FieldViolation>& fields = {});

// The details of a status made above, or one made of its code and message alone.
google::rpc::Status unpack(const grpc::Status& status);

}  // namespace tocsin::runtime
