#include "runtime/host/reading_thread.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <future>
#include <semaphore>
#include <string>
#include <vector>

namespace tocsin::runtime {
namespace {

// Keeps the thread busy until it is let go.
class Busy {
public:
    explicit Busy(ReadingThread& thread) {
        std::move_only_function<void()> task = [here = here_] {
            here->begun.release();
            here->go.acquire();
        };
        EXPECT_TRUE(thread.run("busy", 0, task));
        here_->begun.acquire();
    }
    void end() { here_->go.release(); }

private:
    struct State {
        std::binary_semaphore begun{0}, go{0};
    };
    std::shared_ptr<State> here_ = std::make_shared<State>();
};

struct Order {
    std::string done;  // of the thread, until `all`
    std::promise<void> all;

    std::move_only_function<void()> step(char name) {
        return [this, name] { done += name; };
    }
    std::move_only_function<void()> last() {
        return [this] { all.set_value(); };
    }
};

bool run(ReadingThread& thread, const std::string& owner, std::size_t bytes,
         std::move_only_function<void()> task) {
    const bool taken = thread.run(owner, bytes, task);
    EXPECT_EQ(taken, !task) << "what is not taken stays with whoever has it";
    return taken;
}

TEST(ReadingThread, OwnersTakeTurns) {
    ReadingThread thread;
    Busy busy(thread);
    Order order;
    for (int i = 0; i < 4; ++i) run(thread, "much", 1, order.step('m'));
    run(thread, "little", 1, order.step('l'));
    run(thread, "other", 1, order.step('o'));
    run(thread, "other", 1, order.step('o'));
    run(thread, "much", 1, order.last());
    busy.end();
    order.all.get_future().get();
    EXPECT_EQ(order.done, "mlomomm");
}

TEST(ReadingThread, WhatWaitsIsBoundedForEachOwner) {
    ReadingThread thread({.owner_tasks_max = 3, .owner_bytes_max = 100, .bytes_max = 180});
    Order order;
    {
        Busy busy(thread);
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(run(thread, "many", 1, order.step('a')));
        EXPECT_FALSE(run(thread, "many", 1, order.step('-')));
        EXPECT_TRUE(run(thread, "large", 90, order.step('b')));
        EXPECT_FALSE(run(thread, "large", 11, order.step('-')));
        EXPECT_TRUE(run(thread, "third", 80, order.step('c')));
        EXPECT_FALSE(run(thread, "third", 8, order.step('-'))) << "of all, too much waits";
        EXPECT_TRUE(run(thread, "fourth", 90, order.step('d'))) << "but it has nothing waiting";
        busy.end();
        EXPECT_FALSE(run(thread, "fourth", 90, order.step('-'))) << "it has its share";
        // Each of the others has its last task behind it by then.
        while (!run(thread, "many", 0, order.last())) std::this_thread::yield();
        order.all.get_future().get();
    }
    EXPECT_EQ(order.done.find('-'), std::string::npos);
    EXPECT_TRUE(run(thread, "large", 100, [] {})) << "what was read makes room";
}

TEST(ReadingThread, YieldsToAllOthers) {
    ReadingThread thread;
    std::promise<int> priority;
    run(thread, "a", 0,
        [&] { priority.set_value(getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()))); });
    EXPECT_GE(priority.get_future().get(), 10);
}

// Reads on the thread and goes on where `post` says.
TEST(ReadingThread, ACoroutineGoesOnOnItsLoop) {
    ReadingThread thread({.owner_tasks_max = 1});
    std::promise<std::move_only_function<void()>> posted;
    const Aside aside = aside_on(
        thread, [&](std::move_only_function<void()> task) { posted.set_value(std::move(task)); });
    std::thread::id read_on;
    std::optional<std::optional<int>> result;
    const auto task = [&]() -> Task<void> {
        const auto read = [&] {
            read_on = std::this_thread::get_id();
            return 7;
        };
        result.emplace(co_await read_aside(aside, "a", 1, read));
    };
    const auto wait = [&] {
        spawn(task());
        auto next = posted.get_future().get();
        EXPECT_FALSE(result);
        posted = {};
        next();
        return *std::exchange(result, std::nullopt);
    };
    EXPECT_EQ(wait(), 7);
    EXPECT_NE(read_on, std::this_thread::get_id());
    Busy busy(thread);
    std::move_only_function<void()> full = [] {};
    EXPECT_TRUE(thread.run("a", 1, full));
    EXPECT_EQ(wait(), std::nullopt) << "too much waits";
    busy.end();
}

TEST(ReadingThread, WhatHasNotBegunIsDropped) {
    bool done = false;
    std::optional<ReadingThread> thread(std::in_place);
    Busy busy(*thread);
    run(*thread, "a", 0, [&] { done = true; });
    std::thread ending([&] { thread.reset(); });
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    busy.end();
    ending.join();
    EXPECT_FALSE(done);
}

}  // namespace
}  // namespace tocsin::runtime
