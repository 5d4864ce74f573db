// What an HTTP server needs of the code that answers its requests.
#pragma once

#include "gateway/peer.hpp"
#include "gateway/shared_body.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace tocsin::gateway {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using HttpHead = http::request_header<>;
using HttpRequest = http::request<http::string_body>;
using HttpResponse = http::response<SharedBody>;

// A request whose body is to be read.
struct Admitted {
    std::size_t body_bytes_max = 0;
    // Its place among the large ones; null where it is small. Held until it was handled.
    std::shared_ptr<const void> place;
};

class HttpHandler {
public:
    virtual ~HttpHandler() = default;
    // By its head alone; or why the request is refused without its body.
    virtual std::expected<Admitted, HttpResponse> admit(const HttpHead& head, const Peer& peer) = 0;
    // A request that was admitted. `peer` lives until it is answered.
    virtual asio::awaitable<HttpResponse> handle(const HttpRequest& request, Peer& peer) = 0;
    // A request that could not be read (too large, malformed), or one connection too many. `field`
    // is the header at fault, where there is one.
    virtual HttpResponse refuse(http::status status, const std::string& field,
                                std::string_view why) = 0;
    // Something was refused or closed for one of the limits that are named in limits.hpp.
    virtual void limited(std::string_view limit) = 0;
};

}  // namespace tocsin::gateway
