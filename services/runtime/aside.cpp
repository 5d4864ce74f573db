#include "runtime/aside.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace tocsin::runtime {

Aside::Aside(std::size_t waiting_max) : waiting_max_(waiting_max), thread_([this] { work(); }) {}

Aside::~Aside() { stop(); }

bool Aside::run(const std::string& owner, Task task) {
    {
        const std::lock_guard lock(mutex_);
        if (over_ || count_ >= waiting_max_) return false;
        auto& tasks = waiting_[owner];
        if (tasks.empty()) turns_.push_back(owner);
        tasks.push_back(std::move(task));
        ++count_;
    }
    changed_.notify_one();
    return true;
}

void Aside::stop() {
    std::map<std::string, std::deque<Task>> dropped;  // outside the lock: it may end calls
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
        dropped.swap(waiting_);
        turns_.clear();
        count_ = 0;
    }
    changed_.notify_one();
    dropped.clear();  // Nobody waits for what is still running.
    if (thread_.joinable()) thread_.join();
}

Aside::Task Aside::next() {
    const std::string owner = std::move(turns_.front());
    turns_.pop_front();
    const auto found = waiting_.find(owner);
    Task task = std::move(found->second.front());
    found->second.pop_front();
    --count_;
    if (found->second.empty())
        waiting_.erase(found);
    else
        turns_.push_back(owner);
    return task;
}

void Aside::work() {
    // Of this thread alone, as Linux has it; where it is refused nothing is lost but the courtesy.
    constexpr int low_priority = 10;
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), low_priority);
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return over_ || count_ > 0; });
        if (over_) return;
        Task task = next();
        lock.unlock();
        task();
        task = nullptr;  // What it holds may be locked by others, too.
        lock.lock();
    }
}

}  // namespace tocsin::runtime
