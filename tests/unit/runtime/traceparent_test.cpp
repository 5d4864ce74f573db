#include "runtime/base/traceparent.hpp"

#include <gtest/gtest.h>

namespace tocsin::runtime {

TEST(Traceparent, IsCheckedAndMade) {
    const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    EXPECT_TRUE(valid_traceparent(good));
    EXPECT_TRUE(valid_traceparent(new_traceparent()));
    for (const std::string& bad :
         {std::string(), good + "-x", "01" + good.substr(2),
          std::string("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
          std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")})
        EXPECT_FALSE(valid_traceparent(bad)) << bad;
}

}  // namespace tocsin::runtime
