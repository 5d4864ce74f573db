#include "runtime/host/self_dial.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stop_token>
#include <utility>
#include <vector>

namespace tocsin::runtime {

using std::chrono::milliseconds;

namespace {

struct Address {
    int family = 0;
    sockaddr_storage to{};
    socklen_t size = 0;
};

class OwnedSocket {
public:
    explicit OwnedSocket(int handle) : handle_(handle) {}
    ~OwnedSocket() {
        if (handle_ >= 0) close(handle_);
    }
    OwnedSocket(const OwnedSocket&) = delete;
    int handle() const { return handle_; }

private:
    int handle_;
};

// Can be read from once it is asked for the end.
class Ending {
public:
    explicit Ending(const std::stop_token& stop) : asked_(stop, [this] { tell(); }) {}
    int handle() const { return event_.handle(); }

private:
    void tell() const { eventfd_write(event_.handle(), 1); }

    OwnedSocket event_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    std::stop_callback<std::function<void()>> asked_;  // last: it may tell at once
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

// Whether `events` came in time, and before `ending` could be read from.
static bool waited(int handle, short events, milliseconds time, int ending) {
    pollfd wanted[] = {{handle, events, 0}, {ending, POLLIN, 0}};
    return poll(wanted, 2, static_cast<int>(time.count())) > 0 && wanted[1].revents == 0;
}

static std::string dial(const Address& address, milliseconds answer, int ending) {
    const OwnedSocket wire(socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (wire.handle() < 0) return std::strerror(errno);
    if (connect(wire.handle(), reinterpret_cast<const sockaddr*>(&address.to), address.size) != 0 &&
        errno != EINPROGRESS)
        return std::strerror(errno);
    if (!waited(wire.handle(), POLLOUT, answer, ending))
        return "the connection was not made in time";
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(wire.handle(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return std::strerror(error);
    shutdown(wire.handle(), SHUT_WR);
    // The kernel makes connections for a server that accepts none: a byte, an end or a reset does
    // not come from it.
    if (!waited(wire.handle(), POLLIN, answer, ending))
        return "the connection was not accepted in time";
    return {};
}

std::string dial(const std::string& host, int port, milliseconds answer) {
    constexpr int never = -1;
    std::string why = fmt::format("{} is not known", host);
    for (const Address& address : resolve(host, port)) {
        why = dial(address, answer, never);
        if (why.empty()) break;
    }
    return why;
}

// The addresses at which this machine may reach what listens on `listen`. A wildcard is not always
// what it seems: without IPv6 gRPC takes [::] for 0.0.0.0.
static std::vector<std::string> reachable_hosts(const std::string& listen) {
    std::string host = listen.substr(0, listen.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty() || host == "0.0.0.0" || host == "::") return {"127.0.0.1", "::1"};
    return {host};
}

namespace {

struct Listener {
    Address address;
    int failures = 0;  // in a row
};

}  // namespace

// These are dialled from then on, even if their names change; one that never answered is left out.
static std::vector<Listener> answering(const std::vector<std::string>& hosts, int port,
                                       milliseconds answer, int ending) {
    std::vector<Listener> all;
    for (const std::string& host : hosts)
        for (const Address& address : resolve(host, port))
            if (dial(address, answer, ending).empty()) all.push_back({address});
    return all;
}

static void keep_dialling(const std::stop_token& stop, const std::vector<std::string>& hosts,
                          int port, SelfDialTimes times, const SelfDial::Tells& tells) {
    const Ending ending(stop);
    std::vector<Listener> listeners;
    const auto accepted = [&] { return tells.accepted ? tells.accepted() : 0; };
    std::size_t accepted_before = accepted();
    bool answers = true;
    while (true) {
        if (listeners.empty()) listeners = answering(hosts, port, times.answer, ending.handle());
        constexpr int nothing = -1;
        waited(nothing, 0, times.every, ending.handle());
        for (Listener& one : listeners) {
            const std::string why = dial(one.address, times.answer, ending.handle());
            if (stop.stop_requested()) return;
            const std::size_t before = std::exchange(accepted_before, accepted());
            // Others were accepted meanwhile: slow, and not deaf.
            const bool slow = accepted_before != before;
            one.failures = why.empty() ? 0
                           : slow      ? std::min(one.failures + 1, times.failures_doubted)
                                       : one.failures + 1;
            if (one.failures >= times.failures_max) return tells.deaf(why);
        }
        if (stop.stop_requested()) return;
        const bool all_answer = std::ranges::none_of(
            listeners, [&](const Listener& one) { return one.failures >= times.failures_doubted; });
        if (std::exchange(answers, all_answer) != all_answer) tells.answers(all_answer);
    }
}

SelfDial::SelfDial(const std::string& listen, int port, SelfDialTimes times, Tells tells)
    : SelfDial(reachable_hosts(listen), port, times, std::move(tells)) {}

SelfDial::SelfDial(std::vector<std::string> hosts, int port, SelfDialTimes times, Tells tells)
    : thread_([hosts = std::move(hosts), port, times,
               tells = std::move(tells)](const std::stop_token& stop) {
          keep_dialling(stop, hosts, port, times, tells);
      }) {}

}  // namespace tocsin::runtime
