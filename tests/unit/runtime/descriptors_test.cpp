#include "runtime/host/descriptors.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace tocsin::runtime {

TEST(Descriptors, ConnectionsLeaveAReserve) {
    EXPECT_EQ(connections_that_fit(4096, 1 << 20), 4096u);
    EXPECT_EQ(connections_that_fit(4096, 1024), 768u);
    EXPECT_EQ(connections_that_fit(10, 1024), 10u);
    EXPECT_EQ(connections_that_fit(10, descriptors_needed() - 1), std::nullopt);
    EXPECT_EQ(descriptor_reserve(1 << 20), 256u);
    EXPECT_EQ(descriptor_reserve(256), 32u);
}

TEST(Descriptors, TheSoftLimitIsRaisedToTheHardOne) {
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit low = before;
    low.rlim_cur = 200;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    EXPECT_EQ(descriptor_limit(), 200u);
    EXPECT_EQ(raise_descriptor_limit(), "");
    EXPECT_EQ(descriptor_limit(), std::min<std::size_t>(before.rlim_max, 1 << 20));
    setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace tocsin::runtime
