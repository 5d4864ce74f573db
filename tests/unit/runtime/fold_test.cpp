#include "runtime/ledger/fold.hpp"

#include "runtime/ledger/record.hpp"
#include "support/allocations.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

using std::chrono::seconds;

class NoRules final : public Rules {
public:
    Decided decide(const Asking&, std::string_view, Time) const override {
        return ledger::v1::Accepted();
    }
    bool concerns(const Foreign&) const override { return false; }
    std::optional<ledger::v1::Accepted> react(const Foreign&, Time) const override {
        return std::nullopt;
    }
    bool evolve(const std::string&, const std::string&, Time) override { return true; }
    std::optional<DueCommand> next_due(const std::string&) const override { return std::nullopt; }
    std::unique_ptr<Rules> fresh() const override { return std::make_unique<NoRules>(); }
};

constexpr Time began{seconds{1'750'000'000}};

ledger::v1::Decision decision(int number, Time at) {
    ledger::v1::Decision one;
    one.set_realm("bow");
    *one.mutable_decided_at() = to_proto(at);
    auto& cause = *one.mutable_cause();
    cause.set_actor("ana");
    cause.set_request_id(fmt::format("r{}", number));
    cause.set_body_digest("body");
    *cause.mutable_expires_at() = to_proto(at + std::chrono::hours(1));
    one.mutable_accepted()->set_subject(std::to_string(number));
    return one;
}

// A table that grows moves all that it holds; 1.3 s for 2 M requests, were it one.
TEST(Fold, RemembersManyRequestsWithoutEverMovingMany) {
    Fold fold("genesis", std::make_unique<NoRules>());
    constexpr int requests = 200'000;
    testing::forget_largest();
    for (int i = 0; i < requests; ++i)
        fold.apply(decision(i, began + std::chrono::milliseconds(i)), "digest", i);
    EXPECT_EQ(fold.remembered_count(), requests);
    EXPECT_LE(testing::allocations().largest, 64u << 10);
    for (const int i : {0, 1'000, requests - 1}) {
        const Remembered* answer =
            fold.answer(request_key("bow", "ana", fmt::format("r{}", i)), "body");
        ASSERT_NE(answer, nullptr);
        EXPECT_EQ(answer->subject, std::to_string(i));
    }
    fold.apply(decision(requests, began + std::chrono::hours(2)), "digest", requests);
    EXPECT_EQ(fold.remembered_count(), 1);
}

}  // namespace
}  // namespace tocsin::runtime
