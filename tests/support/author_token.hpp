// A bearer token of the development issuer, as the gateway is shown it.
#pragma once

#include "runtime/edge/jwk.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <string>

namespace tocsin::testing {

// Of an author of the agency `city` in the realm `r`, for ten minutes.
inline std::string author_token(const std::string& issuer_key, const std::string& subject) {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    const nlohmann::json claims{{"iss", "tocsin-dev"}, {"aud", "tocsin"},
                                {"sub", subject},      {"realm", "r"},
                                {"agency", "city"},    {"roles", nlohmann::json::array({"author"})},
                                {"iat", now},          {"exp", now + 600}};
    return "Bearer " + runtime::issue_token(issuer_key, claims.dump());
}

}  // namespace tocsin::testing
