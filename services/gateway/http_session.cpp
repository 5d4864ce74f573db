#include "gateway/http_session.hpp"

#include <fmt/format.h>
#include <boost/beast/core/error.hpp>

#include <algorithm>
#include <stdexcept>

namespace tocsin::gateway {

// While a response is on its way.
class HttpSession::Sending {
public:
    Sending(const HttpSession& session, const SharedBody::value_type& body) : session_(session) {
        session_.host_.sending(session_, body);
    }
    ~Sending() { session_.host_.sent(session_); }
    Sending(const Sending&) = delete;

private:
    const HttpSession& session_;
};

HttpSession::HttpSession(std::unique_ptr<ByteStream> stream, const std::string& address,
                         const HttpLimits& limits, SessionHost& host, HttpHandler& handler)
    : stream_(std::move(stream)),
      reader_(*stream_, limits),
      limits_(limits),
      host_(host),
      handler_(handler) {
    peer.address = address;
}

void HttpSession::enter(Stage next) {
    stage_ = next;
    since_ = std::chrono::steady_clock::now();
}

asio::awaitable<bool> HttpSession::handshake() {
    stream_->expires_after(limits_.handshake);
    co_return co_await stream_->handshake();
}

asio::awaitable<void> HttpSession::serve() {
    try {
        if (!co_await handshake()) co_return;
        while (co_await serve_one()) {
        }
        co_await stream_->say_goodbye();
    } catch (const std::exception&) {
        // The handler answers its own errors; what is left is a connection that cannot go on.
    }
}

asio::awaitable<void> HttpSession::turn_away() {
    try {
        if (!co_await handshake()) co_return;
        HttpResponse response =
            handler_.refuse(http::status::service_unavailable, {}, "too many connections");
        response.set(http::field::retry_after, "1");
        co_await refuse(std::move(response));
    } catch (const std::exception&) {
        // Nothing more can be said on this connection.
    }
}

asio::awaitable<bool> HttpSession::serve_one() {
    enter(Stage::waiting);
    auto wrong = co_await reader_.await_head();
    head_only_ = reader_.begins_with("HEAD ");
    RequestParser parser;
    if (!wrong) {
        enter(Stage::reading);
        wrong = reader_.parse_head(parser);
    }
    if (wrong) {
        co_await refuse(*wrong);
        co_return false;
    }
    // As it is now: what a trailer says later is no part of it.
    const HttpHead head = parser.get().base();
    auto admitted = handler_.admit(head, peer);
    if (admitted) co_return co_await answer(head, parser, std::move(*admitted));
    enter(Stage::answering);
    const bool goes_on = parser.is_done() && parser.keep_alive() && admitted.error().keep_alive() &&
                         !host_.stopping();
    if (goes_on) co_return co_await respond(std::move(admitted.error()));
    co_await refuse(std::move(admitted.error()));
    co_return false;
}

asio::awaitable<bool> HttpSession::answer(const HttpHead& head, RequestParser& parser,
                                          Admitted admitted) {
    if (const auto wrong = co_await reader_.read_body(parser, admitted.body_bytes_max)) {
        co_await refuse(*wrong);
        co_return false;
    }
    enter(Stage::answering);
    stream_->expires_never();
    const HttpRequest request(HttpHead(head), std::move(parser.get().body()));
    HttpResponse response = co_await handler_.handle(request, peer);
    admitted.place.reset();
    response.keep_alive(request.keep_alive() && !host_.stopping());
    co_return co_await respond(std::move(response));
}

asio::awaitable<void> HttpSession::refuse(const Unread& wrong) {
    if (wrong.why.empty()) co_return;
    co_await refuse(handler_.refuse(wrong.status, wrong.field, wrong.why));
}

asio::awaitable<void> HttpSession::refuse(HttpResponse response) {
    enter(Stage::answering);
    response.keep_alive(false);
    co_await respond(std::move(response));
    enter(Stage::waiting);  // It may make room for others.
    co_await stream_->linger();
}

asio::awaitable<bool> HttpSession::respond(HttpResponse response) {
    response.version(11);
    response.set("X-Content-Type-Options", "nosniff");
    response.prepare_payload();
    // RFC 9110, section 8.6: a 204 has no length.
    if (response.result() == http::status::no_content) response.erase(http::field::content_length);
    if (head_only_) response.body() = nullptr;  // Its length is in the header already.
    const Sending sending(*this, response.body());
    stream_->expires_after(limits_.write);
    ErrorCode error;
    co_await write(response, error);
    if (error == beast::error::timeout) handler_.limited("write_time");
    co_return !error && response.keep_alive();
}

static std::string head_text(const HttpResponse& response) {
    const auto view = [](beast::string_view text) {
        return std::string_view(text.data(), text.size());
    };
    std::string text =
        fmt::format("HTTP/1.1 {} {}\r\n", response.result_int(), view(response.reason()));
    for (const auto& field : response.base())
        text.append(view(field.name_string()))
            .append(": ")
            .append(view(field.value()))
            .append("\r\n");
    return text.append("\r\n");
}

asio::awaitable<void> HttpSession::write(const HttpResponse& response, ErrorCode& error) {
    // The head goes with the beginning of the body, in one packet; the rest is not copied.
    constexpr std::size_t copied_max = std::size_t{16} << 10;
    std::string begin = head_text(response);
    std::string_view rest = response.body() ? *response.body() : std::string_view{};
    const auto with_head = rest.substr(0, copied_max - std::min(copied_max, begin.size()));
    begin += with_head;
    rest.remove_prefix(with_head.size());
    co_await stream_->write(asio::buffer(begin), error);
    co_await stream_->write(asio::buffer(rest), error);
}

}  // namespace tocsin::gateway
