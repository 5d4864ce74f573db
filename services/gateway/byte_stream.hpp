// The bytes of one connection, plain or by TLS, behind one type, so that whatever reads and writes
// them is compiled once. One thread; one operation at a time.
#pragma once

#include <utility>  // Asio needs it before its own headers.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

namespace tocsin::gateway {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

class ByteStream {
public:
    virtual ~ByteStream() = default;

    // Everything below must end within this time from now. What does not fails with
    // beast::error::timeout, and the connection is closed.
    virtual void expires_after(std::chrono::milliseconds time) = 0;
    virtual void expires_never() = 0;

    // False: the peer speaks no TLS, or none that we do.
    virtual asio::awaitable<bool> handshake() = 0;
    virtual asio::awaitable<std::size_t> read_some(asio::mutable_buffer into, ErrorCode& error) = 0;
    virtual asio::awaitable<std::size_t> write_some(asio::const_buffer bytes, ErrorCode& error) = 0;
    asio::awaitable<void> write(asio::const_buffer bytes, ErrorCode& error);
    // Without it a peer by TLS cannot tell the end from a cut.
    virtual asio::awaitable<void> say_goodbye() = 0;
    // Sends no more, and reads for a moment what the peer is still sending: closing at once would
    // reset the connection and lose the answer on its way.
    virtual asio::awaitable<void> linger() = 0;

    // Ends what is under way.
    virtual void cancel() = 0;
    virtual void close() = 0;
    virtual asio::ip::tcp::socket& socket() = 0;
};

std::unique_ptr<ByteStream> plain_stream(asio::ip::tcp::socket socket);
// `context` stays in use until the stream ends, whatever becomes of its files.
std::unique_ptr<ByteStream> tls_stream(asio::ip::tcp::socket socket,
                                       std::shared_ptr<asio::ssl::context> context);

}  // namespace tocsin::gateway
