#include "gateway/http_server.hpp"

#include "runtime/host/descriptors.hpp"
#include "runtime/host/logs.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/ssl.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

namespace tocsin::gateway {

using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

// Beyond this many over the cap a connection is closed without a word.
static constexpr std::size_t courtesy_max = 64;
static constexpr std::size_t courtesy_of_address_max = 8;

struct HttpServer::PlainSession : Session {
    PlainSession(tcp::socket socket, const HttpLimits& limits)
        : Session(limits), stream(std::move(socket)) {}
    beast::tcp_stream& tcp() override { return stream; }
    beast::tcp_stream stream;
};

struct HttpServer::TlsSession : Session {
    TlsSession(tcp::socket socket, const HttpLimits& limits,
               std::shared_ptr<asio::ssl::context> files)
        : Session(limits), context(std::move(files)), stream(std::move(socket), *context) {}
    beast::tcp_stream& tcp() override { return beast::get_lowest_layer(stream); }
    std::shared_ptr<asio::ssl::context> context;  // Outlives a change of the files.
    beast::ssl_stream<beast::tcp_stream> stream;
};

// While its response is on its way.
struct HttpServer::Sending {
    Sending(HttpServer& of, Session& by, const SharedBody::value_type& body)
        : server(of), session(by) {
        server.unsent_.add(&session,
                           {session.peer.address, body, std::chrono::steady_clock::now()});
        server.bound_unsent(session);
    }
    ~Sending() { server.unsent_.remove(&session); }
    Sending(const Sending&) = delete;

    HttpServer& server;
    Session& session;
};

void HttpServer::Session::enter(Stage next) {
    stage = next;
    since = std::chrono::steady_clock::now();
}

// One host has a whole /64 of IPv6.
static std::string address_of(const tcp::socket& socket) {
    ErrorCode error;
    const asio::ip::address address = socket.remote_endpoint(error).address();
    if (error || address.is_v4()) return error ? std::string{} : address.to_string();
    if (address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return asio::ip::make_address_v6(bytes).to_string() + "/64";
}

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
    : io_(io),
      acceptor_(io),
      look_for_gone_again_(io),
      limits_(limits),
      handler_(handler),
      tls_(std::move(tls)),
      new_connections_(limits.new_connections_per_address) {
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

void HttpServer::start() {
    asio::co_spawn(io_, accept(), asio::detached);
    asio::co_spawn(io_, look_for_gone(), asio::detached);
}

asio::awaitable<void> HttpServer::accept() {
    asio::steady_timer pause(io_);
    while (!stopping_) {
        ErrorCode error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        tcp::socket socket = co_await acceptor_.async_accept(token);
        if (stopping_) break;
        if (error) {
            // Out of descriptors, most likely. Where none is idle, those in use need time to end.
            if (shed_oldest({})) continue;
            pause.expires_after(std::chrono::milliseconds(50));
            ErrorCode ignored;
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            continue;
        }
        try {
            admit(std::move(socket));
        } catch (const std::exception& failure) {  // Of memory, or of TLS: the next may do better.
            runtime::logs::warn("a connection cannot be served", {{"why", failure.what()}});
        }
    }
}

// What a peer does not read stays here, where it is bounded, and not in the kernel.
static void keep_little_unsent(tcp::socket& socket) {
    constexpr int bytes = 128 << 10;
    setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

void HttpServer::admit(tcp::socket socket) {
    const std::string address = address_of(socket);
    if (new_connections_.take(address, std::chrono::steady_clock::now()))
        return handler_.limited("new_connections");
    ErrorCode ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    keep_little_unsent(socket);
    const bool one_too_many = !make_room(address, socket.native_handle());
    if (one_too_many && !may_be_told(address)) return;
    const auto opened = [&](auto session) {
        session->peer.address = address;
        open(std::move(session), one_too_many);
    };
    if (tls_)
        opened(std::make_shared<TlsSession>(std::move(socket), limits_, tls_->current()));
    else
        opened(std::make_shared<PlainSession>(std::move(socket), limits_));
}

// The lowest free descriptor is given out first: a high number says how many are in use.
static bool in_the_reserve(int handle) {
    const std::size_t limit = runtime::descriptor_limit();
    return static_cast<std::size_t>(handle) + runtime::descriptor_reserve(limit) >= limit;
}

// Why it is turned away. Not each of an address that goes on and on.
bool HttpServer::may_be_told(const std::string& address) const {
    const auto there = by_address_.find(address);
    const std::size_t of_address = there == by_address_.end() ? 0 : there->second;
    return sessions_.size() < limits_.connections_max + courtesy_max &&
           of_address < limits_.connections_per_address_max + courtesy_of_address_max;
}

bool HttpServer::make_room(const std::string& address, int handle) {
    const auto there = by_address_.find(address);
    if (there != by_address_.end() && there->second >= limits_.connections_per_address_max) {
        handler_.limited("connections_of_address");
        return shed_oldest(address);
    }
    if (sessions_.size() >= limits_.connections_max || in_the_reserve(handle)) {
        handler_.limited("connections");
        return shed_oldest({});
    }
    return true;
}

// Nobody waits for an answer there. A body that is still arriving goes after those that are idle.
bool HttpServer::shed_oldest(const std::string& address) {
    std::shared_ptr<Session> oldest;
    for (const auto& session : sessions_) {
        if (session->stage == Stage::answering) continue;
        if (!address.empty() && session->peer.address != address) continue;
        if (!oldest ||
            std::pair(session->stage, session->since) < std::pair(oldest->stage, oldest->since))
            oldest = session;
    }
    if (!oldest) return false;
    ++shed_;
    oldest->peer.leave();
    oldest->tcp().close();  // Its descriptor is free now; its coroutine ends when its turn comes.
    forget(oldest);
    return true;
}

void HttpServer::bound_unsent(const Session& newest) {
    while (unsent_.bytes() > limits_.unsent_bytes_max) {
        const auto given_up =
            unsent_.to_give_up(&newest, std::chrono::steady_clock::now(), limits_.unsent_grace);
        if (given_up == nullptr) return;  // The newest alone is more: it is as long as it may be.
        handler_.limited("unsent_bytes");
        unsent_.remove(given_up);
        const auto is_it = [&](const auto& session) { return session.get() == given_up; };
        const auto found = std::ranges::find_if(sessions_, is_it);
        if (found == sessions_.end()) continue;
        const std::shared_ptr<Session> session = *found;
        session->tcp().close();  // Its coroutine ends when its turn comes.
        forget(session);
    }
}

void HttpServer::forget(const std::shared_ptr<Session>& session) {
    if (sessions_.erase(session) == 0) return;
    open_ = sessions_.size();
    const auto there = by_address_.find(session->peer.address);
    if (--there->second == 0) by_address_.erase(there);
}

asio::awaitable<void> HttpServer::look_for_gone() {
    std::vector<std::shared_ptr<Session>> answering;
    std::vector<pollfd> sockets;
    while (!stopping_) {
        ErrorCode ignored;
        auto token = asio::redirect_error(asio::use_awaitable, ignored);
        look_for_gone_again_.expires_after(limits_.look_for_gone);
        co_await look_for_gone_again_.async_wait(token);
        answering.clear();
        sockets.clear();
        for (const auto& session : sessions_) {
            if (session->stage != Stage::answering || session->peer.gone) continue;
            answering.push_back(session);
            sockets.push_back({session->tcp().socket().native_handle(), POLLRDHUP, 0});
        }
        poll(sockets.data(), sockets.size(), 0);
        for (std::size_t i = 0; i < sockets.size(); ++i)
            if (sockets[i].revents != 0) answering[i]->peer.leave();
        answering.clear();
    }
}

template <class SessionOf>
void HttpServer::open(std::shared_ptr<SessionOf> session, bool one_too_many) {
    if (one_too_many) session->enter(Stage::answering);
    sessions_.insert(session);
    ++by_address_[session->peer.address];
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

// Without it the peer cannot tell the end from a cut.
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
    session.enter(Stage::waiting);
    if (session.buffer.size() == 0) session.buffer.shrink_to_fit();
    if (const auto wrong = co_await read_head(session)) {
        if (!wrong->why.empty())
            co_await refuse(session, handler_.refuse(wrong->status, wrong->field, wrong->why));
        co_return false;
    }
    session.enter(Stage::reading);
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
    parser.body_limit(boost::none);
    ErrorCode error;
    session.buffer.consume(parser.put(session.buffer.data(), error));
    // As it is now: what a trailer says later is no part of it.
    const HttpHead head = parser.get().base();
    if (error) {
        co_await refuse(session, handler_.refuse(http::status::bad_request, {}, error.message()));
        co_return false;
    }
    auto admitted = handler_.admit(head, session.peer);
    if (!admitted) {
        const bool goes_on =
            parser.is_done() && parser.keep_alive() && admitted.error().keep_alive() && !stopping_;
        session.enter(Stage::answering);
        if (!goes_on) co_await refuse(session, std::move(admitted.error()));
        co_return goes_on&& co_await respond(session, std::move(admitted.error()),
                                             head.method() == http::verb::head);
    }
    if (const auto wrong = co_await read_body(session, parser, admitted->body_bytes_max)) {
        if (!wrong->why.empty())
            co_await refuse(session, handler_.refuse(wrong->status, wrong->field, wrong->why));
        co_return false;
    }
    session.enter(Stage::answering);
    session.tcp().expires_never();
    const HttpRequest request(HttpHead(head), std::move(parser.get().body()));
    HttpResponse response = co_await handler_.handle(request, session.peer);
    admitted->place.reset();
    response.keep_alive(request.keep_alive() && !stopping_);
    co_return co_await respond(session, std::move(response), request.method() == http::verb::head);
}

template <class SessionOf>
asio::awaitable<std::optional<HttpServer::Unread>> HttpServer::read_head(SessionOf& session) {
    static constexpr std::string_view head_end = "\r\n\r\n";
    session.tcp().expires_after(limits_.idle);
    for (std::size_t looked_at = 0;;) {
        const auto data = session.buffer.data();
        const std::string_view begun(static_cast<const char*>(data.data()),
                                     std::min(data.size(), limits_.header_bytes_max));
        const std::size_t overlap = std::min<std::size_t>(looked_at, head_end.size() - 1);
        const std::size_t end = begun.find(head_end, looked_at - overlap);
        const bool whole = end != std::string_view::npos;
        const auto fault = whole ? head_fault(begun.substr(0, end + head_end.size()))
                                 : bytes_fault(begun, looked_at - overlap);
        if (fault) co_return Unread{http::status::bad_request, fault->field, fault->what};
        if (whole) co_return std::nullopt;
        if (begun.size() == limits_.header_bytes_max)
            co_return unread(http::error::header_limit, 0);
        looked_at = begun.size();
        ErrorCode error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        const std::size_t read = co_await session.stream.async_read_some(
            session.buffer.prepare(std::min(read_bytes_max, limits_.header_bytes_max - looked_at)),
            token);
        if (error) co_return Unread{};
        session.buffer.commit(read);
    }
}

// What has arrived behind the line in which `size_end` points to the end of a chunk's size, up to
// the empty line.
static std::string_view behind_size_line(std::string_view arrived, const char* size_end) {
    arrived.remove_prefix(static_cast<std::size_t>(size_end - arrived.data()) + 2);
    if (arrived.starts_with("\r\n")) return {};
    return arrived.substr(0, arrived.find("\r\n\r\n") + 4);
}

template <class SessionOf>
asio::awaitable<std::optional<HttpServer::Unread>> HttpServer::read_body(
    SessionOf& session, http::request_parser<http::string_body>& parser, std::size_t bytes_max) {
    if (parser.is_done()) co_return std::nullopt;
    if (parser.content_length().value_or(0) > bytes_max)
        co_return unread(http::error::body_limit, bytes_max);
    ErrorCode error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        session.tcp().expires_after(limits_.write);
        co_await asio::async_write(session.stream, asio::buffer(go_on), token);
        if (error) co_return Unread{};
    }
    parser.body_limit(bytes_max);
    std::optional<HeadFault> trailer_wrong;
    // Nobody has a use for an extension, and not all readers agree where it ends. Beast comes here
    // for the last chunk when it has the whole trailer, of which it joins folded lines.
    auto look = [&](std::uint64_t size, beast::string_view extension, ErrorCode& wrong) {
        if (!extension.empty()) wrong = http::error::bad_chunk_extension;
        if (size > 0 || wrong) return;
        const auto data = session.buffer.data();
        const std::string_view arrived(static_cast<const char*>(data.data()), data.size());
        trailer_wrong = trailer_fault(behind_size_line(arrived, extension.data()));
        if (trailer_wrong) wrong = http::error::bad_field;
    };
    parser.on_chunk_header(look);
    // Not eager: it would come back only at the end, past any count.
    parser.eager(false);
    session.tcp().expires_after(limits_.read);
    for (std::size_t read = 0; !parser.is_done() && !error;) {
        read += co_await http::async_read_some(session.stream, session.buffer, parser, token);
        // Trailers are no body: they may have what a header may.
        if (!error && read > bytes_max + limits_.header_bytes_max)
            error = http::error::header_limit;
    }
    if (trailer_wrong)
        co_return Unread{http::status::bad_request, trailer_wrong->field, trailer_wrong->what};
    if (error) co_return unread(error, bytes_max);
    co_return std::nullopt;
}

HttpServer::Unread HttpServer::unread(ErrorCode error, std::size_t body_bytes_max) const {
    if (error == http::error::body_limit)
        return {http::status::payload_too_large, "content-length",
                fmt::format("the body may have {} bytes and has more: shorten its longest fields",
                            body_bytes_max)};
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return {http::status::request_header_fields_too_large, "",
                fmt::format("the header may have {} bytes and has more: send fewer or shorter "
                            "fields",
                            limits_.header_bytes_max)};
    if (error == http::error::bad_chunk_extension)
        return {http::status::bad_request, "transfer-encoding",
                "transfer-encoding: a chunk has no extension here: send its size alone"};
    const bool gone = error.category() != make_error_code(http::error::end_of_stream).category() ||
                      error == http::error::end_of_stream || error == http::error::partial_message;
    return {http::status::bad_request, "", gone ? "" : error.message()};
}

template <class SessionOf>
asio::awaitable<void> HttpServer::refuse(SessionOf& session, HttpResponse response) {
    session.enter(Stage::answering);
    response.keep_alive(false);
    co_await respond(session, std::move(response), false);
    session.enter(Stage::waiting);  // It may make room for others.
    co_await linger(session);
}

// True: the connection goes on.
template <class SessionOf>
asio::awaitable<bool> HttpServer::respond(SessionOf& session, HttpResponse response,
                                          bool head_only) {
    response.version(11);
    response.set("X-Content-Type-Options", "nosniff");
    response.prepare_payload();
    if (head_only) response.body() = nullptr;  // Its length is in the header already.
    http::response_serializer<SharedBody> serializer(response);
    const Sending sending(*this, session, response.body());
    ErrorCode error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    session.tcp().expires_after(limits_.write);
    if (head_only)
        co_await http::async_write_header(session.stream, serializer, token);
    else
        co_await http::async_write(session.stream, serializer, token);
    if (error == beast::error::timeout) handler_.limited("write_time");
    co_return !error && response.keep_alive();
}

template <class SessionOf>
asio::awaitable<void> HttpServer::turn_away(std::shared_ptr<SessionOf> session) {
    try {
        if (!co_await handshake(*session, limits_)) throw std::runtime_error("no handshake");
        HttpResponse response =
            handler_.refuse(http::status::service_unavailable, {}, "too many connections");
        response.set(http::field::retry_after, "1");
        co_await refuse(*session, std::move(response));
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
    forget(session);
    if (stopping_ && sessions_.empty() && drained_) std::exchange(drained_, nullptr)();
}

void HttpServer::stop(std::function<void()> drained) {
    stopping_ = true;
    ErrorCode ignored;
    acceptor_.close(ignored);
    if (sessions_.empty()) return drained();
    drained_ = std::move(drained);
    look_for_gone_again_.cancel();
    for (const auto& session : sessions_)
        if (session->stage == Stage::waiting) session->tcp().cancel();
}

void HttpServer::abort() {
    for (const auto& session : sessions_) {
        session->peer.leave();
        session->tcp().close();
    }
}

}  // namespace tocsin::gateway
