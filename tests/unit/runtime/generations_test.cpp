#include "runtime/base/generations.hpp"

#include <gtest/gtest.h>

namespace tocsin::runtime {

TEST(Generations, WhatIsUsedStaysAndTheRestIsForgotten) {
    Generations<int> known(2);
    known.keep("used", 1);
    known.keep("left", 2);
    known.keep("next", 3);  // Those two are old now.
    ASSERT_TRUE(known.use("used"));
    EXPECT_EQ(*known.use("used"), 1);
    known.keep("last", 4);
    EXPECT_TRUE(known.find("used"));
    EXPECT_TRUE(known.find("next"));
    EXPECT_FALSE(known.find("left"));
    EXPECT_FALSE(known.use("left"));
}

TEST(Generations, WhatIsKeptAgainTakesNoMoreRoom) {
    Generations<int> known(2);
    known.keep("one", 1);
    known.keep("two", 2);
    for (int i = 3; i < 9; ++i) known.keep("two", i);
    EXPECT_EQ(*known.find("one"), 1);
    EXPECT_EQ(*known.find("two"), 8);
    EXPECT_EQ(known.size(), 2u);
}

TEST(Generations, NoMoreThanTwoOfThemAreHeld) {
    Generations<int> known(10);
    for (int i = 0; i < 1000; ++i) {
        known.keep(std::to_string(i), i);
        EXPECT_LE(known.size(), 20u);
        EXPECT_EQ(*known.find(std::to_string(i)), i);
    }
    known.forget("999");
    EXPECT_FALSE(known.find("999"));
    known.turn();
    EXPECT_TRUE(known.find("998"));
    known.turn();
    EXPECT_FALSE(known.find("998"));
}

}  // namespace tocsin::runtime
