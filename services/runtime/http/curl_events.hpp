// Waits for a libcurl multi handle by epoll: a turn costs what is ready and not what is open, so
// that ten thousand requests that wait for their answers hold up no other, and it ends on the
// microsecond.
#pragma once

#include <atomic>
#include <chrono>

namespace tocsin::runtime {

class CurlEvents {
public:
    using Clock = std::chrono::steady_clock;

    // Of the handle, which must end before this does.
    explicit CurlEvents(void* multi);
    ~CurlEvents();
    CurlEvents(const CurlEvents&) = delete;

    // Returns at `until`, once something came for the handle, or after wake(); the handle has done
    // what it can by then. One thread.
    void wait(Clock::time_point until);
    // Ends the wait, or the next one. Thread-safe.
    void wake();

private:
    struct Callbacks;
    int wait_for_events(Clock::time_point until);
    void drain(int file);

    void* multi_;
    int epoll_ = -1, woken_by_ = -1, timer_ = -1;
    std::atomic<bool> waking_ = false;
    // When the handle wants to go on whatever comes.
    Clock::time_point due_ = Clock::time_point::max();
    Clock::time_point timer_at_ = Clock::time_point::max();
};

}  // namespace tocsin::runtime
