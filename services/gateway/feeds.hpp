// The public feed: Atom indexes and CAP alerts, byte for byte as publishing has them. No token.
#pragma once

#include "gateway/http_answers.hpp"
#include "gateway/route.hpp"
#include "gateway/upstreams.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::gateway {

class Feeds {
public:
    explicit Feeds(Upstreams& upstreams) : upstreams_(upstreams) {}

    asio::awaitable<HttpResponse> handle(const HttpRequest& request, const Route& route,
                                         Served& served);

private:
    Upstreams& upstreams_;
};

// Whether `If-None-Match` names this tag (RFC 9110 section 13.1.2: the weak comparison).
bool none_match_names(std::string_view header, std::string_view etag);

// The tags that it names, without quotes; at most 16, and none that publishing would not make.
std::vector<std::string> tags_of(std::string_view header);

}  // namespace tocsin::gateway
