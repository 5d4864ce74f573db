#include "runtime/base/invariant.hpp"

#include "runtime/host/logs.hpp"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

TEST(Invariant, ThatHoldsChangesNothing) { invariant(true, "two and two are four"); }

TEST(InvariantDeathTest, ThatIsBrokenEndsTheProcessWithOneLine) {
    EXPECT_DEATH(
        invariant(false, "two and two are four"),
        R"(^\{"level":"error","msg":"an invariant is broken; the process ends",)"
        R"("invariant":"two and two are four","place":"[^"]*invariant_test.cpp:[0-9]+"\})");
}

TEST(InvariantDeathTest, ItsLineIsLikeAllOthersOnceThereAreLogs) {
    EXPECT_DEATH(
        {
            logs::start("tocsin-test", "error");
            invariant(false, "two and two are four");
        },
        R"(^\{"ts":"[^"]+","level":"error","msg":"an invariant is broken; the process ends",)"
        R"("service":"tocsin-test","version":"[^"]+","invariant":"two and two are four",)"
        R"("place":"[^"]*invariant_test.cpp:[0-9]+"\})");
}

}  // namespace
}  // namespace tocsin::runtime
