// HTTP/1.1 over Boost.Beast, plain or by TLS: keep-alive, limits, time limits, graceful stop. What
// is answered is the handler's business.
//
// A request is admitted by its head, before a byte of its body is read. What is not admitted, or
// cannot be read, is answered and its connection closed, since where the next request would begin
// is not known. When there is no room for a connection, the one that has been idle for longest
// makes it; when the bodies of responses take too much memory, the oldest end of the address whose
// take the most of it.
//
// Everything runs on the one thread that runs `io`; only `connections()` and the constructor may be
// used from elsewhere. No lambda is written inside a co_await expression: g++ 12 miscompiles it.
#pragma once

#include "gateway/peer.hpp"
#include "gateway/rates.hpp"
#include "gateway/request_head.hpp"
#include "gateway/server_tls.hpp"
#include "gateway/shared_body.hpp"
#include "gateway/unsent.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <atomic>
#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

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

struct HttpLimits {
    std::size_t connections_max = 4096;
    std::size_t connections_per_address_max = 1024;
    double new_connections_per_address = 500;  // a second, twice as many at once; 0: no limit
    std::size_t unsent_bytes_max = std::size_t{128} << 20;  // of all responses
    // A response that began less than this ago is given up for room only where all are so young.
    std::chrono::milliseconds unsent_grace{1'000};
    std::size_t header_bytes_max = std::size_t{16} * 1024;
    std::chrono::milliseconds idle{60'000};   // from one request to the end of the next header
    std::chrono::milliseconds read{15'000};   // a body
    std::chrono::milliseconds write{15'000};  // a response
    std::chrono::milliseconds handshake{5'000};
    std::chrono::milliseconds look_for_gone{250};  // how often who left is looked for
};

class HttpServer {
public:
    // Binds `address`, "host:port"; throws std::runtime_error naming it when that fails. Without
    // `tls` it is plain text.
    HttpServer(asio::io_context& io, const std::string& address, HttpLimits limits,
               HttpHandler& handler, std::unique_ptr<ServerTls> tls = nullptr);

    int port() const { return port_; }
    std::size_t connections() const { return open_; }
    // Closed since the start, so that others had room.
    std::size_t shed() const { return shed_; }
    // Of responses that are being sent; on the thread that runs `io`.
    std::size_t unsent_bytes() const { return unsent_.bytes(); }

    void start();
    // No new connection; idle ones are closed, busy ones after their response. `drained` is called
    // once none is left.
    void stop(std::function<void()> drained);
    // Closes what is still open.
    void abort();

private:
    // A head and what is read of a body at a time; no line of either can be longer.
    static constexpr std::size_t read_bytes_max = std::size_t{16} * 1024;

    enum class Stage { waiting, reading, answering };
    struct Session {
        explicit Session(const HttpLimits& limits)
            : buffer(limits.header_bytes_max + read_bytes_max) {}
        virtual ~Session() = default;
        virtual beast::tcp_stream& tcp() = 0;
        void enter(Stage next);

        beast::flat_buffer buffer;
        Peer peer;
        Stage stage = Stage::waiting;
        std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
    };
    struct PlainSession;
    struct TlsSession;
    struct Sending;
    // Why a request cannot be read. Without `why` the peer is gone, or was silent for too long.
    struct Unread {
        http::status status = http::status::bad_request;
        std::string field, why;
    };

    asio::awaitable<void> accept();
    void admit(asio::ip::tcp::socket socket);
    // Whether another connection from there has room, or was made room for.
    bool make_room(const std::string& address, int handle);
    bool may_be_told(const std::string& address) const;
    // Closes what has been idle for longest, of `address` or, where it is empty, of all.
    bool shed_oldest(const std::string& address);
    // Closes those whose responses are given up, see unsent.hpp.
    void bound_unsent(const Session& newest);
    void forget(const std::shared_ptr<Session>& session);
    // Tells the handler of peers that have left while they are being answered.
    asio::awaitable<void> look_for_gone();
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
    // Until the whole head is in the buffer.
    template <class SessionOf>
    asio::awaitable<std::optional<Unread>> read_head(SessionOf& session);
    // At most `bytes_max` of it, with what frames it bounded as well.
    template <class SessionOf>
    asio::awaitable<std::optional<Unread>> read_body(
        SessionOf& session, http::request_parser<http::string_body>& parser, std::size_t bytes_max);
    template <class SessionOf>
    asio::awaitable<void> refuse(SessionOf& session, HttpResponse response);
    Unread unread(boost::system::error_code error, std::size_t body_bytes_max) const;
    template <class SessionOf>
    asio::awaitable<void> turn_away(std::shared_ptr<SessionOf> session);
    template <class SessionOf>
    asio::awaitable<bool> respond(SessionOf& session, HttpResponse response, bool head_only);
    asio::awaitable<void> linger(Session& session);
    void ended(const std::shared_ptr<Session>& session);

    asio::io_context& io_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer look_for_gone_again_;
    int port_ = 0;
    HttpLimits limits_;
    HttpHandler& handler_;
    std::unique_ptr<ServerTls> tls_;
    std::set<std::shared_ptr<Session>> sessions_;
    std::map<std::string, std::size_t> by_address_;
    Rates new_connections_;
    Unsent unsent_;
    std::atomic<std::size_t> open_{0}, shed_{0};
    bool stopping_ = false;
    std::function<void()> drained_;
};

}  // namespace tocsin::gateway
