// What is answered by a callback, on whichever thread, awaited on an event loop.
#pragma once

#include <coroutine>
#include <functional>
#include <utility>

namespace tocsin::runtime {

template <class Answer>
class Answered {
public:
    using Post = std::function<void(std::move_only_function<void()>)>;
    using Done = std::move_only_function<void(Answer)>;

    // `begin` is called once, when this is awaited, and calls what it is given exactly once. `post`
    // brings a task to the loop, never within the call; it outlives this.
    Answered(const Post& post, std::move_only_function<void(Done)> begin)
        : post_(post), begin_(std::move(begin)) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        begin_([this, waiting](Answer given) {
            post_([this, waiting, given = std::move(given)]() mutable {
                answer_ = std::move(given);
                waiting.resume();
            });
        });
    }
    Answer await_resume() { return std::move(answer_); }

private:
    const Post& post_;
    std::move_only_function<void(Done)> begin_;
    Answer answer_{};
};

}  // namespace tocsin::runtime
