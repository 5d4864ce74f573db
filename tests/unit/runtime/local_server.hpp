// A small HTTP server on loopback for tests of the client: plain sockets, and every reply scripted.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::runtime {

class LocalServer {
public:
    // Called with each whole request; writes to the socket. True keeps the connection.
    using Reply = std::function<bool(const std::string& request, int socket)>;

    explicit LocalServer(Reply reply) : reply_(std::move(reply)) {
        listening_ = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address);
        socklen_t size = sizeof address;
        getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        listen(listening_, 64);
        accepting_ = std::thread([this] { accept_all(); });
    }
    ~LocalServer() {
        stopping_ = true;
        accepting_.join();  // and only then nobody adds to the others
        for (std::thread& thread : threads_) thread.join();
        close(listening_);
    }

    std::string url(const std::string& path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + path;
    }
    // Whole requests that arrived, in order.
    std::vector<std::string> requests() const {
        const std::lock_guard guard(mutex_);
        return requests_;
    }
    int connections() const { return connections_; }

    static void write(int socket, const std::string& text) {
        ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    }
    static std::string answer(const std::string& status, const std::string& body,
                              const std::string& headers = "") {
        return "HTTP/1.1 " + status + "\r\n" + headers +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

private:
    bool readable(int socket) const {
        pollfd entry{socket, POLLIN, 0};
        while (!stopping_)
            if (poll(&entry, 1, 20) > 0) return true;
        return false;
    }

    void accept_all() {
        while (readable(listening_)) {
            const int socket = accept(listening_, nullptr, nullptr);
            ++connections_;
            threads_.emplace_back([this, socket] { serve(socket); });
        }
    }

    void serve(int socket) {
        std::string pending;
        while (readable(socket)) {
            char buffer[65536];
            const ssize_t size = recv(socket, buffer, sizeof buffer, 0);
            if (size <= 0) break;
            pending.append(buffer, static_cast<std::size_t>(size));
            const auto end = pending.find("\r\n\r\n");
            if (end == std::string::npos) continue;
            std::size_t length = 0;
            if (const auto at = pending.find("Content-Length: ");
                at < end && at != std::string::npos)
                length = std::stoul(pending.substr(at + 16));
            if (pending.size() < end + 4 + length) continue;
            {
                const std::lock_guard guard(mutex_);
                requests_.push_back(pending);
            }
            if (!reply_(pending, socket)) break;
            pending.clear();
        }
        close(socket);
    }

    Reply reply_;
    int listening_ = -1;
    int port_ = 0;
    std::atomic<bool> stopping_{false};
    std::atomic<int> connections_{0};
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::vector<std::thread> threads_;  // one a connection
    std::thread accepting_;
};

}  // namespace tocsin::runtime
