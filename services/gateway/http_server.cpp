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
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <vector>

namespace tocsin::gateway {

using asio::ip::tcp;
using Stage = HttpSession::Stage;

// Beyond this many over the cap a connection is closed without a word.
static constexpr std::size_t courtesy_max = 64;
static constexpr std::size_t courtesy_of_address_max = 8;

// A turn of the loop serves every connection that has something to do: where many have, turns are
// few, and those who wait to be accepted would wait long if it were one a turn.
static constexpr int accepted_per_turn_max = 256;

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
        acceptor_.non_blocking(true);
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
        co_await acceptor_.async_wait(tcp::acceptor::wait_read, token);
        if (stopping_) break;
        if (!error) error = accept_waiting();
        // Out of descriptors, most likely. Where none is idle, those in use need time to end.
        if (!error || shed_oldest({})) continue;
        pause.expires_after(std::chrono::milliseconds(50));
        ErrorCode ignored;
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

ErrorCode HttpServer::accept_waiting() {
    for (int i = 0; i < accepted_per_turn_max; ++i) {
        ErrorCode error;
        tcp::socket socket = acceptor_.accept(error);
        if (error) return error == asio::error::would_block ? ErrorCode{} : error;
        ++accepted_;
        try {
            admit(std::move(socket));
        } catch (const std::exception& failure) {  // Of memory, or of TLS: the next may do better.
            runtime::logs::warn("a connection cannot be served", {{"why", failure.what()}});
        }
    }
    return {};
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
    std::ignore = socket.set_option(tcp::no_delay(true), ignored);
    keep_little_unsent(socket);
    const bool one_too_many = !make_room(address, socket.native_handle());
    if (one_too_many && !may_be_told(address)) return;
    SessionHost& host = *this;
    const auto session = std::make_shared<HttpSession>(
        tls_ ? tls_stream(std::move(socket), tls_->current()) : plain_stream(std::move(socket)),
        address, limits_, host, handler_);
    if (one_too_many) session->enter(Stage::answering);  // It makes no room for another.
    sessions_.insert(session);
    ++by_address_[address];
    open_ = sessions_.size();
    asio::co_spawn(io_, run(session, one_too_many), asio::detached);
}

asio::awaitable<void> HttpServer::run(std::shared_ptr<HttpSession> session, bool one_too_many) {
    if (one_too_many)
        co_await session->turn_away();
    else
        co_await session->serve();
    ended(session);
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
    std::shared_ptr<HttpSession> oldest;
    for (const auto& session : sessions_) {
        if (session->stage() == Stage::answering) continue;
        if (!address.empty() && session->peer.address != address) continue;
        if (!oldest || std::pair(session->stage(), session->since()) <
                           std::pair(oldest->stage(), oldest->since()))
            oldest = session;
    }
    if (!oldest) return false;
    ++shed_;
    oldest->peer.leave();
    // Its descriptor is free now; its coroutine ends when its turn comes.
    oldest->stream().close();
    forget(oldest);
    return true;
}

void HttpServer::sending(const HttpSession& session, const SharedBody::value_type& body) {
    unsent_.add(&session, {session.peer.address, body, std::chrono::steady_clock::now()});
    bound_unsent(session);
}

void HttpServer::sent(const HttpSession& session) { unsent_.remove(&session); }

void HttpServer::bound_unsent(const HttpSession& newest) {
    while (unsent_.bytes() > limits_.unsent_bytes_max) {
        const auto given_up =
            unsent_.to_give_up(&newest, std::chrono::steady_clock::now(), limits_.unsent_grace);
        if (given_up == nullptr) return;  // The newest alone is more: it is as long as it may be.
        handler_.limited("unsent_bytes");
        unsent_.remove(given_up);
        const auto is_it = [&](const auto& session) { return session.get() == given_up; };
        const auto found = std::ranges::find_if(sessions_, is_it);
        if (found == sessions_.end()) continue;
        (*found)->stream().close();  // Its coroutine ends when its turn comes.
        // A copy: it is taken out of `sessions_` there.
        forget(std::shared_ptr<HttpSession>(*found));
    }
}

void HttpServer::forget(const std::shared_ptr<HttpSession>& session) {
    if (sessions_.erase(session) == 0) return;
    open_ = sessions_.size();
    const auto there = by_address_.find(session->peer.address);
    if (--there->second == 0) by_address_.erase(there);
}

bool HttpServer::has_left(Peer& peer, short events) const {
    if (events == 0 || (events & (POLLERR | POLLHUP | POLLNVAL)) != 0) return events != 0;
    const auto now = std::chrono::steady_clock::now();
    if (!peer.quiet_since) peer.quiet_since = now;
    return !peer.answer_anyway && now - *peer.quiet_since >= limits_.quiet;
}

asio::awaitable<void> HttpServer::look_for_gone() {
    std::vector<std::shared_ptr<HttpSession>> answering;
    std::vector<pollfd> sockets;
    while (!stopping_) {
        ErrorCode ignored;
        auto token = asio::redirect_error(asio::use_awaitable, ignored);
        look_for_gone_again_.expires_after(limits_.look_for_gone);
        co_await look_for_gone_again_.async_wait(token);
        answering.clear();
        sockets.clear();
        for (const auto& session : sessions_) {
            if (session->stage() != Stage::answering || session->peer.gone) continue;
            answering.push_back(session);
            sockets.push_back({session->stream().socket().native_handle(), POLLRDHUP, 0});
        }
        poll(sockets.data(), sockets.size(), 0);
        for (std::size_t i = 0; i < sockets.size(); ++i)
            if (has_left(answering[i]->peer, sockets[i].revents)) answering[i]->peer.leave();
        answering.clear();
    }
}

void HttpServer::ended(const std::shared_ptr<HttpSession>& session) {
    ErrorCode ignored;
    std::ignore = session->stream().socket().shutdown(tcp::socket::shutdown_both, ignored);
    session->stream().close();
    forget(session);
    if (stopping_ && sessions_.empty() && drained_) std::exchange(drained_, nullptr)();
}

void HttpServer::stop(std::function<void()> drained) {
    stopping_ = true;
    ErrorCode ignored;
    std::ignore = acceptor_.close(ignored);
    if (sessions_.empty()) return drained();
    drained_ = std::move(drained);
    look_for_gone_again_.cancel();
    for (const auto& session : sessions_)
        if (session->stage() == Stage::waiting) session->stream().cancel();
}

void HttpServer::abort() {
    for (const auto& session : sessions_) {
        session->peer.leave();
        session->stream().close();
    }
}

}  // namespace tocsin::gateway
