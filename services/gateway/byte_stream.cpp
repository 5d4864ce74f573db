#include "gateway/byte_stream.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <array>
#include <functional>
#include <tuple>

namespace tocsin::gateway {

using asio::ip::tcp;
namespace beast = boost::beast;

asio::awaitable<void> ByteStream::write(asio::const_buffer bytes, ErrorCode& error) {
    while (bytes.size() > 0 && !error) bytes += co_await write_some(bytes, error);
}

namespace {

// A socket with deadlines, as Asio's TLS wants it. It takes one type of handler, so that the
// operations below it are not compiled anew for each of those above.
class Wire {
public:
    using executor_type = beast::tcp_stream::executor_type;
    using lowest_layer_type = tcp::socket;

    explicit Wire(tcp::socket socket) : stream_(std::move(socket)) {}

    beast::tcp_stream& stream() { return stream_; }
    executor_type get_executor() { return stream_.get_executor(); }
    lowest_layer_type& lowest_layer() { return stream_.socket(); }

    // Of `buffers` the first is used.
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
            Reading{stream_}, token, asio::mutable_buffer(*asio::buffer_sequence_begin(buffers)));
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
            Writing{stream_}, token, asio::const_buffer(*asio::buffer_sequence_begin(buffers)));
    }

private:
    using Done = std::move_only_function<void(ErrorCode, std::size_t)>;

    struct Reading {
        void operator()(Done done, asio::mutable_buffer into) const {
            stream.async_read_some(into, std::move(done));
        }
        beast::tcp_stream& stream;
    };
    struct Writing {
        void operator()(Done done, asio::const_buffer bytes) const {
            stream.async_write_some(bytes, std::move(done));
        }
        beast::tcp_stream& stream;
    };

    beast::tcp_stream stream_;
};

class PlainStream : public ByteStream {
public:
    explicit PlainStream(tcp::socket socket) : wire_(std::move(socket)) {}

    void expires_after(std::chrono::milliseconds time) override {
        wire_.stream().expires_after(time);
    }
    void expires_never() override { wire_.stream().expires_never(); }
    void cancel() override { wire_.stream().cancel(); }
    void close() override { wire_.stream().close(); }
    tcp::socket& socket() override { return wire_.stream().socket(); }

    asio::awaitable<bool> handshake() override { co_return true; }
    asio::awaitable<std::size_t> read_some(asio::mutable_buffer into, ErrorCode& error) override {
        auto token = asio::redirect_error(asio::use_awaitable, error);
        co_return co_await wire_.async_read_some(into, token);
    }
    asio::awaitable<std::size_t> write_some(asio::const_buffer bytes, ErrorCode& error) override {
        auto token = asio::redirect_error(asio::use_awaitable, error);
        co_return co_await wire_.async_write_some(bytes, token);
    }
    asio::awaitable<void> say_goodbye() override { co_return; }

    asio::awaitable<void> linger() override {
        ErrorCode error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        std::ignore = socket().shutdown(tcp::socket::shutdown_send, error);
        std::array<char, 8192> rest{};
        expires_after(std::chrono::seconds(1));
        for (int reads = 0; reads < 256 && !error; ++reads)
            co_await wire_.async_read_some(asio::buffer(rest), token);
    }

protected:
    Wire& wire() { return wire_; }

private:
    Wire wire_;
};

class TlsStream : public PlainStream {
public:
    TlsStream(tcp::socket socket, std::shared_ptr<asio::ssl::context> context)
        : PlainStream(std::move(socket)), context_(std::move(context)), tls_(wire(), *context_) {}

    asio::awaitable<bool> handshake() override {
        ErrorCode error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        co_await tls_.async_handshake(asio::ssl::stream_base::server, token);
        co_return !error;
    }
    asio::awaitable<std::size_t> read_some(asio::mutable_buffer into, ErrorCode& error) override {
        auto token = asio::redirect_error(asio::use_awaitable, error);
        co_return co_await tls_.async_read_some(into, token);
    }
    asio::awaitable<std::size_t> write_some(asio::const_buffer bytes, ErrorCode& error) override {
        auto token = asio::redirect_error(asio::use_awaitable, error);
        co_return co_await tls_.async_write_some(bytes, token);
    }
    asio::awaitable<void> say_goodbye() override {
        if (!socket().is_open()) co_return;
        ErrorCode error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        expires_after(std::chrono::seconds(1));
        co_await tls_.async_shutdown(token);
    }

private:
    std::shared_ptr<asio::ssl::context> context_;
    asio::ssl::stream<Wire&> tls_;
};

}  // namespace

std::unique_ptr<ByteStream> plain_stream(tcp::socket socket) {
    return std::make_unique<PlainStream>(std::move(socket));
}

std::unique_ptr<ByteStream> tls_stream(tcp::socket socket,
                                       std::shared_ptr<asio::ssl::context> context) {
    return std::make_unique<TlsStream>(std::move(socket), std::move(context));
}

}  // namespace tocsin::gateway
