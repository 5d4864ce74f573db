#include "gateway/http_reader.hpp"

#include "gateway/request_head.hpp"

#include <fmt/format.h>
#include <boost/beast/core/read_size.hpp>
#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace tocsin::gateway {

std::string_view HttpReader::arrived() const {
    const auto data = buffer_.data();
    return {static_cast<const char*>(data.data()), data.size()};
}

asio::awaitable<void> HttpReader::read_more(std::size_t bytes_max, ErrorCode& error) {
    const asio::mutable_buffer room = buffer_.prepare(bytes_max);
    buffer_.commit(co_await stream_.read_some(room, error));
}

// What Beast found wrong, beyond what request_head.hpp looks for, as a sentence.
static Unread malformed(ErrorCode error) {
    using Row = std::pair<http::error, std::string_view>;
    static constexpr std::array<Row, 7> sentences{{
        {http::error::bad_chunk,
         "a chunk is expected to be its size in hexadecimal digits, CR LF, so many bytes, CR LF"},
        {http::error::bad_line_ending, "each line is expected to end with CR LF"},
        {http::error::bad_field, "a header's name holds a byte that no name may hold"},
        {http::error::bad_value, "a header's value holds a byte that no value may hold"},
        {http::error::bad_target,
         "the request target holds a byte that no target may hold: percent-encode it"},
        {http::error::bad_content_length, "content-length: a smaller number is expected"},
        {http::error::bad_transfer_encoding, "transfer-encoding: only chunked is understood"},
    }};
    // Everything else is of the connection: its peer is gone, or was silent for too long.
    if (error.category() != make_error_code(http::error::end_of_stream).category()) return {};
    for (const auto& [known, sentence] : sentences)
        if (error == known) return {http::status::bad_request, "", std::string(sentence)};
    return {http::status::bad_request, "", "the request is not as HTTP/1.1 wants it"};
}

asio::awaitable<std::optional<Unread>> HttpReader::await_head() {
    static constexpr std::string_view head_end = "\r\n\r\n";
    if (buffer_.size() == 0) buffer_.shrink_to_fit();
    stream_.expires_after(limits_.idle);
    bool line_skipped = false;
    for (std::size_t looked_at = 0;;) {
        // Some clients send an empty line behind a body (RFC 9112 section 2.2).
        if (!line_skipped && begins_with("\r\n")) {
            line_skipped = true;
            looked_at = 0;
            buffer_.consume(2);
        }
        const std::string_view begun = arrived().substr(0, limits_.header_bytes_max);
        const std::size_t overlap = std::min<std::size_t>(looked_at, head_end.size() - 1);
        const std::size_t end = begun.find(head_end, looked_at - overlap);
        const bool whole = end != std::string_view::npos;
        const auto fault = whole ? head_fault(begun.substr(0, end + head_end.size()))
                                 : bytes_fault(begun, looked_at - overlap);
        if (fault) co_return Unread{http::status::bad_request, fault->field, fault->what};
        if (whole) co_return std::nullopt;
        if (begun.size() == limits_.header_bytes_max) co_return head_too_long();
        looked_at = begun.size();
        ErrorCode error;
        co_await read_more(std::min(read_bytes_max, limits_.header_bytes_max - looked_at), error);
        if (error) co_return Unread{};
    }
}

std::optional<Unread> HttpReader::parse_head(RequestParser& parser) {
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
    parser.body_limit(boost::none);
    ErrorCode error;
    buffer_.consume(parser.put(buffer_.data(), error));
    if (!error) return std::nullopt;
    return malformed(error);
}

// What has arrived behind the line in which `size_end` points to the end of a chunk's size, up to
// the empty line.
static std::string_view behind_size_line(std::string_view arrived, const char* size_end) {
    arrived.remove_prefix(static_cast<std::size_t>(size_end - arrived.data()) + 2);
    if (arrived.starts_with("\r\n")) return {};
    return arrived.substr(0, arrived.find("\r\n\r\n") + 4);
}

asio::awaitable<std::optional<Unread>> HttpReader::read_body(RequestParser& parser,
                                                             std::size_t bytes_max) {
    if (parser.is_done()) co_return std::nullopt;
    if (parser.content_length().value_or(0) > bytes_max)
        co_return unread_body(http::error::body_limit, bytes_max);
    ErrorCode error;
    co_await invite_body(parser, error);
    if (error) co_return Unread{};
    parser.body_limit(bytes_max);
    std::optional<HeadFault> trailer_wrong;
    // Nobody has a use for an extension, and not all readers agree where it ends. Beast comes here
    // for the last chunk when it has the whole trailer, of which it joins folded lines.
    auto look = [&](std::uint64_t size, beast::string_view extension, ErrorCode& wrong) {
        if (!extension.empty()) wrong = http::error::bad_chunk_extension;
        if (size > 0 || wrong) return;
        trailer_wrong = trailer_fault(behind_size_line(arrived(), extension.data()));
        if (trailer_wrong) wrong = http::error::bad_field;
    };
    parser.on_chunk_header(look);
    stream_.expires_after(limits_.read);
    // Trailers are no body: they may have what a header may.
    co_await parse_body(parser, bytes_max + limits_.header_bytes_max, error);
    if (trailer_wrong)
        co_return Unread{http::status::bad_request, trailer_wrong->field, trailer_wrong->what};
    if (error) co_return unread_body(error, bytes_max);
    co_return std::nullopt;
}

asio::awaitable<void> HttpReader::invite_body(RequestParser& parser, ErrorCode& error) {
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    // A client of HTTP/1.0 would take it for the answer.
    if (parser.get().version() < 11 ||
        !beast::iequals(parser.get()[http::field::expect], "100-continue"))
        co_return;
    stream_.expires_after(limits_.write);
    co_await stream_.write(asio::buffer(go_on), error);
}

asio::awaitable<void> HttpReader::parse_body(RequestParser& parser, std::size_t bytes_max,
                                             ErrorCode& error) {
    // Not eager: it would come back only at the end, past any count.
    parser.eager(false);
    bool hungry = buffer_.size() == 0;
    for (std::size_t taken = 0; !parser.is_done() && !error;) {
        if (hungry) {
            const std::size_t room = beast::read_size(buffer_, read_bytes_max);
            if (room == 0)
                error = http::error::buffer_overflow;
            else
                co_await read_more(room, error);
            if (error) co_return;
        }
        const std::size_t used = parser.put(buffer_.data(), error);
        buffer_.consume(used);
        taken += used;
        hungry = error == http::error::need_more || buffer_.size() == 0;
        if (error == http::error::need_more) error = {};
        if (!error && taken > bytes_max) error = http::error::header_limit;
    }
}

Unread HttpReader::head_too_long() const {
    return {http::status::request_header_fields_too_large, "",
            fmt::format("the header may have {} bytes and has more: send fewer or shorter fields",
                        limits_.header_bytes_max)};
}

Unread HttpReader::unread_body(ErrorCode error, std::size_t bytes_max) const {
    if (error == http::error::body_limit)
        return {http::status::payload_too_large, "content-length",
                fmt::format("the body may have {} bytes and has more: shorten its longest fields",
                            bytes_max)};
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return {http::status::request_header_fields_too_large, "",
                fmt::format("the sizes of the chunks and the trailers may have {} bytes beside a "
                            "body of {} and have more: send fewer and longer chunks, or "
                            "content-length",
                            limits_.header_bytes_max, bytes_max)};
    if (error == http::error::bad_chunk_extension)
        return {http::status::bad_request, "transfer-encoding",
                "transfer-encoding: a chunk has no extension here: send its size alone"};
    return malformed(error);
}

}  // namespace tocsin::gateway
