// The thread for what takes long.
#include "runtime/aside.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <vector>

namespace tocsin::runtime {
namespace {

// Keeps the thread until it goes out of scope.
class Held {
public:
    explicit Held(Aside& aside) {
        aside.run([this, over = over_.get_future().share()] {
            begun_.set_value();
            over.wait();
        });
        begun_.get_future().wait();
    }
    ~Held() { over_.set_value(); }

private:
    std::promise<void> begun_, over_;
};

TEST(Aside, OwnersTakeTurns) {
    std::vector<std::string> order;
    Aside aside(10);
    std::promise<void> over;
    {
        const Held held(aside);
        for (const char* name : {"a1", "a2", "a3", "b1", "c1", "b2"})
            EXPECT_TRUE(aside.run({name[0]}, [&order, name] { order.emplace_back(name); }));
        aside.run("a", [&] { over.set_value(); });
    }
    over.get_future().wait();
    EXPECT_EQ(order, (std::vector<std::string>{"a1", "b1", "c1", "a2", "b2", "a3"}));
}

TEST(Aside, NoMoreWaitThanMay) {
    Aside aside(2);
    const Held held(aside);
    EXPECT_TRUE(aside.run("a", [] {}));
    EXPECT_TRUE(aside.run("b", [] {}));
    const auto kept = std::make_shared<int>(0);
    EXPECT_FALSE(aside.run("c", [kept] {}));
    EXPECT_EQ(kept.use_count(), 1) << "it was dropped";
}

TEST(Aside, WhatHasNotBegunIsDroppedAtTheEnd) {
    bool ran = false;
    const auto kept = std::make_shared<int>(0);
    Aside aside(2);
    std::jthread stops;
    {
        const Held held(aside);
        aside.run([kept, &ran] { ran = true; });
        stops = std::jthread([&aside] { aside.stop(); });
        while (kept.use_count() > 1) std::this_thread::yield();
    }
    stops.join();
    EXPECT_FALSE(ran);
    EXPECT_FALSE(aside.run([] {}));
}

}  // namespace
}  // namespace tocsin::runtime
