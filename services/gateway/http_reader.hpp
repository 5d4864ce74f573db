// Reads the requests of one connection, in turn: first the head of one, then its body.
#pragma once

#include "gateway/byte_stream.hpp"
#include "gateway/http_limits.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::gateway {

namespace beast = boost::beast;
namespace http = boost::beast::http;

using RequestParser = http::request_parser<http::string_body>;

// Why a request cannot be read. Without `why` the peer is gone, or was silent for too long.
struct Unread {
    http::status status = http::status::bad_request;
    std::string field, why;
};

class HttpReader {
public:
    HttpReader(ByteStream& stream, const HttpLimits& limits)
        : stream_(stream), limits_(limits), buffer_(limits.header_bytes_max + read_bytes_max) {}
    HttpReader(const HttpReader&) = delete;

    // Until the whole head is in the buffer.
    asio::awaitable<std::optional<Unread>> await_head();
    // What has arrived and is not parsed yet.
    bool begins_with(std::string_view text) const { return arrived().starts_with(text); }
    // What is there, and as much of the body as is there with it.
    std::optional<Unread> parse_head(RequestParser& parser);
    // At most `bytes_max` of it, with what frames it bounded as well.
    asio::awaitable<std::optional<Unread>> read_body(RequestParser& parser, std::size_t bytes_max);

private:
    // A head and what is read of a body at a time; no line of either can be longer.
    static constexpr std::size_t read_bytes_max = std::size_t{16} * 1024;

    // What has arrived and is not parsed yet.
    std::string_view arrived() const;
    asio::awaitable<void> read_more(std::size_t bytes_max, ErrorCode& error);
    // One that waits for leave to send it.
    asio::awaitable<void> invite_body(RequestParser& parser, ErrorCode& error);
    // Until the parser is done, or has taken more than `bytes_max`.
    asio::awaitable<void> parse_body(RequestParser& parser, std::size_t bytes_max,
                                     ErrorCode& error);
    Unread head_too_long() const;
    Unread unread_body(ErrorCode error, std::size_t bytes_max) const;

    ByteStream& stream_;
    const HttpLimits& limits_;
    beast::flat_buffer buffer_;
};

}  // namespace tocsin::gateway
