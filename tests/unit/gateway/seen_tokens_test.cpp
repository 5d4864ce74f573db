#include "gateway/seen_tokens.hpp"

#include <gtest/gtest.h>

namespace tocsin::gateway {

using std::chrono::seconds;
static constexpr SeenTokens::Time first_seen{std::chrono::hours{1}};

TEST(SeenTokens, ARefusedOneIsRememberedForAMoment) {
    SeenTokens seen;
    EXPECT_FALSE(seen.find("a", first_seen));
    seen.keep("a", "token_signature", first_seen);
    EXPECT_EQ(seen.find("a", first_seen + seconds{4})->refused, "token_signature");
    EXPECT_FALSE(seen.find("a", first_seen + SeenTokens::refused_for));
}

TEST(SeenTokens, BadOnesAreBoundedAndMakeNoGoodOneForgotten) {
    SeenTokens seen;
    seen.keep("idle", "", first_seen);
    for (std::size_t i = 0; i < 10 * SeenTokens::tokens_max; ++i)
        seen.keep("bad" + std::to_string(i), "token_signature", first_seen);
    EXPECT_TRUE(seen.find("idle", first_seen));
    EXPECT_LE(seen.size(), 2 * SeenTokens::tokens_max + 1);
}

TEST(SeenTokens, OfGoodOnesThoseInUseStay) {
    SeenTokens seen;
    seen.keep("used", "", first_seen);
    seen.keep("idle", "", first_seen);
    for (std::size_t i = 0; i < 4 * SeenTokens::tokens_max; ++i) {
        seen.keep("good" + std::to_string(i), "", first_seen);
        if (i % 1000 == 0) {
            ASSERT_TRUE(seen.find("used", first_seen)) << i;
        }
    }
    EXPECT_FALSE(seen.find("idle", first_seen));
    EXPECT_LE(seen.size(), 2 * SeenTokens::tokens_max);
}

TEST(SeenTokens, TheLastWordCounts) {
    SeenTokens seen;
    seen.keep("a", "", first_seen);
    seen.keep("a", "token_expired", first_seen);
    EXPECT_EQ(seen.find("a", first_seen)->refused, "token_expired");
    EXPECT_EQ(seen.size(), 1U);
    seen.keep("a", "", first_seen);
    EXPECT_EQ(seen.find("a", first_seen)->refused, "");
    EXPECT_EQ(seen.size(), 1U);
}

}  // namespace tocsin::gateway
