#include "runtime/ledger/fold_pool.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <latch>

namespace tocsin::runtime {

FoldPool::FoldPool() = default;

FoldPool::~FoldPool() { end(); }

namespace {

// Outlives run(): a helper that comes late finds that there is nothing left for it.
struct Pieces {
    explicit Pieces(std::size_t all) : count(all), left(static_cast<std::ptrdiff_t>(all)) {}
    const std::size_t count;
    std::atomic<std::size_t> next{0};
    std::latch left;

    void take(const std::function<void(std::size_t)>& work) {
        for (std::size_t i = next++; i < count; i = next++) {
            work(i);
            left.count_down();
        }
    }
};

}  // namespace

void FoldPool::run(std::size_t count, const std::function<void(std::size_t)>& work) {
    if (count == 0) return;
    const auto pieces = std::make_shared<Pieces>(count);
    const std::size_t helping = std::min(helpers_, count - 1);
    if (helping > 0 && !threads_) threads_ = std::make_unique<boost::asio::thread_pool>(helpers_);
    // `work` is there as long as a piece is left.
    for (std::size_t i = 0; i < helping; ++i)
        boost::asio::post(*threads_, [pieces, &work] { pieces->take(work); });
    pieces->take(work);
    pieces->left.wait();
}

void FoldPool::end() { threads_.reset(); }

}  // namespace tocsin::runtime
