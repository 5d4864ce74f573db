// Threads for what takes long, such as reading a large body, so that the one that serves all
// connections never waits for it. All methods belong to the thread that runs `io`.
#pragma once

#include <utility>  // Asio needs it before its own headers.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstddef>
#include <functional>

namespace tocsin::gateway {

class WorkPool {
public:
    explicit WorkPool(boost::asio::io_context& io) : io_(io), threads_(threads_max) {}
    ~WorkPool() { threads_.join(); }

    bool idle() const { return under_way_ == 0; }
    // Runs `work` on one of the threads, while the caller's coroutine waits, and throws what it
    // throws.
    boost::asio::awaitable<void> run(std::function<void()> work);

private:
    static constexpr std::size_t threads_max = 2;

    boost::asio::io_context& io_;
    std::size_t under_way_ = 0;
    boost::asio::thread_pool threads_;
};

}  // namespace tocsin::gateway
