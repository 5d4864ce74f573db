#include "bench/attack.hpp"

#include "bench/city.hpp"
#include "tocsin/drafting/v1/drafting_service.grpc.pb.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
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

static void show_forged_tokens(const Target& target, const std::atomic<bool>& running) {
    const Wire wire(target.gateway);
    for (int i = 0; i < 100 && running; ++i)
        if (!wire.send(head(fmt::format("Authorization: Bearer {}\r\nContent-Length: 0\r\n",
                                        forged(target.token)))) ||
            !wire.read_some())
            return;
}

static void send_bodies(int port) {
    static const std::string body(1 << 20, ' ');
    const Wire wire(port);
    if (wire.send(head(fmt::format("Content-Length: {}\r\n", body.size())))) wire.send(body);
}

// `begin` opens what `more` never closes.
static void send_without_end(int port, std::string_view begin, std::string_view more,
                             const std::atomic<bool>& running) {
    const Wire wire(port);
    if (!wire.send("POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n") ||
        !wire.send(begin))
        return;
    while (running && wire.send(more)) {
    }
}

static void frame_without_end(int port, const std::atomic<bool>& running) {
    static const std::string extension(1 << 16, 'a');
    send_without_end(port, "1;", extension, running);
}

static void trail_without_end(int port, const std::atomic<bool>& running) {
    static const std::string trailers = [] {
        std::string all;
        for (int i = 0; i < 1000; ++i) all += "x-trailer: of some length that is kept\r\n";
        return all;
    }();
    send_without_end(port, "0\r\n", trailers, running);
}

static void read_nothing(int port, const std::atomic<bool>& running) {
    static const std::string request =
        fmt::format("GET /feeds/{}/en-CA.atom HTTP/1.1\r\nHost: x\r\n\r\n", realm);
    const Wire wire(port);
    for (int i = 0; i < 2000 && running; ++i)
        if (!wire.send(request)) return;
}

// RFC 9113, sections 3.4, 6.5 and 6.7.
static void ping(int port, const std::atomic<bool>& running) {
    static const std::string pings = [] {
        std::string all;
        for (int i = 0; i < 1000; ++i) all += std::string("\0\0\x08\x06\0\0\0\0\0pingping", 17);
        return all;
    }();
    const Wire wire(port);
    if (!wire.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") ||
        !wire.send(std::string_view("\0\0\0\x04\0\0\0\0\0", 9)))
        return;
    while (running && wire.send(pings) && wire.read_some()) {
    }
}

// A draft of as many texts as fit into 1 MiB.
static void send_what_is_slow_to_parse(const Target& target) {
    static const std::string body = [] {
        std::string all = R"({"draft":{"texts":[)";
        while (all.size() < (1 << 20) - 100) all += R"({"headline":"a","language":"en"},)";
        return all + "{}]}}";
    }();
    const Wire wire(target.gateway);
    if (wire.send(head(fmt::format("Authorization: Bearer {}\r\nContent-Length: {}\r\n",
                                   target.neighbour, body.size()))) &&
        wire.send(body))
        wire.read_some();
}

// A read that waits for what never comes, for somebody who is gone.
static void call_and_hang_up(const Target& target) {
    const Wire wire(target.gateway);
    wire.send(head(fmt::format("Authorization: Bearer {}\r\nContent-Length: 2\r\n"
                               "tocsin-after: drafting/0/1000000\r\n",
                               target.neighbour)) +
              "{}");
}

static void watch_without_reading(const Target& target, const std::atomic<bool>& running) {
    constexpr int streams = 50;
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto drafting = drafting::v1::DraftingService::NewStub(grpc::CreateCustomChannel(
        fmt::format("127.0.0.1:{}", target.grpc), grpc::InsecureChannelCredentials(), arguments));
    std::deque<grpc::ClientContext> contexts;
    std::vector<std::unique_ptr<grpc::ClientReader<drafting::v1::WatchMessagesResponse>>> unread;
    for (int i = 0; i < streams && running; ++i) {
        grpc::ClientContext& context = contexts.emplace_back();
        context.AddMetadata("authorization", "Bearer " + target.neighbour);
        unread.push_back(drafting->WatchMessages(&context, {}));
    }
    for (grpc::ClientContext& context : contexts) context.TryCancel();
    for (const auto& stream : unread) stream->Finish();
}

std::vector<Attack> attacks(const Target& target) {
    using StillOn = std::atomic<bool>;
    const int port = target.gateway;
    return {
        {"connections held", [=](const StillOn& running) { hold_connections(port, running); }},
        {"connections opened", [=](const StillOn&) { const Wire one(port); }},
        {"forged tokens", [=](const StillOn& running) { show_forged_tokens(target, running); }},
        {"bodies without a token", [=](const StillOn&) { send_bodies(port); }},
        {"chunks without end", [=](const StillOn& running) { frame_without_end(port, running); }},
        {"trailers without end", [=](const StillOn& running) { trail_without_end(port, running); }},
        {"answers unread", [=](const StillOn& running) { read_nothing(port, running); }},
        {"gRPC connections held",
         [=](const StillOn& running) { hold_connections(target.grpc, running); }},
        {"gRPC pings", [=](const StillOn& running) { ping(target.grpc, running); }},
        {"a neighbour's large JSON", [=](const StillOn&) { send_what_is_slow_to_parse(target); }},
        {"a neighbour's calls left", [=](const StillOn&) { call_and_hang_up(target); }},
        {"a neighbour's streams unread",
         [=](const StillOn& running) { watch_without_reading(target, running); }}};
}

Attackers::Attackers(const Attack& attack) {
    for (int i = 0; i < number; ++i)
        threads_.emplace_back([this, attack] {
            constexpr int lowest_priority = 19;
            setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), lowest_priority);
            while (running_) attack.once(running_);
        });
}

Attackers::~Attackers() { running_ = false; }

}  // namespace tocsin::bench
