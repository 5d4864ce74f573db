#include "content/lifecycle.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tocsin::content {
namespace {

// Written out a second time, by name, so that a slip in the table shows.
const std::set<std::pair<std::string, std::string>> allowed{
    {"draft", "in_review"},    {"draft", "withdrawn"},      {"in_review", "draft"},
    {"in_review", "cleared"},  {"in_review", "rejected"},   {"in_review", "withdrawn"},
    {"in_review", "expired"},  {"cleared", "draft"},        {"cleared", "armed"},
    {"cleared", "rejected"},   {"cleared", "cancelled"},    {"cleared", "expired"},
    {"armed", "cleared"},      {"armed", "draft"},          {"armed", "releasing"},
    {"armed", "rejected"},     {"armed", "cancelled"},      {"armed", "expired"},
    {"releasing", "released"}, {"releasing", "superseded"}, {"releasing", "cancelled"},
    {"releasing", "expired"},  {"released", "superseded"},  {"released", "cancelled"},
    {"released", "expired"},   {"cancelled", "released"},
};

TEST(Lifecycle, EveryPairIsAllowedOrNotAsListed) {
    for (const Lifecycle from : all_lifecycles)
        for (const Lifecycle to : all_lifecycles)
            EXPECT_EQ(may_move(from, to),
                      allowed.contains({std::string{name(from)}, std::string{name(to)}}))
                << name(from) << " -> " << name(to);
}

// But for what was given up, and a channel has after all.
TEST(Lifecycle, NothingLeavesAnEnd) {
    for (const Lifecycle end : {Lifecycle::superseded, Lifecycle::cancelled, Lifecycle::expired,
                                Lifecycle::withdrawn, Lifecycle::rejected})
        for (const Lifecycle to : all_lifecycles)
            EXPECT_EQ(may_move(end, to), end == Lifecycle::cancelled && to == Lifecycle::released)
                << name(end);
}

TEST(Lifecycle, NothingSkipsClearance) {
    EXPECT_FALSE(may_move(Lifecycle::draft, Lifecycle::cleared));
    EXPECT_FALSE(may_move(Lifecycle::draft, Lifecycle::armed));
    EXPECT_FALSE(may_move(Lifecycle::in_review, Lifecycle::armed));
}

TEST(Lifecycle, NamesReadBack) {
    for (const Lifecycle lifecycle : all_lifecycles)
        EXPECT_EQ(from_name(name(lifecycle)), lifecycle);
    EXPECT_EQ(from_name("Draft"), std::nullopt);
    EXPECT_EQ(from_name(""), std::nullopt);
}

}  // namespace
}  // namespace tocsin::content
