// The thread on which answers of gauges are read: one for all sources, of low priority, so that a
// large or hostile answer takes its time from other readings alone.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace tocsin::trigger {

class ReadingThread {
public:
    ReadingThread();
    // What has not begun by then is dropped.
    ~ReadingThread();
    ReadingThread(const ReadingThread&) = delete;

    // Any thread. `task` must not throw. The budget of polls bounds how many wait.
    void run(std::move_only_function<void()> task);

private:
    void work();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::move_only_function<void()>> tasks_;
    bool over_ = false;
    std::thread thread_;  // last: it uses the members above
};

}  // namespace tocsin::trigger
