#include "gateway/rates.hpp"

#include <gtest/gtest.h>

namespace tocsin::gateway {

using std::chrono::milliseconds;

static const Rates::Time begin{std::chrono::hours(1)};

TEST(Rates, TwiceTheRateMayComeAtOnceThenTheRate) {
    Rates rates(10);
    for (int i = 0; i < 20; ++i) EXPECT_FALSE(rates.take("a", begin));
    EXPECT_EQ(rates.take("a", begin), milliseconds(100));
    EXPECT_FALSE(rates.take("b", begin));
    EXPECT_FALSE(rates.take("a", begin + milliseconds(100)));
    EXPECT_TRUE(rates.take("a", begin + milliseconds(150)));
    EXPECT_FALSE(rates.take("a", begin + milliseconds(200)));
}

TEST(Rates, NoneIsNoLimit) {
    Rates rates(0);
    for (int i = 0; i < 1000; ++i) EXPECT_FALSE(rates.take("a", begin));
    EXPECT_EQ(rates.keys(), 0u);
}

TEST(Rates, ManyKeysTakeNoMoreMemoryAndShareABucket) {
    Rates rates(1);
    for (std::size_t i = 0; i < Rates::keys_max; ++i) rates.take(std::to_string(i), begin);
    EXPECT_FALSE(rates.take("one more", begin));
    EXPECT_FALSE(rates.take("another", begin));
    EXPECT_TRUE(rates.take("a third", begin));
    EXPECT_EQ(rates.keys(), Rates::keys_max + 1);
    EXPECT_FALSE(rates.take("a third", begin + std::chrono::seconds(5)));
    EXPECT_EQ(rates.keys(), 1u);
}

TEST(Rates, WhatIsGivenBackWasNotTaken) {
    Rates rates(1);
    const Rates::Time now{};
    for (int i = 0; i < 100; ++i) {
        EXPECT_FALSE(rates.take("a", now));
        rates.give_back("a");
    }
    rates.give_back("nobody");
    EXPECT_FALSE(rates.take("a", now));
    EXPECT_FALSE(rates.take("a", now));
    EXPECT_TRUE(rates.take("a", now));
}

}  // namespace tocsin::gateway
