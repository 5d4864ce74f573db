#include "gateway/unsent.hpp"

#include <gtest/gtest.h>

#include <array>

namespace tocsin::gateway {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr Unsent::Time first_unsent{std::chrono::hours{1}};
constexpr milliseconds grace{1'000};

Unsent::Body body_of(std::size_t bytes) { return std::make_shared<const std::string>(bytes, 'x'); }

// Whoever sends has no more than an address here.
class UnsentTest : public ::testing::Test {
protected:
    void add(int sender, const std::string& address, const Unsent::Body& body,
             Unsent::Time since = first_unsent) {
        unsent_.add(&senders_.at(static_cast<std::size_t>(sender)), {address, body, since});
    }
    void remove(int sender) { unsent_.remove(&senders_.at(static_cast<std::size_t>(sender))); }
    // -1: nobody's.
    long given_up(int newest, Unsent::Time now = first_unsent + seconds{10}) const {
        const auto* found = static_cast<const char*>(
            unsent_.to_give_up(&senders_.at(static_cast<std::size_t>(newest)), now, grace));
        return found == nullptr ? -1 : found - senders_.data();
    }

    Unsent unsent_;

private:
    std::array<char, 100> senders_{};
};

TEST_F(UnsentTest, WhatManyAreSentCountsOnce) {
    const auto page = body_of(1000);
    for (int i = 0; i < 10; ++i) add(i, "a", page);
    add(10, "a", body_of(300));
    add(11, "a", nullptr);
    EXPECT_EQ(unsent_.bytes(), 1300u);
    for (int i = 0; i < 9; ++i) remove(i);
    EXPECT_EQ(unsent_.bytes(), 1300u);
    remove(9);
    remove(9);
    remove(11);
    EXPECT_EQ(unsent_.bytes(), 300u);
}

TEST_F(UnsentTest, WhatIsGivenUpIsOfTheAddressThatTakesTheMost) {
    add(0, "one large", body_of(500));
    for (int i = 1; i <= 10; ++i) add(i, "many small", body_of(100), first_unsent + seconds{i % 5});
    EXPECT_EQ(given_up(99), 5) << "the oldest of it";
    remove(5);
    EXPECT_EQ(given_up(99), 10);
}

TEST_F(UnsentTest, WhatOthersAreSentAsWellIsLittleOfAnAddress) {
    const auto page = body_of(1000);
    for (int i = 0; i < 10; ++i) add(i, "a", page);
    add(10, "b", body_of(1001));
    EXPECT_EQ(given_up(99), 10);
}

TEST_F(UnsentTest, WhatHasJustBegunIsNotGivenUpWhileThereIsAnother) {
    add(0, "slow", body_of(10));
    add(1, "fast", body_of(1000), first_unsent + milliseconds{9'500});
    EXPECT_EQ(given_up(99), 0);
    EXPECT_EQ(given_up(99, first_unsent + seconds{20}), 1);
    remove(0);
    EXPECT_EQ(given_up(99), 1) << "memory is bounded all the same";
    EXPECT_EQ(given_up(1), -1) << "but for the one that it is for";
}

}  // namespace
}  // namespace tocsin::gateway
