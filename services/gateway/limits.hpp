// The limits that something may be refused or closed for, as the metric and the debug log name
// them.
#pragma once

#include <array>
#include <string_view>

namespace tocsin::gateway {

inline constexpr std::array<std::string_view, 13> limit_names{
    "connections",             // gateway-connections-max, or the files that may be open
    "connections_of_address",  // gateway-connections-per-address-max
    "new_connections",         // gateway-new-connections-per-address-max
    "requests_of_address",     // gateway-requests-per-address-max
    "requests_of_caller",      // gateway-requests-per-caller-max
    "refused_tokens",          // gateway-refused-tokens-per-address-max
    "refused_tokens_of_all",   // so many tokens are checked a second
    "header_bytes",
    "body_bytes",      // gateway-body-bytes-max, or less for methods that take little
    "large_requests",  // under way: in all, of a realm, of a caller
    "large_answers",   // asked for and not being sent yet: of an address, in all
    "unsent_bytes",    // of responses: their readers are too slow
    "write_time",      // the same, of one
};

}  // namespace tocsin::gateway
