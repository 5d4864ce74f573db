#include "runtime/self_dial.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>

namespace tocsin::runtime {

using std::chrono::milliseconds;

namespace {

class Socket {
public:
    explicit Socket(const addrinfo& to)
        : handle_(socket(to.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
    ~Socket() {
        if (handle_ >= 0) close(handle_);
    }
    Socket(const Socket&) = delete;
    int handle() const { return handle_; }

private:
    int handle_;
};

}  // namespace

// Whether `events` came in time.
static bool waited(int handle, short events, milliseconds time) {
    pollfd wanted{handle, events, 0};
    return poll(&wanted, 1, static_cast<int>(time.count())) == 1;
}

std::string dial(const std::string& host, int port, milliseconds answer) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found))
        return gai_strerror(error);
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
    const Socket wire(*found);
    if (wire.handle() < 0) return std::strerror(errno);
    if (connect(wire.handle(), found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS)
        return std::strerror(errno);
    if (!waited(wire.handle(), POLLOUT, answer)) return "the connection was not made in time";
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(wire.handle(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return std::strerror(error);
    shutdown(wire.handle(), SHUT_WR);
    // The kernel makes connections for a server that accepts none: a byte, an end or a reset does
    // not come from it.
    if (!waited(wire.handle(), POLLIN, answer)) return "the connection was not accepted in time";
    return {};
}

// Where somebody on this machine reaches what listens on `listen`.
static std::string reachable_host(const std::string& listen) {
    std::string host = listen.substr(0, listen.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty() || host == "0.0.0.0") return "127.0.0.1";
    return host == "::" ? "::1" : host;
}

static void keep_dialling(const std::stop_token& stop, const std::string& host, int port,
                          SelfDialTimes times,
                          const std::function<void(const std::string&)>& deaf) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    int failures = 0;
    while (true) {
        std::unique_lock lock(mutex);
        stopped.wait_for(lock, stop, times.every, [] { return false; });
        if (stop.stop_requested()) return;
        const std::string why = dial(host, port, times.answer);
        failures = why.empty() ? 0 : failures + 1;
        if (failures >= times.failures_max) return deaf(why);
    }
}

SelfDial::SelfDial(const std::string& listen, int port, SelfDialTimes times,
                   std::function<void(const std::string&)> deaf)
    : thread_([host = reachable_host(listen), port, times, deaf = std::move(deaf)](
                  const std::stop_token& stop) { keep_dialling(stop, host, port, times, deaf); }) {}

}  // namespace tocsin::runtime
