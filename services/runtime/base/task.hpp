// Task<T>: a lazy coroutine that yields one T to its awaiter. It starts when awaited and
// resumes its awaiter directly when done. Owned by one awaiter; not thread-safe itself.
//
// g++ 12 miscompiles a lambda literal with captures inside a co_await expression: name it first.
#pragma once

#include "runtime/base/invariant.hpp"

#include <coroutine>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace tocsin::runtime {

template <class T>
class Task;

namespace detail {

struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) const noexcept {
        return done.promise().awaiter ? done.promise().awaiter : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
};

struct PromiseBase {
    std::coroutine_handle<> awaiter;
    std::exception_ptr failure;

    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { failure = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
    std::optional<T> value;
    Task<T> get_return_object();
    void return_value(T result) { value.emplace(std::move(result)); }
    T take() {
        if (failure) std::rethrow_exception(failure);
        return std::move(*value);
    }
};

template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    void return_void() const noexcept {}
    void take() const {
        if (failure) std::rethrow_exception(failure);
    }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    explicit Task(Handle handle) : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Task() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
        handle_.promise().awaiter = awaiter;
        return handle_;
    }
    T await_resume() { return handle_.promise().take(); }

private:
    Handle handle_;
};

namespace detail {

template <class T>
Task<T> Promise<T>::get_return_object() {
    return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() {
    return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// Starts at once and frees itself at its end. An exception that reaches it ends the process: a
// detached task has no awaiter that could catch it.
struct Detached {
    struct promise_type {
        Detached get_return_object() const noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept {
            std::string what = "of an unknown type";
            try {
                throw;
            } catch (const std::exception& failure) {
                what = failure.what();
            } catch (...) {  // All that can be said of it is said.
            }
            end_at_broken_invariant("a detached task lets no exception out: " + what);
        }
    };
};

}  // namespace detail

// Runs a task on the calling thread up to its first suspension, and lets it end by itself.
inline detail::Detached spawn(Task<void> task) { co_await std::move(task); }

}  // namespace tocsin::runtime
