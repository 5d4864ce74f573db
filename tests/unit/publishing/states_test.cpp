#include "publishing/states.hpp"

#include "texts/enum_names.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tocsin::publishing {
namespace {

using Allowed = std::set<std::pair<std::string, std::string>>;
using texts::enum_name;
using texts::enum_values;

// Written out a second time, by name, so that a slip in the table shows.
const Allowed allowed_of_releases{
    {"preparing", "preparing"},
    {"preparing", "waiting"},
    {"preparing", "armed"},
    {"preparing", "cancelled"},
    {"preparing", "aborted"},
    {"preparing", "expired"},
    {"waiting", "preparing"},
    {"waiting", "waiting"},
    {"waiting", "armed"},
    {"waiting", "cancelled"},
    {"waiting", "aborted"},
    {"waiting", "expired"},
    {"armed", "firing"},
    {"armed", "cancelled"},
    {"armed", "aborted"},
    {"armed", "expired"},
    {"firing", "released"},
    {"firing", "retracting"},
    {"firing", "cancelled"},
    {"firing", "aborted"},
    {"released", "retracting"},
    {"retracting", "released"},
    {"retracting", "retracting"},
    {"retracting", "retracted"},
    {"retracting", "cancelled"},
    {"retracting", "aborted"},
    {"retracted", "retracting"},
    {"aborted", "aborted"},
    {"aborted", "released"},
    {"aborted", "retracting"},
    {"released", "firing"},
    {"aborted", "firing"},
    {"released", "retracted"},
    {"released", "partly_retracted"},
    {"retracting", "partly_retracted"},
    {"partly_retracted", "retracting"},
    {"partly_retracted", "retracted"},
};
const Allowed allowed_of_deliveries{
    {"planned", "ready"},      {"planned", "not_ready"},     {"planned", "stood_down"},
    {"planned", "skipped"},    {"ready", "ready"},           {"ready", "not_ready"},
    {"ready", "armed"},        {"ready", "refused"},         {"ready", "stood_down"},
    {"not_ready", "ready"},    {"not_ready", "not_ready"},   {"not_ready", "stood_down"},
    {"not_ready", "skipped"},  {"armed", "claimed"},         {"armed", "confirmed"},
    {"armed", "refused"},      {"armed", "stood_down"},      {"claimed", "armed"},
    {"claimed", "confirmed"},  {"claimed", "refused"},       {"claimed", "unknown"},
    {"claimed", "stood_down"}, {"unknown", "armed"},         {"unknown", "confirmed"},
    {"unknown", "refused"},    {"unknown", "unknown"},       {"unknown", "stood_down"},
    {"refused", "confirmed"},  {"stood_down", "confirmed"},  {"refused", "armed"},
    {"refused", "refused"},    {"stood_down", "stood_down"}, {"planned", "planned"},
    {"ready", "planned"},      {"not_ready", "planned"},     {"ready", "skipped"},
    {"armed", "skipped"},
};

template <class State>
void expect_only(const Allowed& allowed) {
    for (const State from : enum_values<State>())
        for (const State to : enum_values<State>())
            EXPECT_EQ(may_move(from, to),
                      allowed.contains({std::string{enum_name(from)}, std::string{enum_name(to)}}))
                << enum_name(from) << " -> " << enum_name(to);
}

TEST(States, EveryMoveOfAReleaseIsAllowedOrNotAsListed) {
    expect_only<v1::ReleaseState>(allowed_of_releases);
}

TEST(States, EveryMoveOfADeliveryIsAllowedOrNotAsListed) {
    expect_only<v1::DeliveryState>(allowed_of_deliveries);
}

TEST(States, NothingMovesFromOrToAStateThatIsNotSaid) {
    for (const auto state : enum_values<v1::ReleaseState>()) {
        EXPECT_FALSE(may_move(v1::RELEASE_STATE_UNSPECIFIED, state));
        EXPECT_FALSE(may_move(state, v1::RELEASE_STATE_UNSPECIFIED));
    }
    for (const auto state : enum_values<v1::DeliveryState>()) {
        EXPECT_FALSE(may_move(v1::DELIVERY_STATE_UNSPECIFIED, state));
        EXPECT_FALSE(may_move(state, v1::DELIVERY_STATE_UNSPECIFIED));
    }
}

// But for what was given up, and the channel has after all; what somebody looked for; and what was
// refused, and somebody wants tried again.
TEST(States, NothingLeavesASettledDelivery) {
    for (const auto from : enum_values<v1::DeliveryState>())
        for (const auto to : enum_values<v1::DeliveryState>())
            EXPECT_TRUE(!settled(from) || !may_move(from, to) || from == to ||
                        to == v1::DELIVERY_STATE_CONFIRMED ||
                        (from == v1::DELIVERY_STATE_REFUSED && to == v1::DELIVERY_STATE_ARMED))
                << enum_name(from) << " -> " << enum_name(to);
}

TEST(States, WhatIsCancelledOrExpiredStaysSo) {
    for (const auto end : {v1::RELEASE_STATE_CANCELLED, v1::RELEASE_STATE_EXPIRED})
        for (const auto to : enum_values<v1::ReleaseState>())
            EXPECT_FALSE(may_move(end, to)) << enum_name(end) << " -> " << enum_name(to);
}

// Nothing may be public that was not fixed and then claimed.
TEST(States, NothingSkipsTheClaim) {
    for (const auto from : enum_values<v1::DeliveryState>()) {
        EXPECT_EQ(may_move(from, v1::DELIVERY_STATE_CLAIMED), from == v1::DELIVERY_STATE_ARMED)
            << enum_name(from);
        EXPECT_EQ(may_move(from, v1::DELIVERY_STATE_UNKNOWN),
                  from == v1::DELIVERY_STATE_CLAIMED || from == v1::DELIVERY_STATE_UNKNOWN)
            << enum_name(from);
    }
}

}  // namespace
}  // namespace tocsin::publishing
