// A server by itself, with limits small enough to be reached.
#pragma once

#include "gateway/http_answers.hpp"
#include "gateway/http_server.hpp"
#include "support/until.hpp"

#include <boost/asio/post.hpp>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace tocsin::gateway {

inline constexpr std::size_t mib = std::size_t{1} << 20;

// Answers `/N` with N MiB: of its own, or as `/sharedN` with what all are sent.
class Serving : public HttpHandler {
public:
    explicit Serving(HttpLimits limits, std::unique_ptr<ServerTls> tls = nullptr)
        : server_(io_, "127.0.0.1:0", limits, *this, std::move(tls)), thread_([this] {
              server_.start();
              io_.run();
          }) {}
    ~Serving() override {
        asio::post(io_, [this] {
            server_.stop([] {});
            server_.abort();
        });
        thread_.join();
    }

    std::expected<Admitted, HttpResponse> admit(const HttpHead&, const Peer&) override {
        return Admitted{1000, {}};
    }
    asio::awaitable<HttpResponse> handle(const HttpRequest& request, Peer&) override {
        const std::string target(request.target());
        if (target.starts_with("/shared"))
            co_return answer(http::status::ok, "text/plain", shared_);
        const auto mibs = static_cast<std::size_t>(std::stoi(target.substr(1)));
        co_return answer(http::status::ok, "text/plain", std::string(mibs * mib, 'x'));
    }
    HttpResponse refuse(http::status status, const std::string&, std::string_view why) override {
        return answer(status, "text/plain", std::string(why));
    }
    void limited(std::string_view limit) override {
        const std::lock_guard lock(mutex_);
        ++limited_[std::string(limit)];
    }

    int times(const std::string& limit) {
        const std::lock_guard lock(mutex_);
        return limited_[limit];
    }
    std::size_t connections() const { return server_.connections(); }
    std::size_t accepted() const { return server_.accepted(); }
    asio::io_context& io() { return io_; }
    std::size_t unsent() {
        std::promise<std::size_t> bytes;
        asio::post(io_, [&] { bytes.set_value(server_.unsent_bytes()); });
        return bytes.get_future().get();
    }
    asio::ip::tcp::endpoint address() const {
        return {asio::ip::make_address("127.0.0.1"), static_cast<unsigned short>(server_.port())};
    }

private:
    const SharedBody::value_type shared_ = std::make_shared<const std::string>(8 * mib, 'x');
    asio::io_context io_;
    HttpServer server_;
    std::mutex mutex_;
    std::map<std::string, int> limited_;
    std::jthread thread_;
};

using testing::until;

}  // namespace tocsin::gateway
