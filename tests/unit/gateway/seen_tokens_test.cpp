#include "gateway/seen_tokens.hpp"

#include <gtest/gtest.h>

namespace tocsin::gateway {

using std::chrono::seconds;
static constexpr SeenTokens::Time start{std::chrono::hours{1}};

TEST(SeenTokens, ARefusedOneIsRememberedForAMoment) {
    SeenTokens seen;
    EXPECT_FALSE(seen.find("a", start));
    seen.keep("a", "token_signature", start);
    EXPECT_EQ(seen.find("a", start + seconds{4})->refused, "token_signature");
    EXPECT_FALSE(seen.find("a", start + SeenTokens::refused_for));
}

TEST(SeenTokens, BadOnesAreBoundedAndMakeNoGoodOneForgotten) {
    SeenTokens seen;
    seen.keep("idle", "", start);
    for (std::size_t i = 0; i < 10 * SeenTokens::tokens_max; ++i)
        seen.keep("bad" + std::to_string(i), "token_signature", start);
    EXPECT_TRUE(seen.find("idle", start));
    EXPECT_LE(seen.size(), 2 * SeenTokens::tokens_max + 1);
}

TEST(SeenTokens, OfGoodOnesThoseInUseStay) {
    SeenTokens seen;
    seen.keep("used", "", start);
    seen.keep("idle", "", start);
    for (std::size_t i = 0; i < 4 * SeenTokens::tokens_max; ++i) {
        seen.keep("good" + std::to_string(i), "", start);
        if (i % 1000 == 0) {
            ASSERT_TRUE(seen.find("used", start)) << i;
        }
    }
    EXPECT_FALSE(seen.find("idle", start));
    EXPECT_LE(seen.size(), 2 * SeenTokens::tokens_max);
}

TEST(SeenTokens, TheLastWordCounts) {
    SeenTokens seen;
    seen.keep("a", "", start);
    seen.keep("a", "token_expired", start);
    EXPECT_EQ(seen.find("a", start)->refused, "token_expired");
    EXPECT_EQ(seen.size(), 1U);
    seen.keep("a", "", start);
    EXPECT_EQ(seen.find("a", start)->refused, "");
    EXPECT_EQ(seen.size(), 1U);
}

}  // namespace tocsin::gateway
