#include "runtime/host/reading_thread.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <utility>

namespace tocsin::runtime {

ReadingThread::ReadingThread(Limits limits) : limits_(limits), thread_([this] { work(); }) {}

void ReadingThread::stop() {
    std::map<std::string, Queue> dropped;  // outside the lock: it may end calls
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
        dropped.swap(queues_);
        turns_.clear();
        bytes_ = 0;
    }
    changed_.notify_all();
    dropped.clear();  // Nobody waits for what is still running.
    if (thread_.joinable()) thread_.join();
}

bool ReadingThread::has_room(const std::string& owner, std::size_t bytes) const {
    const auto known = queues_.find(owner);
    if (known == queues_.end()) return true;
    return known->second.tasks.size() < limits_.owner_tasks_max &&
           known->second.bytes + bytes <= limits_.owner_bytes_max &&
           bytes_ + bytes <= limits_.bytes_max;
}

bool ReadingThread::run(const std::string& owner, std::size_t bytes,
                        std::move_only_function<void()>& task) {
    {
        const std::lock_guard lock(mutex_);
        if (over_ || !has_room(owner, bytes)) return false;
        Queue& queue = queues_[owner];
        if (queue.tasks.empty()) turns_.push_back(owner);
        queue.tasks.push_back({bytes, std::move(task)});
        queue.bytes += bytes;
        bytes_ += bytes;
    }
    changed_.notify_all();
    return true;
}

std::move_only_function<void()> ReadingThread::next() {
    std::string owner = std::move(turns_.front());
    turns_.pop_front();
    const auto queue = queues_.find(owner);
    Waiting first = std::move(queue->second.tasks.front());
    queue->second.tasks.pop_front();
    queue->second.bytes -= first.bytes;
    bytes_ -= first.bytes;
    if (queue->second.tasks.empty())
        queues_.erase(queue);
    else
        turns_.push_back(std::move(owner));
    return std::move(first.task);
}

void ReadingThread::work() {
    // Of this thread alone, as Linux has it; where it is refused nothing is lost but the courtesy.
    constexpr int low_priority = 10;
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), low_priority);
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return over_ || !turns_.empty(); });
        if (over_) return;
        auto task = next();
        lock.unlock();
        task();
        task = {};
        lock.lock();
    }
}

Aside aside_on(ReadingThread& thread, std::function<void(std::move_only_function<void()>)> post) {
    return [&thread, post = std::move(post)](const std::string& owner, std::size_t bytes,
                                             std::move_only_function<void()> read,
                                             std::move_only_function<void(bool)> then) {
        const auto done = std::make_shared<std::move_only_function<void(bool)>>(std::move(then));
        std::move_only_function<void()> task = [&post, done, read = std::move(read)]() mutable {
            read();
            post([done] { (*done)(true); });
        };
        if (!thread.run(owner, bytes, task)) post([done] { (*done)(false); });
    };
}

Aside aside_here() {
    return [](const std::string&, std::size_t, std::move_only_function<void()> read,
              std::move_only_function<void(bool)> then) {
        read();
        then(true);
    };
}

}  // namespace tocsin::runtime
