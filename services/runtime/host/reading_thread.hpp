// The thread on which answers of strangers are read: one for a service, of low priority, so that a
// large or hostile answer takes no time from the loop that sends. Owners (realms) take turns, task
// by task: one that keeps sending much to be read delays another by one task at a time.
#pragma once

#include "runtime/base/task.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>

namespace tocsin::runtime {

class ReadingThread {
public:
    struct Limits {
        // Of what one owner has waiting.
        std::size_t owner_tasks_max = 4096;
        std::size_t owner_bytes_max = std::size_t{16} << 20;
        // Of all; an owner that has nothing waiting is taken all the same, so that the others can
        // not keep it out.
        std::size_t bytes_max = std::size_t{64} << 20;
    };

    ReadingThread() : ReadingThread(Limits{}) {}
    explicit ReadingThread(Limits limits);
    ~ReadingThread() { stop(); }
    ReadingThread(const ReadingThread&) = delete;

    // Any thread. `task` must not throw; it reads `bytes`. False, and the task is as it was: too
    // much waits, or it was stopped.
    bool run(const std::string& owner, std::size_t bytes, std::move_only_function<void()>& task);

    // Drops what has not begun, and returns when what has begun is over. From then on nothing is
    // taken.
    void stop();

private:
    struct Waiting {
        std::size_t bytes;
        std::move_only_function<void()> task;
    };
    struct Queue {
        std::deque<Waiting> tasks;
        std::size_t bytes = 0;
    };

    void work();
    bool has_room(const std::string& owner, std::size_t bytes) const;
    std::move_only_function<void()> next();

    Limits limits_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Queue> queues_;  // of owners with tasks that wait
    std::deque<std::string> turns_;        // the same, each once, the next one first
    std::size_t bytes_ = 0;
    bool over_ = false;
    std::thread thread_;  // last: it uses the members above
};

// Runs `read` somewhere and then, on the loop, `then` with whether it was read: not where too much
// of that owner waits to be.
using Aside = std::function<void(const std::string& owner, std::size_t bytes,
                                 std::move_only_function<void()> read,
                                 std::move_only_function<void(bool)> then)>;

// On the thread. `post` runs a task on the loop; both live longer than what is made here.
Aside aside_on(ReadingThread& thread, std::function<void(std::move_only_function<void()>)> post);
// At once, where there is no loop to be held up: in tests and simulations.
Aside aside_here();

namespace detail {

template <class Read>
struct ReadAwaiter {
    const Aside& aside;
    const std::string& owner;
    std::size_t bytes;
    Read& read;
    std::optional<std::invoke_result_t<Read&>> result{};
    std::exception_ptr failure{};

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        auto reading = [this] {
            try {
                result.emplace(read());
            } catch (...) {
                failure = std::current_exception();
            }
        };
        aside(owner, bytes, std::move(reading), [waiting](bool) { waiting.resume(); });
    }
    std::optional<std::invoke_result_t<Read&>> await_resume() {
        if (failure) std::rethrow_exception(failure);
        return std::move(result);
    }
};

}  // namespace detail

// What `read()` returns, read away from the loop; nothing: too much of the owner waits to be read.
// `read` refers to nothing that changes or ends before the awaiting coroutine goes on.
template <class Read>
Task<std::optional<std::invoke_result_t<Read&>>> read_aside(const Aside& aside,
                                                            const std::string& owner,
                                                            std::size_t bytes, Read read) {
    detail::ReadAwaiter<Read> awaiter{aside, owner, bytes, read};
    co_return co_await awaiter;
}

}  // namespace tocsin::runtime
