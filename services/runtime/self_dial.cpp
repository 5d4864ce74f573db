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
#include <optional>
#include <vector>

namespace tocsin::runtime {

using std::chrono::milliseconds;

namespace {

struct Address {
    int family = 0;
    sockaddr_storage to{};
    socklen_t size = 0;
};

class Socket {
public:
    explicit Socket(int family)
        : handle_(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
    ~Socket() {
        if (handle_ >= 0) close(handle_);
    }
    Socket(const Socket&) = delete;
    int handle() const { return handle_; }

private:
    int handle_;
};

}  // namespace

static std::vector<Address> resolve(const std::string& host, int port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return {};
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
    std::vector<Address> all;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        Address& address = all.emplace_back();
        address.family = one->ai_family;
        address.size = one->ai_addrlen;
        std::memcpy(&address.to, one->ai_addr, one->ai_addrlen);
    }
    return all;
}

// Whether `events` came in time.
static bool waited(int handle, short events, milliseconds time) {
    pollfd wanted{handle, events, 0};
    return poll(&wanted, 1, static_cast<int>(time.count())) == 1;
}

static std::string dial(const Address& address, milliseconds answer) {
    const Socket wire(address.family);
    if (wire.handle() < 0) return std::strerror(errno);
    if (connect(wire.handle(), reinterpret_cast<const sockaddr*>(&address.to), address.size) != 0 &&
        errno != EINPROGRESS)
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

std::string dial(const std::string& host, int port, milliseconds answer) {
    std::string why = fmt::format("{} is not known", host);
    for (const Address& address : resolve(host, port)) {
        why = dial(address, answer);
        if (why.empty()) break;
    }
    return why;
}

// Where somebody on this machine may reach what listens on `listen`. Everywhere is not always where
// it seems: without IPv6 gRPC takes [::] for 0.0.0.0.
static std::vector<std::string> reachable_hosts(const std::string& listen) {
    std::string host = listen.substr(0, listen.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty() || host == "0.0.0.0" || host == "::") return {"127.0.0.1", "::1"};
    return {host};
}

// The first address that answers is the one that is dialled from then on, whatever becomes of its
// name; one that never did tells nothing.
static std::optional<Address> first_answering(const std::vector<std::string>& hosts, int port,
                                              milliseconds answer) {
    for (const std::string& host : hosts)
        for (const Address& address : resolve(host, port))
            if (dial(address, answer).empty()) return address;
    return std::nullopt;
}

static void keep_dialling(const std::stop_token& stop, const std::vector<std::string>& hosts,
                          int port, SelfDialTimes times,
                          const std::function<void(const std::string&)>& deaf) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::optional<Address> there;
    int failures = 0;
    while (true) {
        if (!there) there = first_answering(hosts, port, times.answer);
        std::unique_lock lock(mutex);
        stopped.wait_for(lock, stop, times.every, [] { return false; });
        if (stop.stop_requested()) return;
        if (!there) continue;
        const std::string why = dial(*there, times.answer);
        failures = why.empty() ? 0 : failures + 1;
        if (failures >= times.failures_max) return deaf(why);
    }
}

SelfDial::SelfDial(const std::string& listen, int port, SelfDialTimes times,
                   std::function<void(const std::string&)> deaf)
    : thread_([hosts = reachable_hosts(listen), port, times, deaf = std::move(deaf)](
                  const std::stop_token& stop) { keep_dialling(stop, hosts, port, times, deaf); }) {
}

}  // namespace tocsin::runtime
