// A thread of low priority for what takes long and nobody else is to wait for: a large or hostile
// text takes its time from others of its kind alone. Those for whom it works (owners, such as
// realms) take turns, task by task.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace tocsin::runtime {

class Aside {
public:
    using Task = std::move_only_function<void()>;

    // At most that many tasks wait.
    explicit Aside(std::size_t waiting_max);
    ~Aside();  // as stop()
    Aside(const Aside&) = delete;

    // Any thread. `task` must not throw. False: too many wait, or it was stopped, and the task was
    // dropped.
    bool run(const std::string& owner, Task task);
    // For the only owner there is.
    bool run(Task task) { return run({}, std::move(task)); }

    // Drops what has not begun, and returns when what has begun is over. From then on nothing
    // begins.
    void stop();

private:
    void work();
    Task next();  // with the lock held

    const std::size_t waiting_max_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::deque<Task>> waiting_;  // by owner; none is empty
    std::deque<std::string> turns_;                    // those owners, who comes next first
    std::size_t count_ = 0;
    bool over_ = false;
    std::thread thread_;  // last: it uses the members above
};

}  // namespace tocsin::runtime
