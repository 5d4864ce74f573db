// HTTP/1.1 over Boost.Beast, plain or by TLS: keep-alive, limits, time limits, graceful stop. What
// is answered is the handler's business.
//
// Everything runs on the one thread that runs `io`; only `connections()` and the constructor may be
// used from elsewhere. No lambda is written inside a co_await expression: g++ 12 miscompiles it.
#pragma once

#include "gateway/server_tls.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace tocsin::gateway {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using HttpRequest = http::request<http::string_body>;
using HttpResponse = http::response<http::string_body>;

class HttpHandler {
public:
    virtual ~HttpHandler() = default;
    virtual asio::awaitable<HttpResponse> handle(const HttpRequest& request) = 0;
    // A request that could not be read (too large, malformed), or one connection too many.
    virtual HttpResponse refuse(http::status status, std::string_view why) = 0;
};

struct HttpLimits {
    std::size_t connections_max = 4096;
    std::size_t header_bytes_max = std::size_t{16} * 1024;
    std::size_t body_bytes_max = std::size_t{2} << 20;
    std::chrono::milliseconds idle{60'000};   // from one request to the end of the next header
    std::chrono::milliseconds read{15'000};   // a body
    std::chrono::milliseconds write{15'000};  // a response
    std::chrono::milliseconds handshake{5'000};
};

class HttpServer {
public:
    // Binds `address`, "host:port"; throws std::runtime_error naming it when that fails. Without
    // `tls` it is plain text.
    HttpServer(asio::io_context& io, const std::string& address, HttpLimits limits,
               HttpHandler& handler, std::unique_ptr<ServerTls> tls = nullptr);

    int port() const { return port_; }
    std::size_t connections() const { return open_; }

    void start();
    // No new connection; idle ones are closed, busy ones after their response. `drained` is called
    // once none is left.
    void stop(std::function<void()> drained);
    // Closes what is still open.
    void abort();

private:
    struct Session {
        virtual ~Session() = default;
        virtual beast::tcp_stream& tcp() = 0;
        beast::flat_buffer buffer;
        bool busy = false;
    };
    struct PlainSession;
    struct TlsSession;

    asio::awaitable<void> accept();
    void admit(asio::ip::tcp::socket socket);
    template <class SessionOf>
    void open(std::shared_ptr<SessionOf> session, bool one_too_many);
    // False: the peer speaks no TLS, or none that we do.
    static asio::awaitable<bool> handshake(PlainSession& session, HttpLimits limits);
    static asio::awaitable<bool> handshake(TlsSession& session, HttpLimits limits);
    static asio::awaitable<void> say_goodbye(PlainSession& session);
    static asio::awaitable<void> say_goodbye(TlsSession& session);
    template <class SessionOf>
    asio::awaitable<void> serve(std::shared_ptr<SessionOf> session);
    template <class SessionOf>
    asio::awaitable<bool> serve_one(SessionOf& session);
    template <class SessionOf>
    asio::awaitable<void> turn_away(std::shared_ptr<SessionOf> session);
    template <class SessionOf>
    asio::awaitable<void> say_bad_request(SessionOf& session, boost::system::error_code error);
    template <class SessionOf>
    asio::awaitable<bool> respond(SessionOf& session, HttpResponse response, bool head_only);
    asio::awaitable<void> linger(Session& session);
    void ended(const std::shared_ptr<Session>& session);

    asio::io_context& io_;
    asio::ip::tcp::acceptor acceptor_;
    int port_ = 0;
    HttpLimits limits_;
    HttpHandler& handler_;
    std::unique_ptr<ServerTls> tls_;
    std::set<std::shared_ptr<Session>> sessions_;
    std::atomic<std::size_t> open_{0};
    bool stopping_ = false;
    std::function<void()> drained_;
};

}  // namespace tocsin::gateway
