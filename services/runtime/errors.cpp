#include "runtime/errors.hpp"

#include "google/rpc/error_details.pb.h"

#include <algorithm>
#include <cctype>

namespace tocsin::runtime {

static constexpr std::size_t details_bytes_max = 4096;
static constexpr std::size_t text_bytes_max = 1024;
static constexpr std::size_t info_bytes_max = 2048;

// At most `bytes_max` of `text`, never half a character: readers refuse details that are not UTF-8.
static std::string cut(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return std::string(text);
    while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80)
        --bytes_max;
    return std::string(text.substr(0, bytes_max));
}

grpc::Status status(grpc::StatusCode code, std::string_view reason, std::string_view text,
                    std::vector<FieldViolation> fields,
                    std::optional<std::chrono::milliseconds> retry_after,
                    const std::map<std::string, std::string>& metadata) {
    google::rpc::Status details;
    details.set_code(static_cast<int>(code));
    details.set_message(cut(text, text_bytes_max));
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
        violation.set_description(cut(field.description, 512));
        if (details.ByteSizeLong() + bad.ByteSizeLong() <= details_bytes_max - 128) continue;
        bad.mutable_field_violations()->RemoveLast();
        break;
    }
    if (bad.field_violations_size() > 0) details.add_details()->PackFrom(bad);
    return {code, details.message(), details.SerializeAsString()};
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
