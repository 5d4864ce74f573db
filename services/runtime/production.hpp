// What --production refuses: whatever ./dev makes for one machine, and what others could read or
// forge on the way. Each answer is a sentence that begins with the setting at fault.
#pragma once

#include "runtime/host/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::runtime {

// Of a process that hosts services; nothing when it may run, and always without --production.
std::optional<std::string> production_problem(const RuntimeConfig& config);
// Of any process: what every one of them has.
std::optional<std::string> production_edge_problem(const RuntimeConfig& config);
// Of the brokers as they advertise themselves, host:port: a bootstrap address of this machine may
// lead to others.
std::optional<std::string> brokers_problem(const RuntimeConfig& config,
                                           const std::vector<std::string>& brokers);

// Whether `host:port` (or the host alone) can be nothing but this machine: `localhost`, an address
// of 127.0.0.0/8 in four numbers, or `[::1]`. A name that only looks like one is resolved by
// others.
bool is_loopback(std::string_view address);
// The same of an http(s) URL.
bool is_loopback_url(std::string_view url);

// Why the secret in `file` (or the folder itself) must not be used: others may read or replace it,
// or ./dev made it, which marks its folders with a file named DEVELOPMENT. Empty when it may, and
// where there is none: the code that needs it reports that.
std::string secret_problem(const std::string& file);
// The same of what is no secret, but trusted: a key set, a CA. Everybody may read it.
std::string trust_problem(const std::string& file);

// Whether `key` is so regular that it was typed by hand or taken from an example.
bool is_example_key(std::string_view key);

}  // namespace tocsin::runtime
