#include "runtime/fold_pool.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <latch>

namespace tocsin::runtime {

FoldPool::FoldPool() = default;

FoldPool::~FoldPool() { end(); }

void FoldPool::run(std::size_t count, const std::function<void(std::size_t)>& work) {
    if (count == 0) return;
    std::atomic<std::size_t> next{0};
    const auto take = [&] {
        for (std::size_t i = next++; i < count; i = next++) work(i);
    };
    const std::size_t helping = std::min(helpers_, count - 1);
    if (helping > 0 && !threads_) threads_ = std::make_unique<boost::asio::thread_pool>(helpers_);
    // Shared: who counts it down last may still be in it when it was waited for.
    const auto done = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(helping));
    for (std::size_t i = 0; i < helping; ++i)
        boost::asio::post(*threads_, [&take, done] {
            take();
            done->count_down();
        });
    take();
    done->wait();
}

void FoldPool::end() { threads_.reset(); }

}  // namespace tocsin::runtime
