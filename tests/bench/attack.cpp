#include "bench/attack.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <random>
#include <utility>

namespace tocsin::bench {

static sockaddr_in place(const char* host, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    inet_pton(AF_INET, host, &address.sin_addr);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

Wire::Wire(int port) : handle_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval second{1, 0};
    setsockopt(handle_, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
    setsockopt(handle_, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    const sockaddr_in from = place("127.0.0.2", 0), to = place("127.0.0.1", port);
    if (bind(handle_, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
        connect(handle_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0)
        return;
    close(std::exchange(handle_, -1));
}

Wire::~Wire() {
    if (handle_ >= 0) close(handle_);
}

Wire::Wire(Wire&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}

bool Wire::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(handle_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool Wire::read_some() const {
    char buffer[16384];
    return recv(handle_, buffer, sizeof buffer, 0) > 0;
}

static std::string head(const std::string& more) {
    return "POST /tocsin.drafting.v1.DraftingService/PreviewMessage HTTP/1.1\r\nHost: x\r\n"
           "Content-Type: application/json\r\n" +
           more + "\r\n";
}

static std::string forged(const std::string& token) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    static constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::string other = token;
    for (std::size_t at = other.size() - 40; at < other.size() - 2; ++at)
        other[at] = letters[random() % letters.size()];
    return other;
}

// As many as one address may have, and some more.
static void hold_connections(int port, const std::atomic<bool>& running) {
    std::deque<Wire> held;
    for (int i = 0; i < 400 && running; ++i) {
        held.emplace_back(port);
        held.back().send("GET /feeds/");
    }
}

static void open_connections(int port, const std::atomic<bool>&) { const Wire one(port); }

static void show_forged_tokens(int port, const std::atomic<bool>& running,
                               const std::string& token) {
    const Wire wire(port);
    for (int i = 0; i < 100 && running; ++i)
        if (!wire.send(head(
                fmt::format("Authorization: Bearer {}\r\nContent-Length: 0\r\n", forged(token)))) ||
            !wire.read_some())
            return;
}

static void send_bodies(int port, const std::atomic<bool>&) {
    static const std::string body(1 << 20, ' ');
    const Wire wire(port);
    if (wire.send(head(fmt::format("Content-Length: {}\r\n", body.size())))) wire.send(body);
}

static void frame_without_end(int port, const std::atomic<bool>& running) {
    static const std::string extension(1 << 16, 'a');
    const Wire wire(port);
    if (!wire.send("POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;"))
        return;
    while (running && wire.send(extension)) {
    }
}

static void read_nothing(int port, const std::atomic<bool>& running) {
    static const std::string request =
        fmt::format("GET /feeds/{}/en-CA.atom HTTP/1.1\r\nHost: x\r\n\r\n", "bench");
    const Wire wire(port);
    for (int i = 0; i < 2000 && running; ++i)
        if (!wire.send(request)) return;
}

std::vector<Attack> attacks(const std::string& good_token) {
    return {{"connections held", hold_connections},
            {"connections opened", open_connections},
            {"forged tokens",
             [good_token](int port, const std::atomic<bool>& running) {
                 show_forged_tokens(port, running, good_token);
             }},
            {"bodies without a token", send_bodies},
            {"chunks without end", frame_without_end},
            {"answers unread", read_nothing}};
}

Attackers::Attackers(const Attack& attack, int port) {
    for (int i = 0; i < number; ++i)
        threads_.emplace_back([this, attack, port] {
            constexpr int lowest_priority = 19;
            setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), lowest_priority);
            while (running_) attack.once(port, running_);
        });
}

Attackers::~Attackers() { running_ = false; }

}  // namespace tocsin::bench
