// What the JSON reader of protobuf lets pass and a request must not contain: duplicate keys,
// trailing commas, single quotes, comments, bare NaN, broken UTF-8, more than one document, deep
// nesting, many values. Pure; runs before the reader sees a byte.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::gateway {

struct JsonFault {
    std::size_t offset = 0;  // in bytes
    std::string what;
};

inline constexpr int json_depth_max = 32;
// A list of empty objects costs a reader a hundred times its bytes.
inline constexpr int json_values_max = 100'000;

// Nothing: `text` is exactly one JSON object by RFC 8259.
std::optional<JsonFault> json_fault(std::string_view text);

}  // namespace tocsin::gateway
