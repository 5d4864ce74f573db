// How soon a source is polled again.
#include "trigger/poll_pace.hpp"

#include "unit/trigger/poller_stage.hpp"

namespace tocsin::trigger {
namespace {

TEST(RetryAfter, IsSecondsOrADateAndBounded) {
    const Time now = utc("2026-05-01T12:00:00Z");
    EXPECT_EQ(retry_after("7", now), milliseconds{7'000});
    EXPECT_EQ(retry_after("999999", now), milliseconds{3'600'000});
    EXPECT_EQ(retry_after("-5", now), milliseconds{0});
    EXPECT_EQ(retry_after("Fri, 01 May 2026 12:01:00 GMT", now), milliseconds{60'000});
    EXPECT_EQ(retry_after("Fri, 01 May 2026 11:00:00 GMT", now), milliseconds{0});
    EXPECT_EQ(retry_after("soon", now), milliseconds{0});
    EXPECT_EQ(retry_after("", now), milliseconds{0});
}

TEST(Backoff, DoublesUpToFiveMinutes) {
    EXPECT_EQ(backoff(1, 60), milliseconds{5'000});
    EXPECT_EQ(backoff(2, 60), milliseconds{10'000});
    EXPECT_EQ(backoff(1, 0.05), milliseconds{500});
    EXPECT_EQ(backoff(100, 60), milliseconds{300'000});
}

}  // namespace
}  // namespace tocsin::trigger
