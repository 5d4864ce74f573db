// Which of the gateway's few things a request target names. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::gateway {

struct Route {
    enum class Kind { none, rpc, feed, alert, health, live };
    Kind kind = Kind::none;
    std::string service{};  // rpc: full name, such as `tocsin.drafting.v1.DraftingService`
    std::string method{};   // rpc
    std::string realm{};    // feed, alert
    std::string name{};     // feed: language; alert: CAP identifier
    std::string format{};   // feed: `atom`, `rss` or `geojson`
    std::string query{};    // after `?`, not decoded
};

Route route_of(std::string_view target);

// The first value of `key` in a query, decoded; nothing where it is absent or badly encoded.
std::optional<std::string> query_value(std::string_view query, std::string_view key);

// Nothing: a bad escape, or a control character in the result.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace tocsin::gateway
