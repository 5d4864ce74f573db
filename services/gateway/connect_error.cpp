#include "gateway/connect_error.hpp"

#include "google/rpc/error_details.pb.h"
#include "runtime/base/digest.hpp"
#include "runtime/base/new_message.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <nlohmann/json.hpp>

#include <array>

namespace tocsin::gateway {

namespace {

struct CodeRow {
    std::string_view name;
    int http;
};

// Connect protocol reference, "Error codes"; the index is the gRPC code.
constexpr std::array<CodeRow, 17> code_rows{{
    {"unknown", 500},  // OK is no error
    {"canceled", 499},
    {"unknown", 500},
    {"invalid_argument", 400},
    {"deadline_exceeded", 504},
    {"not_found", 404},
    {"already_exists", 409},
    {"permission_denied", 403},
    {"resource_exhausted", 429},
    {"failed_precondition", 400},
    {"aborted", 409},
    {"out_of_range", 400},
    {"unimplemented", 501},
    {"internal", 500},
    {"unavailable", 503},
    {"data_loss", 500},
    {"unauthenticated", 401},
}};

const CodeRow& row_of(grpc::StatusCode code) {
    const auto index = static_cast<std::size_t>(code);
    return code_rows[index < code_rows.size() ? index : 2];
}

}  // namespace

std::string_view code_name(grpc::StatusCode code) { return row_of(code).name; }

int http_status(grpc::StatusCode code) { return row_of(code).http; }

ConnectError refusal(grpc::StatusCode code, std::string_view reason, std::string message) {
    ConnectError error{code, std::move(message), {}};
    google::rpc::ErrorInfo info;
    info.set_reason(std::string(reason));
    info.set_domain("tocsin");
    error.details.add_details()->PackFrom(info);
    return error;
}

ConnectError bad_field(std::string_view reason, std::string field, std::string message,
                       grpc::StatusCode code) {
    ConnectError error = refusal(code, reason, message);
    google::rpc::BadRequest bad;
    auto* violation = bad.add_field_violations();
    violation->set_field(std::move(field));
    violation->set_description(std::move(message));
    error.details.add_details()->PackFrom(bad);
    return error;
}

ConnectError come_again(grpc::StatusCode code, std::string_view reason, std::string message,
                        std::chrono::milliseconds wait) {
    ConnectError error = refusal(code, reason, std::move(message));
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(wait.count() / 1000);
    retry.mutable_retry_delay()->set_nanos(static_cast<std::int32_t>(wait.count() % 1000) *
                                           1'000'000);
    error.details.add_details()->PackFrom(retry);
    return error;
}

ConnectError from_grpc(const grpc::Status& status, std::string_view service) {
    ConnectError error{status.error_code(), status.error_message(), {}};
    if (error.details.ParseFromString(status.error_details()) && error.details.details_size() > 0)
        return error;
    error.details.Clear();
    // Without details it comes from the channel, whose words are about sockets.
    if (error.code == grpc::StatusCode::UNAVAILABLE) {
        error =
            come_again(grpc::StatusCode::UNAVAILABLE, "UPSTREAM_UNAVAILABLE",
                       fmt::format("{} cannot be reached; repeat the request as it is", service),
                       std::chrono::seconds(1));
    } else if (error.code == grpc::StatusCode::DEADLINE_EXCEEDED) {
        error = refusal(error.code, "DEADLINE_EXCEEDED",
                        fmt::format("{} did not answer in time; whether the request took effect is "
                                    "not known: repeat it with the same request_id",
                                    service));
    } else {
        error = refusal(error.code, "UPSTREAM_REFUSED", std::move(error.message));
    }
    return error;
}

// Type names carry no host in the Connect protocol.
static std::string bare_type(const std::string& type_url) {
    return type_url.substr(type_url.rfind('/') + 1);
}

static nlohmann::json debug_of(const google::protobuf::Any& detail) {
    const auto* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
        bare_type(detail.type_url()));
    if (type == nullptr) return nullptr;
    const auto message = runtime::new_message(type);
    std::string text;
    if (!message->ParseFromString(detail.value()) ||
        !google::protobuf::util::MessageToJsonString(*message, &text).ok())
        return nullptr;
    return nlohmann::json::parse(text, nullptr, false);
}

std::string to_json(const ConnectError& error) {
    nlohmann::json body{{"code", code_name(error.code)}};
    if (!error.message.empty()) body["message"] = error.message;
    for (const auto& detail : error.details.details()) {
        std::string value = runtime::base64(detail.value());
        value.erase(value.find_last_not_of('=') + 1);
        nlohmann::json item{{"type", bare_type(detail.type_url())}, {"value", value}};
        if (auto debug = debug_of(detail); !debug.is_null()) item["debug"] = std::move(debug);
        body["details"].push_back(std::move(item));
    }
    return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<long> retry_after_seconds(const ConnectError& error) {
    google::rpc::RetryInfo retry;
    for (const auto& detail : error.details.details()) {
        if (!detail.Is<google::rpc::RetryInfo>() || !detail.UnpackTo(&retry)) continue;
        const auto& delay = retry.retry_delay();
        return std::max<long>(delay.seconds() + (delay.nanos() > 0 ? 1 : 0), 1);
    }
    return std::nullopt;
}

}  // namespace tocsin::gateway
