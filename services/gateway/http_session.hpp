// One connection: serves its requests, one after another.
//
// A request is admitted by its head, before a byte of its body is read. What is not admitted, or
// cannot be read, is answered and its connection closed, since where the next request would begin
// is not known.
#pragma once

#include "gateway/byte_stream.hpp"
#include "gateway/http_handler.hpp"
#include "gateway/http_limits.hpp"
#include "gateway/http_reader.hpp"
#include "gateway/peer.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace tocsin::gateway {

class HttpSession;

// What a session needs of the server that has it among others.
class SessionHost {
public:
    virtual ~SessionHost() = default;
    // No request is begun any more.
    virtual bool stopping() const = 0;
    // From now on until `sent`, the session sends a response with this body.
    virtual void sending(const HttpSession& session, const SharedBody::value_type& body) = 0;
    virtual void sent(const HttpSession& session) = 0;
};

class HttpSession {
public:
    // In the order in which they make room for others.
    enum class Stage { waiting, reading, answering };

    // `limits` outlive it, as `host` and `handler` do.
    HttpSession(std::unique_ptr<ByteStream> stream, const std::string& address,
                const HttpLimits& limits, SessionHost& host, HttpHandler& handler);

    // Until the connection ends, or cannot go on.
    asio::awaitable<void> serve();
    // Says that there are too many, whatever is asked.
    asio::awaitable<void> turn_away();

    ByteStream& stream() { return *stream_; }
    void enter(Stage next);
    Stage stage() const { return stage_; }
    std::chrono::steady_clock::time_point since() const { return since_; }  // in its stage

    Peer peer;

private:
    class Sending;

    asio::awaitable<bool> handshake();
    // True, as below: the connection goes on.
    asio::awaitable<bool> serve_one();
    asio::awaitable<bool> answer(const HttpHead& head, RequestParser& parser, Admitted admitted);
    asio::awaitable<bool> respond(HttpResponse response);
    asio::awaitable<void> refuse(HttpResponse response);
    asio::awaitable<void> refuse(const Unread& wrong);
    asio::awaitable<void> write(const HttpResponse& response, ErrorCode& error);

    std::unique_ptr<ByteStream> stream_;
    HttpReader reader_;
    const HttpLimits& limits_;
    SessionHost& host_;
    HttpHandler& handler_;
    Stage stage_ = Stage::waiting;
    bool head_only_ = false;  // The request is HEAD, even where no more of it can be read.
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

}  // namespace tocsin::gateway
