// Threads that help the ledger thread while several partitions fold history.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace boost::asio {
class thread_pool;
}

namespace tocsin::runtime {

class FoldPool {
public:
    // `helpers` beside the thread that calls run(); their threads last from the first run() that
    // has use for them until end().
    explicit FoldPool(std::size_t helpers);
    ~FoldPool();
    FoldPool(const FoldPool&) = delete;

    // Calls `work(0)` to `work(count - 1)`, some of them at once, and returns when all are done.
    // `work` must not throw.
    void run(std::size_t count, const std::function<void(std::size_t)>& work);
    void end();

private:
    const std::size_t helpers_;
    std::unique_ptr<boost::asio::thread_pool> threads_;
};

}  // namespace tocsin::runtime
