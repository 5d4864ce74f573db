#include "runtime/edge/errors.hpp"

#include "google/rpc/error_details.pb.h"
#include "texts/cut.hpp"

#include <algorithm>
#include <cctype>

namespace tocsin::runtime {

static constexpr std::size_t details_bytes_max = 4096;
static constexpr std::size_t text_bytes_max = 1024;
static constexpr std::size_t info_bytes_max = 2048;

grpc::Status status(grpc::StatusCode code, std::string_view reason, std::string_view text,
                    std::vector<FieldViolation> fields,
                    std::optional<std::chrono::milliseconds> retry_after,
                    const std::map<std::string, std::string>& metadata) {
    google::rpc::Status details;
    details.set_code(static_cast<int>(code));
    // Readers refuse details that are not UTF-8.
    details.set_message(std::string(texts::cut(text, text_bytes_max)));
    google::rpc::ErrorInfo info;
    std::string upper(reason);
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    info.set_reason(upper);
    info.set_domain("tocsin");
    for (const auto& [key, value] : metadata) {
        (*info.mutable_metadata())[key] = value;
        if (info.ByteSizeLong() > info_bytes_max) info.mutable_metadata()->erase(key);
    }
    details.add_details()->PackFrom(info);
    if (retry_after) {
        google::rpc::RetryInfo retry;
        retry.mutable_retry_delay()->set_seconds(retry_after->count() / 1000);
        retry.mutable_retry_delay()->set_nanos(
            static_cast<std::int32_t>(retry_after->count() % 1000 * 1'000'000));
        details.add_details()->PackFrom(retry);
    }
    google::rpc::BadRequest bad;
    for (const FieldViolation& field : fields) {
        auto& violation = *bad.add_field_violations();
        violation.set_field(field.field);
        violation.set_description(std::string(texts::cut(field.description, 512)));
        if (details.ByteSizeLong() + bad.ByteSizeLong() <= details_bytes_max - 128) continue;
        bad.mutable_field_violations()->RemoveLast();
        break;
    }
    if (bad.field_violations_size() > 0) details.add_details()->PackFrom(bad);
    return {code, details.message(), details.SerializeAsString()};
}

using grpc::StatusCode;
using std::chrono::milliseconds;

static constexpr EdgeReason reasons[] = {
    {StatusCode::UNAUTHENTICATED, "token_missing",
     "a token is needed: authorization: Bearer TOKEN"},
    {StatusCode::UNAUTHENTICATED, "token_malformed",
     "what follows Bearer is no signed JWT of at most 8 KiB"},
    {StatusCode::UNAUTHENTICATED, "token_signature",
     "the token is not signed as it says, or by an algorithm other than ES256 and EdDSA"},
    {StatusCode::UNAUTHENTICATED, "token_key_unknown",
     "the token is signed by a key that is not in the key set"},
    {StatusCode::UNAUTHENTICATED, "token_issuer", "the token is by another issuer (iss)"},
    {StatusCode::UNAUTHENTICATED, "token_audience", "the token is for another audience (aud)"},
    {StatusCode::UNAUTHENTICATED, "token_expired", "the token has expired; get a new one"},
    {StatusCode::UNAUTHENTICATED, "token_not_yet_valid",
     "the token is not valid yet; compare the clocks"},
    {StatusCode::UNAUTHENTICATED, "token_claims",
     "the token's claims do not fit: sub, realm, agency, known roles, exp at most 24 h ahead"},
    {StatusCode::PERMISSION_DENIED, "role_missing",
     "a role is needed that token and roster both give"},
    {StatusCode::PERMISSION_DENIED, "other_agency", "it concerns other agencies than yours"},
    {StatusCode::ABORTED, "roles_changed",
     "the roster gives you other roles than when the stream began; start again"},
    {StatusCode::INVALID_ARGUMENT, "invalid_argument", "the request is not well formed"},
    {StatusCode::INVALID_ARGUMENT, "command_too_large", "the request is too large to be recorded"},
    {StatusCode::FAILED_PRECONDITION, "credential_refused",
     "the credential is not for that channel"},
    {StatusCode::NOT_FOUND, "not_found", "there is no such thing here"},
    {StatusCode::FAILED_PRECONDITION, "not_halted", "the partition is not halted"},
    {StatusCode::FAILED_PRECONDITION, "not_repairable",
     "that would not repair what the partition is halted for"},
    {StatusCode::INTERNAL, "internal", "the service failed; its log says why"},
    {StatusCode::RESOURCE_EXHAUSTED, "slow_reader",
     "changes came faster than they were read: read on while they are dealt with, or watch one "
     "incident; then start again"},
    {StatusCode::RESOURCE_EXHAUSTED, "too_many_watchers", "too many streams are open"},
    {StatusCode::UNAVAILABLE, "not_yet", "the position in tocsin-after is not reached yet",
     milliseconds(200)},
    {StatusCode::UNAVAILABLE, "stopping",
     "this instance stops, halted, or reads its ledger again; start again", milliseconds(200)},
    {StatusCode::UNAVAILABLE, "unavailable",
     "not decided for now; ask again with the same request_id", milliseconds(500)},
};

std::span<const EdgeReason> edge_reasons() { return reasons; }

grpc::Status edge_status(std::string_view reason, std::string_view text,
                         std::vector<FieldViolation> fields) {
    const auto* row = std::ranges::find(reasons, reason, &EdgeReason::reason);
    if (row == std::end(reasons)) return status(StatusCode::INTERNAL, reason, text);
    return status(
        row->code, row->reason, text.empty() ? row->text : text, std::move(fields),
        row->retry_after > milliseconds(0) ? std::optional(row->retry_after) : std::nullopt);
}

google::rpc::Status unpack(const grpc::Status& status) {
    google::rpc::Status details;
    if (!status.error_details().empty() && details.ParseFromString(status.error_details()))
        return details;
    details.Clear();
    details.set_code(static_cast<int>(status.error_code()));
    details.set_message(status.error_message());
    return details;
}

}  // namespace tocsin::runtime
