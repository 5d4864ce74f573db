// Lanes: an urgent message, or any correction, goes past a bulk send that is under way.
//
// What is not urgent takes a bounded number of places, each from its first byte until its answer,
// and waits for one where there is none; what is urgent needs no place. The bound is larger than
// almost any release, so that it keeps nothing back but one bulk send behind another.
#pragma once

#include "publishing/urgency.hpp"
#include "publishing/wire.hpp"

#include <coroutine>
#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

namespace tocsin::publishing {

inline constexpr std::size_t bulk_places = 1024;

// A retraction is, whatever it retracts.
inline bool is_urgent(const Job& job) {
    return job.delivery.purpose() == v1::PURPOSE_RETRACTION || is_urgent(job.approved.get());
}

// Event loop only.
class BulkLane {
public:
    // `post` runs a task on the event loop, later.
    BulkLane(std::size_t places, std::function<void(std::move_only_function<void()>)> post)
        : free_(places), post_(std::move(post)) {}

    // Awaited: a place, in the order in which it was asked for.
    auto enter() {
        struct Awaiter {
            BulkLane& lane;
            bool await_ready() const {
                if (lane.free_ == 0) return false;
                --lane.free_;
                return true;
            }
            void await_suspend(std::coroutine_handle<> next) { lane.waiting_.push_back(next); }
            void await_resume() const {}
        };
        return Awaiter{*this};
    }
    // Gives a place back.
    void leave() {
        if (waiting_.empty()) {
            ++free_;
            return;
        }
        const std::coroutine_handle<> next = waiting_.front();
        waiting_.pop_front();
        // Not from here: it may leave at once, and so may all that come after it.
        post_([next] { next.resume(); });
    }
    std::size_t waiting() const { return waiting_.size(); }

private:
    std::size_t free_;
    std::deque<std::coroutine_handle<>> waiting_;
    std::function<void(std::move_only_function<void()>)> post_;
};

}  // namespace tocsin::publishing
