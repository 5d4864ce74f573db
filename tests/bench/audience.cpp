#include "bench/audience.hpp"

#include "bench/waiting.hpp"
#include "runtime/host/clock.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <stdexcept>
#include <string_view>

namespace tocsin::bench {

using std::chrono::steady_clock;

static constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

static void watch(int events, int socket) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    if (epoll_ctl(events, EPOLL_CTL_ADD, socket, &event) != 0)
        throw std::runtime_error("no more connections can be watched");
}

Audience::Audience()
    : listening_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      events_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listening_, SOMAXCONN) != 0)
        throw std::runtime_error("no port for the receivers");
    getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    watch(events_, listening_);
    watch(events_, wake_);
    thread_ = std::thread([this] { serve(); });
}

Audience::~Audience() {
    eventfd_write(wake_, 1);
    thread_.join();
    for (const auto& [socket, connection] : connections_) close(socket);
    for (const int file : {listening_, events_, wake_}) close(file);
}

std::string Audience::origin() const { return fmt::format("http://127.0.0.1:{}", port_); }

std::string Audience::url(const std::string& group, int number) const {
    return fmt::format("{}/{}/{}", origin(), group, number);
}

void Audience::answer_after(const std::string& group, std::chrono::milliseconds time) {
    const std::lock_guard guard(mutex_);
    groups_[group].time = time;
}

void Audience::forget(const std::string& group) {
    const std::lock_guard guard(mutex_);
    groups_[group].arrivals.clear();
}

std::vector<runtime::Time> Audience::await(const std::string& group, std::size_t count,
                                           std::chrono::milliseconds most) const {
    std::vector<runtime::Time> arrivals;
    const bool all = wait_until(most, [&] {
        const std::lock_guard guard(mutex_);
        const auto known = groups_.find(group);
        if (known == groups_.end() || known->second.arrivals.size() < count) return false;
        arrivals = known->second.arrivals;
        return true;
    });
    if (!all) throw std::runtime_error(fmt::format("not all {} of `{}` came", count, group));
    return arrivals;
}

std::string Audience::last_request(const std::string& group) const {
    const std::lock_guard guard(mutex_);
    return groups_.at(group).last;
}

// ---- its thread

void Audience::serve() {
    std::array<epoll_event, 512> ready{};
    while (true) {
        int wait = -1;
        if (!due_.empty())
            wait = static_cast<int>(std::max<std::int64_t>(
                std::chrono::ceil<std::chrono::milliseconds>(due_.begin()->first -
                                                             steady_clock::now())
                    .count(),
                0));
        const int count = epoll_wait(events_, ready.data(), ready.size(), wait);
        for (int i = 0; i < count; ++i) {
            const int socket = ready[static_cast<std::size_t>(i)].data.fd;
            if (socket == wake_) return;
            if (socket == listening_)
                accept_all();
            else
                read(socket);
        }
        answer_due();
    }
}

void Audience::accept_all() {
    while (true) {
        const int socket = accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket < 0) return;
        connections_[socket] = {++connections_made_, {}};
        watch(events_, socket);
    }
}

void Audience::read(int socket) {
    Connection& connection = connections_.at(socket);
    std::array<char, 65536> buffer;
    const ssize_t size = recv(socket, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return close_socket(socket);
    connection.pending.append(buffer.data(), static_cast<std::size_t>(size));
    while (take(socket, connection)) {
    }
}

// Bytes of the body that follows these headers.
static std::size_t body_bytes(std::string_view head) {
    static constexpr std::string_view name = "\r\ncontent-length:";
    for (std::size_t at = 0; at + name.size() <= head.size(); ++at) {
        if (head[at] != '\r' || strncasecmp(head.data() + at, name.data(), name.size()) != 0)
            continue;
        std::string_view value = head.substr(at + name.size());
        value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
        std::size_t bytes = 0;
        std::from_chars(value.data(), value.data() + value.size(), bytes);
        return bytes;
    }
    return 0;
}

bool Audience::take(int socket, Connection& connection) {
    const std::string_view all = connection.pending;
    const std::size_t end = all.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    const std::size_t whole = end + 4 + body_bytes(all.substr(0, end + 2));
    if (all.size() < whole) return false;
    std::chrono::milliseconds time{0};
    if (all.starts_with("POST /")) {
        const auto now = runtime::system_now();
        const std::string_view path = all.substr(6, all.find(' ', 6) - 6);
        const std::lock_guard guard(mutex_);
        Group& group = groups_[std::string(path.substr(0, path.find('/')))];
        group.arrivals.push_back(now);
        group.last = all.substr(0, whole);
        time = group.time;
    }
    connection.pending.erase(0, whole);
    due_.emplace(steady_clock::now() + time, Answer{socket, connection.number});
    return true;
}

void Audience::answer_due() {
    const auto now = steady_clock::now();
    while (!due_.empty() && due_.begin()->first <= now) {
        const Answer next = due_.begin()->second;
        due_.erase(due_.begin());
        const auto known = connections_.find(next.socket);
        if (known == connections_.end() || known->second.number != next.connection) continue;
        if (send(next.socket, answer.data(), answer.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(answer.size()))
            close_socket(next.socket);
    }
}

void Audience::close_socket(int socket) {
    connections_.erase(socket);
    close(socket);
}

}  // namespace tocsin::bench
