#include "gateway/unsent.hpp"

#include <gtest/gtest.h>

namespace tocsin::gateway {

TEST(Unsent, WhatManyAreSentCountsOnce) {
    const auto page = std::make_shared<const std::string>(1000, 'x');
    const auto own = std::make_shared<const std::string>(300, 'x');
    Unsent unsent;
    for (int i = 0; i < 10; ++i) unsent.add(page);
    unsent.add(own);
    unsent.add(nullptr);
    EXPECT_EQ(unsent.bytes(), 1300u);
    EXPECT_EQ(unsent.share(page), 100u);
    EXPECT_EQ(unsent.share(own), 300u);
    for (int i = 0; i < 9; ++i) unsent.remove(page);
    EXPECT_EQ(unsent.bytes(), 1300u);
    unsent.remove(page);
    unsent.remove(page);
    unsent.remove(nullptr);
    EXPECT_EQ(unsent.bytes(), 300u);
    EXPECT_EQ(unsent.share(page), 0u);
}

}  // namespace tocsin::gateway
