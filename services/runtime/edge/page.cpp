#include "runtime/edge/page.hpp"

#include "runtime/base/digest.hpp"
#include "runtime/edge/errors.hpp"

#include <fmt/format.h>

namespace tocsin::runtime {

// The name of the list is in the digest, and the digest keeps made-up tokens out: they are names
// of places, not secrets.
std::string page_token(std::string_view list, std::string_view key) {
    return base64url(
        fmt::format("{}.{}", key, hex(sha256(fmt::format("page {} {}", list, key))).substr(0, 8)));
}

std::expected<std::string, grpc::Status> page_key(std::string_view list, std::string_view token) {
    if (token.empty()) return std::string{};
    const auto text = unbase64url(token);
    const auto dot = text ? text->rfind('.') : std::string::npos;
    if (dot != std::string::npos && dot > 0) {
        std::string key = text->substr(0, dot);
        if (page_token(list, key) == token) return key;
    }
    const std::string why =
        "not one that was returned by this call: use the next_page_token of the page before";
    return std::unexpected(
        edge_status("invalid_argument", "page_token: " + why, {{"page_token", why}}));
}

}  // namespace tocsin::runtime
