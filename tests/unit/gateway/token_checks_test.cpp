#include "gateway/token_checks.hpp"

#include <gtest/gtest.h>

namespace tocsin::gateway {
namespace {

using Limit = TokenChecks::Limit;
using Verdict = TokenChecks::Verdict;
using std::chrono::seconds;
constexpr TokenChecks::Time start{std::chrono::hours{1}};

std::string address_of(int number) { return "192.0.2." + std::to_string(number); }

// Nothing: it was checked.
std::optional<Limit> show(TokenChecks& checks, const std::string& address, Verdict verdict,
                          TokenChecks::Time now = start) {
    const auto check = checks.begin(address, now);
    if (!check) return check.error().limit;
    checks.end(*check, address, verdict, now);
    return std::nullopt;
}

// Of so many addresses, as many as each may have refused at once.
void attack(TokenChecks& checks, int addresses, TokenChecks::Time now = start) {
    for (int i = 0; i < 100; ++i)
        for (int from = 0; from < addresses; ++from)
            show(checks, address_of(from), Verdict::refused, now);
}

TEST(TokenChecks, AnAddressHasOnlySoManyRefused) {
    TokenChecks checks(50);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(show(checks, "a", Verdict::refused), std::nullopt) << i;
    EXPECT_EQ(show(checks, "a", Verdict::refused), Limit::of_address);
    EXPECT_EQ(show(checks, "b", Verdict::refused), std::nullopt);
    EXPECT_EQ(show(checks, "a", Verdict::refused, start + seconds{1}), std::nullopt);
}

TEST(TokenChecks, GoodOnesUseNothingUp) {
    TokenChecks checks(1);
    for (int i = 0; i < 10'000; ++i) ASSERT_EQ(show(checks, "a", Verdict::good), std::nullopt) << i;
}

TEST(TokenChecks, WhatWasNotCheckedUsesUpNothingThatAllHave) {
    TokenChecks checks(0);
    for (int i = 0; i < 10'000; ++i)
        ASSERT_EQ(show(checks, "a", Verdict::not_checked), std::nullopt) << i;
}

TEST(TokenChecks, WhoWasNotRefusedLatelyGetsInWhileOthersUseUpWhatAllHave) {
    TokenChecks checks(50);
    attack(checks, 60);
    EXPECT_EQ(show(checks, address_of(0), Verdict::good), Limit::of_all);
    EXPECT_EQ(show(checks, "new", Verdict::good), std::nullopt);
    EXPECT_EQ(show(checks, "bad", Verdict::refused), std::nullopt);
    EXPECT_EQ(show(checks, "bad", Verdict::refused), Limit::of_all);
}

TEST(TokenChecks, TheReserveIsBounded) {
    TokenChecks checks(50);
    attack(checks, 60);
    int checked = 0;
    for (int i = 0; i < 5'000; ++i)
        if (!show(checks, "new" + std::to_string(i), Verdict::refused)) ++checked;
    EXPECT_EQ(checked, 2 * TokenChecks::reserve_max);
}

TEST(TokenChecks, ARefusalIsForgottenInTime) {
    TokenChecks checks(50);
    show(checks, "once", Verdict::refused);
    attack(checks, 60);
    EXPECT_EQ(show(checks, "once", Verdict::good), Limit::of_all);
    const auto later = start + 2 * TokenChecks::lately;
    show(checks, "turns", Verdict::refused, start + TokenChecks::lately);
    attack(checks, 60, later);
    EXPECT_EQ(show(checks, "once", Verdict::good, later), std::nullopt);
}

TEST(TokenChecks, WhatIsNotCheckedForTheLimitOfAllIsNotChargedToItsAddress) {
    TokenChecks checks(1);
    show(checks, "a", Verdict::refused);
    for (int from = 0; from < 5'000; ++from)
        show(checks, "other" + std::to_string(from), Verdict::refused);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(show(checks, "a", Verdict::refused), Limit::of_all);
    EXPECT_EQ(show(checks, "a", Verdict::refused, start + seconds{1}), std::nullopt);
}

}  // namespace
}  // namespace tocsin::gateway
