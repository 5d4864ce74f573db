#include "gateway/work_pool.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <memory>

namespace tocsin::gateway {

namespace asio = boost::asio;

asio::awaitable<void> WorkPool::run(std::function<void()> work) {
    ++under_way_;
    auto initiate = [this, &work](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        asio::post(threads_, [this, shared = std::move(shared), &work]() mutable {
            std::exception_ptr thrown;
            try {
                work();
            } catch (...) {
                thrown = std::current_exception();
            }
            asio::post(io_, [this, shared = std::move(shared), thrown] {
                --under_way_;
                std::move (*shared)(thrown);
            });
        });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(std::exception_ptr)>(
        initiate, asio::use_awaitable);
}

}  // namespace tocsin::gateway
