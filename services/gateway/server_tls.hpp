// The gateway's certificate: from files, and from new ones when those change, for new connections.
#pragma once

#include <utility>  // Asio needs it before its own headers.

#include <boost/asio/ssl/context.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace tocsin::gateway {

// One thread.
class ServerTls {
public:
    // Throws std::runtime_error naming the file that cannot be used.
    ServerTls(std::string cert, std::string key);

    // The context for the next connection. Files that cannot be used leave the old one in place.
    std::shared_ptr<boost::asio::ssl::context> current();

private:
    std::uint64_t stamp() const;
    std::shared_ptr<boost::asio::ssl::context> load() const;

    std::string cert_, key_;
    std::uint64_t stamp_ = 0;
    std::chrono::steady_clock::time_point next_look_{};
    std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace tocsin::gateway
