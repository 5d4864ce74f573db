#include "bench/page_reader.hpp"

#include "bench/floor.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tocsin::bench {

namespace {

// The value of a header that must be there; `name` in small letters.
std::string header(const std::string& head, std::string_view name) {
    std::istringstream lines(head);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t colon = line.find(": ");
        if (colon != name.size() || strncasecmp(line.data(), name.data(), colon) != 0) continue;
        while (line.ends_with('\r')) line.pop_back();
        return line.substr(colon + 2);
    }
    throw std::runtime_error(fmt::format("an answer has no {}", name));
}

// One reader; it knows from the first answer how long each is.
class Reader {
public:
    Reader(const Page& page, int status) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(page.port));
        const int on = 1;
        setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const timeval patience{.tv_sec = 10, .tv_usec = 0};
        setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("the server of a page cannot be reached");
        request_ =
            fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{}\r\n", page.path, page.port,
                        page.etag.empty() ? "" : fmt::format("If-None-Match: {}\r\n", page.etag));
        status_ = fmt::format("HTTP/1.1 {} ", status);
        learn(status);
    }
    ~Reader() { close(socket_); }
    Reader(const Reader&) = delete;

    const std::string& etag() const { return etag_; }

    void read() {
        ask();
        std::size_t got = 0;
        while (got < bytes_) {
            const std::size_t size = receive();
            if (got == 0 && !std::string_view(buffer_.data(), size).starts_with(status_))
                throw std::runtime_error("a page is answered otherwise than before");
            got += size;
        }
    }

private:
    void ask() const {
        if (send(socket_, request_.data(), request_.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(request_.size()))
            throw std::runtime_error("the server of a page ended a connection");
    }
    std::size_t receive() {
        const ssize_t size = recv(socket_, buffer_.data(), buffer_.size(), 0);
        if (size <= 0) throw std::runtime_error("the server of a page ended a connection");
        return static_cast<std::size_t>(size);
    }
    void learn(int status) {
        ask();
        std::string answer;
        std::size_t end = std::string::npos;
        while (end == std::string::npos) {
            answer.append(buffer_.data(), receive());
            end = answer.find("\r\n\r\n");
        }
        if (!answer.starts_with(status_))
            throw std::runtime_error("a page is answered: " + answer.substr(0, answer.find('\r')));
        bytes_ = end + 4;
        const std::string head = answer.substr(0, end);
        etag_ = header(head, "etag");
        if (status == 200) bytes_ += std::stoul(header(head, "content-length"));
        for (std::size_t got = answer.size(); got < bytes_;) got += receive();
    }

    int socket_;
    std::string request_, status_, etag_;
    std::size_t bytes_ = 0;
    std::array<char, 65536> buffer_{};
};

}  // namespace

std::string etag_of(const Page& page) { return Reader(page, 200).etag(); }

double pages_per_second(const Page& page, int status, int readers, std::chrono::milliseconds time) {
    std::atomic<bool> running{true};
    std::atomic<std::int64_t> read{0};
    std::mutex mutex;
    std::string failure;
    const auto start = Clock::now();
    std::vector<std::jthread> threads;
    for (int i = 0; i < readers; ++i)
        threads.emplace_back([&] {
            try {
                Reader reader(page, status);
                for (; running; ++read) reader.read();
            } catch (const std::exception& error) {
                const std::lock_guard guard(mutex);
                failure = error.what();
            }
        });
    std::this_thread::sleep_for(time);
    running = false;
    threads.clear();
    if (!failure.empty()) throw std::runtime_error(failure);
    return static_cast<double>(read) / seconds_since(start);
}

}  // namespace tocsin::bench
