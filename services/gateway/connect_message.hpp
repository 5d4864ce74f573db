// The messages of the Connect protocol: JSON, strictly read, or binary protobuf.
#pragma once

#include "gateway/connect_error.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <expected>
#include <memory>
#include <optional>
#include <string_view>

namespace tocsin::gateway {

enum class Codec { json, proto };

// Nothing: neither of the two.
std::optional<Codec> codec_of(std::string_view content_type);

// The request message, strictly read.
std::expected<std::unique_ptr<google::protobuf::Message>, ConnectError> read_message(
    Codec codec, std::string_view body, const google::protobuf::Descriptor* type);

}  // namespace tocsin::gateway
