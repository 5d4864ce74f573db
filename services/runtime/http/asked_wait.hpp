// The wait before the next request that a server requests.
#pragma once

#include "runtime/base/time.hpp"

#include <optional>
#include <string>

namespace tocsin::runtime {

// `text` as Retry-After has it (RFC 9110, section 10.2.3): seconds, or a date; or as headers on
// limits do: unix seconds, or an ISO 8601 time. Not negative, and not bounded. Nothing: it says
// neither.
std::optional<Duration> read_wait(const std::string& text, Time now);

}  // namespace tocsin::runtime
