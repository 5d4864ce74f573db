#include "bench/river.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace tocsin::bench {

using runtime::LocalServer;
using namespace std::chrono_literals;

River::River() : server_([this](const std::string&, int socket) { return serve(socket); }) {}

std::string River::csv() const {
    // Long enough ago that no rise is ahead of the clock; each reading later than the one before.
    const auto begin = std::chrono::floor<std::chrono::hours>(std::chrono::system_clock::now()) -
                       std::chrono::hours(24 * 10);
    static const auto first = begin;
    const auto line = [&](int minute, double value) {
        const std::time_t at = std::chrono::system_clock::to_time_t(first + minute * 1min);
        return fmt::format("05BH004,{:%Y-%m-%dT%H:%M:%S}-00:00,,,,,{:.3f},,,1\n", fmt::gmtime(at),
                           value);
    };
    return "ID,Date,Water Level / Niveau d'eau (m),Grade,Symbol / Symbole,QA/QC,Discharge / Débit "
           "(cms),Grade,Symbol / Symbole,QA/QC\n" +
           line(2 * rises_, threshold / 2) +
           (rises_ == 0 ? "" : line(2 * rises_ + 1, threshold * 1.1));
}

bool River::serve(int socket) {
    std::string body;
    {
        const std::lock_guard guard(mutex_);
        if (std::exchange(awaited_, false)) {
            ++rises_;
            served_at_ = Clock::now();
            served_.notify_all();
        }
        body = csv();
    }
    LocalServer::write(socket, LocalServer::answer("200 OK", body, "Content-Type: text/csv\r\n"));
    return true;
}

std::optional<Clock::time_point> River::rise() {
    std::unique_lock lock(mutex_);
    awaited_ = true;
    if (!served_.wait_for(lock, 10s, [this] { return !awaited_; })) return std::nullopt;
    return served_at_;
}

Receiver::Receiver()
    : server_([](const std::string& request, int socket) {
          LocalServer::write(socket, request.starts_with("HEAD")
                                         ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                                         : LocalServer::answer("200 OK", "{}"));
          return true;
      }) {}

}  // namespace tocsin::bench
