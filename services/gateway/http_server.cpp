#include "gateway/http_server.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/ssl.hpp>

#include <array>
#include <stdexcept>

namespace tocsin::gateway {

using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// Beyond this many over the cap a connection is closed without a word.
static constexpr std::size_t courtesy_max = 64;

struct HttpServer::PlainSession : Session {
    explicit PlainSession(tcp::socket socket) : stream(std::move(socket)) {}
    beast::tcp_stream& tcp() override { return stream; }
    beast::tcp_stream stream;
};

struct HttpServer::TlsSession : Session {
    TlsSession(tcp::socket socket, std::shared_ptr<asio::ssl::context> files)
        : context(std::move(files)), stream(std::move(socket), *context) {}
    beast::tcp_stream& tcp() override { return beast::get_lowest_layer(stream); }
    std::shared_ptr<asio::ssl::context> context;  // Outlives a change of the files.
    beast::ssl_stream<beast::tcp_stream> stream;
};

static tcp::endpoint endpoint_of(asio::io_context& io, const std::string& address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos)
        throw std::runtime_error(fmt::format("{}: host:port is expected", address));
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    ErrorCode error;
    tcp::resolver resolver(io);
    const auto found =
        resolver.resolve(host, address.substr(colon + 1),
                         tcp::resolver::passive | tcp::resolver::numeric_service, error);
    if (error || found.empty())
        throw std::runtime_error(fmt::format("{}: {}", address, error.message()));
    return found.begin()->endpoint();
}

HttpServer::HttpServer(asio::io_context& io, const std::string& address, HttpLimits limits,
                       HttpHandler& handler, std::unique_ptr<ServerTls> tls)
    : io_(io), acceptor_(io), limits_(limits), handler_(handler), tls_(std::move(tls)) {
    const tcp::endpoint endpoint = endpoint_of(io, address);
    try {
        acceptor_.open(endpoint.protocol());
        acceptor_.set_option(tcp::acceptor::reuse_address(true));
        acceptor_.bind(endpoint);
        acceptor_.listen();
    } catch (const boost::system::system_error& error) {
        throw std::runtime_error(
            fmt::format("cannot listen on {}: {}", address, error.code().message()));
    }
    port_ = acceptor_.local_endpoint().port();
}

void HttpServer::start() { asio::co_spawn(io_, accept(), asio::detached); }

asio::awaitable<void> HttpServer::accept() {
    asio::steady_timer pause(io_);
    while (!stopping_) {
        ErrorCode error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        tcp::socket socket = co_await acceptor_.async_accept(token);
        if (stopping_) break;
        if (error) {  // Out of descriptors, most likely: give those in use time to end.
            pause.expires_after(std::chrono::milliseconds(50));
            ErrorCode ignored;
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            continue;
        }
        if (sessions_.size() >= limits_.connections_max + courtesy_max) continue;
        socket.set_option(tcp::no_delay(true), error);
        admit(std::move(socket));
    }
}

void HttpServer::admit(tcp::socket socket) {
    const bool one_too_many = sessions_.size() >= limits_.connections_max;
    if (tls_)
        open(std::make_shared<TlsSession>(std::move(socket), tls_->current()), one_too_many);
    else
        open(std::make_shared<PlainSession>(std::move(socket)), one_too_many);
}

template <class SessionOf>
void HttpServer::open(std::shared_ptr<SessionOf> session, bool one_too_many) {
    sessions_.insert(session);
    open_ = sessions_.size();
    asio::co_spawn(io_, one_too_many ? turn_away(session) : serve(session), asio::detached);
}

asio::awaitable<bool> HttpServer::handshake(PlainSession&, HttpLimits) { co_return true; }

asio::awaitable<bool> HttpServer::handshake(TlsSession& session, HttpLimits limits) {
    ErrorCode error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    session.tcp().expires_after(limits.handshake);
    co_await session.stream.async_handshake(asio::ssl::stream_base::server, token);
    co_return !error;
}

asio::awaitable<void> HttpServer::say_goodbye(PlainSession&) { co_return; }

// Without it the peer can not tell the end from a cut.
asio::awaitable<void> HttpServer::say_goodbye(TlsSession& session) {
    if (!session.tcp().socket().is_open()) co_return;
    ErrorCode error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    session.tcp().expires_after(std::chrono::seconds(1));
    co_await session.stream.async_shutdown(token);
}

template <class SessionOf>
asio::awaitable<void> HttpServer::serve(std::shared_ptr<SessionOf> session) {
    try {
        if (co_await handshake(*session, limits_)) {
            while (co_await serve_one(*session)) {
            }
            co_await say_goodbye(*session);
        }
    } catch (const std::exception&) {
        // The handler answers its own errors; what is left is a connection that cannot go on.
    }
    ended(session);
}

template <class SessionOf>
asio::awaitable<bool> HttpServer::serve_one(SessionOf& session) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
    parser.body_limit(limits_.body_bytes_max);
    ErrorCode error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    session.busy = false;
    session.tcp().expires_after(limits_.idle);
    co_await http::async_read_header(session.stream, session.buffer, parser, token);
    session.busy = true;
    if (!error && beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        session.tcp().expires_after(limits_.write);
        co_await asio::async_write(session.stream, asio::buffer(go_on), token);
    }
    if (!error && !parser.is_done()) {
        session.tcp().expires_after(limits_.read);
        co_await http::async_read(session.stream, session.buffer, parser, token);
    }
    if (error) {
        co_await say_bad_request(session, error);
        co_return false;
    }
    session.tcp().expires_never();
    const HttpRequest request = parser.release();
    HttpResponse response = co_await handler_.handle(request);
    response.keep_alive(request.keep_alive() && !stopping_);
    co_return co_await respond(session, std::move(response), request.method() == http::verb::head);
}

// True: the connection goes on.
template <class SessionOf>
asio::awaitable<bool> HttpServer::respond(SessionOf& session, HttpResponse response,
                                          bool head_only) {
    response.version(11);
    response.set("X-Content-Type-Options", "nosniff");
    response.prepare_payload();
    if (head_only) response.body().clear();  // Its length is in the header already.
    http::response_serializer<http::string_body> serializer(response);
    ErrorCode error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    session.tcp().expires_after(limits_.write);
    if (head_only)
        co_await http::async_write_header(session.stream, serializer, token);
    else
        co_await http::async_write(session.stream, serializer, token);
    co_return !error && response.keep_alive();
}

template <class SessionOf>
asio::awaitable<void> HttpServer::say_bad_request(SessionOf& session, ErrorCode error) {
    http::status status = http::status::bad_request;
    std::string why = error.message();
    if (error == http::error::body_limit) {
        status = http::status::payload_too_large;
        why = fmt::format("the body may have {} bytes and has more: shorten its longest fields",
                          limits_.body_bytes_max);
    } else if (error == http::error::header_limit) {
        status = http::status::request_header_fields_too_large;
        why = fmt::format("the header may have {} bytes and has more: send fewer or shorter fields",
                          limits_.header_bytes_max);
    } else if (error.category() != make_error_code(http::error::end_of_stream).category() ||
               error == http::error::end_of_stream || error == http::error::partial_message) {
        co_return;  // The peer is gone, or was silent for too long.
    }
    HttpResponse response = handler_.refuse(status, why);
    response.keep_alive(false);
    co_await respond(session, std::move(response), false);
    co_await linger(session);
}

template <class SessionOf>
asio::awaitable<void> HttpServer::turn_away(std::shared_ptr<SessionOf> session) {
    try {
        if (!co_await handshake(*session, limits_)) throw std::runtime_error("no handshake");
        HttpResponse response =
            handler_.refuse(http::status::service_unavailable, "too many connections");
        response.set(http::field::retry_after, "1");
        response.keep_alive(false);
        co_await respond(*session, std::move(response), false);
        co_await linger(*session);
    } catch (const std::exception&) {
        // Nothing more can be said on this connection.
    }
    ended(session);
}

// Closing while the peer still sends would reset the connection and lose the answer on its way.
asio::awaitable<void> HttpServer::linger(Session& session) {
    ErrorCode error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    session.tcp().socket().shutdown(tcp::socket::shutdown_send, error);
    std::array<char, 8192> rest{};
    session.tcp().expires_after(std::chrono::seconds(1));
    for (int reads = 0; reads < 256 && !error; ++reads)
        co_await session.tcp().async_read_some(asio::buffer(rest), token);
}

void HttpServer::ended(const std::shared_ptr<Session>& session) {
    ErrorCode ignored;
    session->tcp().socket().shutdown(tcp::socket::shutdown_both, ignored);
    session->tcp().close();
    sessions_.erase(session);
    open_ = sessions_.size();
    if (stopping_ && sessions_.empty() && drained_) std::exchange(drained_, nullptr)();
}

void HttpServer::stop(std::function<void()> drained) {
    stopping_ = true;
    ErrorCode ignored;
    acceptor_.close(ignored);
    if (sessions_.empty()) return drained();
    drained_ = std::move(drained);
    for (const auto& session : sessions_)
        if (!session->busy) session->tcp().cancel();
}

void HttpServer::abort() {
    for (const auto& session : sessions_) session->tcp().close();
}

}  // namespace tocsin::gateway
