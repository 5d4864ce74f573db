// Responses as the parts of the gateway make them.
#pragma once

#include "gateway/connect_error.hpp"
#include "gateway/http_handler.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::gateway {

// What the access log and the metrics say about a request, besides its HTTP status.
struct Served {
    std::string service = "none";  // short name, `ledger`, `feeds`, `health` or `none`
    std::string method;
    std::string code = "ok";  // as Connect names it
    std::string traceparent;
    std::string limited_by;  // the limit that it was refused for, see limits.hpp
};

// A header that is a list, of all lines that it was sent in (RFC 9110 section 5.3). Nothing: it was
// not sent.
std::optional<std::string> joined(const HttpHead& head, std::string_view name);

HttpResponse answer(http::status status, std::string_view media_type, std::string body);
HttpResponse answer(http::status status, std::string_view media_type, SharedBody::value_type body);

// Notes the code in `served`. `status` replaces that of the Connect table.
HttpResponse answer(const ConnectError& error, Served& served);
HttpResponse answer(const ConnectError& error, Served& served, http::status status);

// GET or HEAD.
bool reads(const HttpHead& request);

// 405; `allow` lists the methods.
HttpResponse wrong_method(std::string_view allow, Served& served);

}  // namespace tocsin::gateway
