// HTTP/1.1, plain or by TLS: who may connect, how many, and a graceful stop. Each connection is an
// HttpSession; what is answered is the handler's business.
//
// When there is no room for a connection, the one that has been idle for longest makes it; when the
// bodies of responses take too much memory, the oldest end of the address whose take the most of
// it.
//
// Everything runs on the one thread that runs `io`; only `connections()`, `accepted()` and the
// constructor may be used from elsewhere. No lambda is written inside a co_await expression: g++ 12
// miscompiles it.
#pragma once

#include "gateway/http_handler.hpp"
#include "gateway/http_limits.hpp"
#include "gateway/http_session.hpp"
#include "gateway/rates.hpp"
#include "gateway/server_tls.hpp"
#include "gateway/unsent.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace tocsin::gateway {

class HttpServer : SessionHost {
public:
    // Binds `address`, "host:port"; throws std::runtime_error naming it when that fails. Without
    // `tls` it is plain text.
    HttpServer(asio::io_context& io, const std::string& address, HttpLimits limits,
               HttpHandler& handler, std::unique_ptr<ServerTls> tls = nullptr);

    int port() const { return port_; }
    std::size_t connections() const { return open_; }
    // Since the start, those included that were closed at once.
    std::size_t accepted() const { return accepted_; }
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
    asio::awaitable<void> accept();
    // Some of those that wait to be accepted; why not, where there is one and it cannot be.
    ErrorCode accept_waiting();
    void admit(asio::ip::tcp::socket socket);
    // Whether another connection from there has room, or was made room for.
    bool make_room(const std::string& address, int handle);
    bool may_be_told(const std::string& address) const;
    // Closes what has been idle for longest, of `address` or, where it is empty, of all.
    bool shed_oldest(const std::string& address);
    bool stopping() const override { return stopping_; }
    void sending(const HttpSession& session, const SharedBody::value_type& body) override;
    void sent(const HttpSession& session) override;
    // Closes those whose responses are given up, see unsent.hpp.
    void bound_unsent(const HttpSession& newest);
    void forget(const std::shared_ptr<HttpSession>& session);
    // Whether the peer has left, by what poll(2) says of its socket.
    bool has_left(Peer& peer, short events) const;
    // Tells the handler of peers that have left while they are being answered.
    asio::awaitable<void> look_for_gone();
    asio::awaitable<void> run(std::shared_ptr<HttpSession> session, bool one_too_many);
    void ended(const std::shared_ptr<HttpSession>& session);

    asio::io_context& io_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer look_for_gone_again_;
    int port_ = 0;
    HttpLimits limits_;
    HttpHandler& handler_;
    std::unique_ptr<ServerTls> tls_;
    std::set<std::shared_ptr<HttpSession>> sessions_;
    std::map<std::string, std::size_t> by_address_;
    Rates new_connections_;
    Unsent unsent_;
    std::atomic<std::size_t> open_{0}, accepted_{0}, shed_{0};
    bool stopping_ = false;
    std::function<void()> drained_;
};

}  // namespace tocsin::gateway
