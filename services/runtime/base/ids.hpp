// Identifiers: UUIDv7 (RFC 9562) for what is new, hashes for what must come out the same again.
#pragma once

#include "runtime/base/time.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::runtime {

// Only 74 of the 80 random bits are used; the version and variant take the place of the others.
using UuidRandomness = std::array<uint8_t, 10>;

// Lower case with hyphens, sortable by millisecond. Pure.
std::string uuid_v7(Time now, const UuidRandomness& random);
// The millisecond that a UUIDv7 carries; nothing when the text is not one, in either case of hex.
std::optional<Time> uuid_v7_time(std::string_view text);
// Reads the system clock and the kernel's randomness; throws std::runtime_error without the latter.
std::string new_uuid_v7();

// `prefix`-xxxxxxxxxxxxxxxxxxxx: 100 bits of the SHA-256 over the parts, each led by its length, so
// that ("ab", "c") and ("a", "bc") differ. The same parts give the same id, for ever.
std::string derive_id(std::string_view prefix, std::initializer_list<std::string_view> parts);

}  // namespace tocsin::runtime
