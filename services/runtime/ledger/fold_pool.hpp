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
    FoldPool();
    ~FoldPool();
    FoldPool(const FoldPool&) = delete;

    // That many beside the thread that calls run(), from its next call on; none before. Their
    // threads last from the first call that has use for them until end().
    void help_by(std::size_t helpers) { helpers_ = helpers; }

    // Calls `work(0)` to `work(count - 1)`, some of them at once, and returns when all are done.
    // `work` must not throw.
    void run(std::size_t count, const std::function<void(std::size_t)>& work);
    void end();

private:
    std::size_t helpers_ = 0;
    std::unique_ptr<boost::asio::thread_pool> threads_;
};

}  // namespace tocsin::runtime
