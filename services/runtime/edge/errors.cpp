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
                    const std::vector<FieldViolation>& fields,
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

// One row per reason that the edge itself gives; a rejection brings its own code.
struct EdgeReason {
    StatusCode code;
    std::string_view reason;
    // What happened and what to do; empty where each caller knows more and says it.
    std::string_view text{};
    milliseconds retry_after{0};
};

static constexpr EdgeReason reasons[] = {
    {StatusCode::UNAUTHENTICATED, "token_missing",
     "the call has no token; send one, as authorization: Bearer TOKEN"},
    {StatusCode::UNAUTHENTICATED, "token_malformed",
     "the authorization header is not Bearer and a signed JWT of at most 8 KiB; send the token as "
     "its issuer gave it"},
    {StatusCode::UNAUTHENTICATED, "token_signature",
     "the token's signature is wrong, or its algorithm is not one of jwt-algorithms; get a new "
     "token"},
    {StatusCode::UNAUTHENTICATED, "token_key_unknown",
     "the token is signed by a key that is not in the key set; get a new token, or ask an operator "
     "to add the key"},
    {StatusCode::UNAUTHENTICATED, "token_issuer",
     "the token is from another issuer (iss); get one from the issuer of this installation"},
    {StatusCode::UNAUTHENTICATED, "token_audience",
     "the token is for another audience (aud); get one for this installation"},
    {StatusCode::UNAUTHENTICATED, "token_expired", "the token has expired; get a new one"},
    {StatusCode::UNAUTHENTICATED, "token_not_yet_valid",
     "the token is not valid yet; compare the clocks of its issuer and of the service"},
    {StatusCode::UNAUTHENTICATED, "token_claims",
     "the token's claims do not fit; get one with sub, realm, agency, known roles, and exp at most "
     "24 h ahead"},
    {StatusCode::PERMISSION_DENIED, "role_missing"},
    {StatusCode::ABORTED, "roles_changed",
     "the roster gives you other roles than when the stream began; start it again"},
    {StatusCode::INVALID_ARGUMENT, "invalid_argument"},
    {StatusCode::INVALID_ARGUMENT, "command_too_large"},
    {StatusCode::NOT_FOUND, "not_found"},
    {StatusCode::FAILED_PRECONDITION, "not_halted",
     "the partition has not halted; there is nothing to repair"},
    {StatusCode::FAILED_PRECONDITION, "not_repairable",
     "that would not repair what the partition has halted for; see GetStatus for the cause"},
    {StatusCode::INTERNAL, "internal", "the service failed; read why in its log"},
    {StatusCode::RESOURCE_EXHAUSTED, "slow_reader",
     "changes came faster than they were read; read on while you process them, or watch one "
     "incident, then start the stream again"},
    {StatusCode::RESOURCE_EXHAUSTED, "too_many_watchers"},
    {StatusCode::UNAVAILABLE, "not_yet",
     "the position in tocsin-after is not reached yet; repeat exactly the same request",
     milliseconds(200)},
    {StatusCode::UNAVAILABLE, "stopping",
     "this instance stops, has halted, or reads its ledger again; start the stream again",
     milliseconds(200)},
    {StatusCode::UNAVAILABLE, "unavailable",
     "there is no answer for now; repeat exactly the same request", milliseconds(500)},
};

// Each is there once; what is UNAVAILABLE, and nothing else, says when to ask again.
static_assert(std::ranges::all_of(reasons, [](const EdgeReason& row) {
    return std::ranges::count(reasons, row.reason, &EdgeReason::reason) == 1 &&
           (row.code == StatusCode::UNAVAILABLE) == (row.retry_after > milliseconds(0));
}));

grpc::Status edge_status(std::string_view reason, std::string_view text,
                         const std::vector<FieldViolation>& fields) {
    const auto* row = std::ranges::find(reasons, reason, &EdgeReason::reason);
    if (row == std::end(reasons)) return status(StatusCode::INTERNAL, reason, text);
    return status(
        row->code, row->reason, text.empty() ? row->text : text, fields,
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
