#include "trigger/reading_thread.hpp"

#include <sys/resource.h>
#include <unistd.h>

namespace tocsin::trigger {

ReadingThread::ReadingThread() : thread_([this] { work(); }) {}

ReadingThread::~ReadingThread() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void ReadingThread::run(std::move_only_function<void()> task) {
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    changed_.notify_all();
}

void ReadingThread::work() {
    // Of this thread alone, as Linux has it; where it is refused nothing is lost but the courtesy.
    constexpr int low_priority = 10;
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), low_priority);
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return over_ || !tasks_.empty(); });
        if (over_) return;
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        lock.lock();
    }
}

}  // namespace tocsin::trigger
