// What --production refuses: whatever ./dev makes for one machine, and what others could read or
// forge on the way. Each answer is a sentence that begins with the setting at fault.
#pragma once

#include "runtime/config.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::runtime {

// Of a process that hosts services; nothing when it may run, and always without --production.
std::optional<std::string> production_problem(const RuntimeConfig& config);
// Of any process: what every one of them has.
std::optional<std::string> production_edge_problem(const RuntimeConfig& config);

// Whether only this machine reaches `host:port`.
bool is_loopback(std::string_view listen);

// Why the secret in `file` (or the folder itself) must not be used; empty when it may. ./dev marks
// the folders of what it makes with a file named DEVELOPMENT.
std::string secret_problem(const std::string& file);

// Whether `key` is so regular that somebody typed it or took it from an example.
bool is_example_key(std::string_view key);

}  // namespace tocsin::runtime
