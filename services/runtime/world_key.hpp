// The world's key: what every record is signed with, as a file of hexadecimal digits.
#pragma once

#include <expected>
#include <string>

namespace tocsin::runtime {

// The key's bytes, at least 32, or why not. Blanks and line ends count for nothing.
std::expected<std::string, std::string> read_world_key(const std::string& path);

}  // namespace tocsin::runtime
