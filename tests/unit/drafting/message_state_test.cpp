#include "drafting/message_state.hpp"

#include "texts/enum_names.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

namespace tocsin::drafting {
namespace {

using texts::enum_name;
using texts::enum_values;

// Written out a second time, by name, so that a slip in the table shows.
const std::set<std::pair<std::string, std::string>> allowed_moves{
    {"draft", "in_review"},     {"draft", "withdrawn"},      {"in_review", "draft"},
    {"in_review", "cleared"},   {"in_review", "rejected"},   {"in_review", "withdrawn"},
    {"in_review", "expired"},   {"cleared", "draft"},        {"cleared", "in_review"},
    {"cleared", "armed"},       {"cleared", "rejected"},     {"cleared", "cancelled"},
    {"cleared", "expired"},     {"armed", "cleared"},        {"armed", "draft"},
    {"armed", "releasing"},     {"armed", "rejected"},       {"armed", "cancelled"},
    {"armed", "expired"},       {"releasing", "released"},   {"releasing", "superseded"},
    {"releasing", "cancelled"}, {"releasing", "expired"},    {"released", "superseded"},
    {"released", "cancelled"},  {"released", "expired"},     {"cancelled", "released"},
    {"superseded", "released"}, {"superseded", "releasing"}, {"superseded", "cancelled"},
};

TEST(MessageState, EveryPairIsAllowedOrNotAsListed) {
    std::size_t allowed = 0;
    for (const auto from : enum_values<v1::MessageState>()) {
        for (const auto to : enum_values<v1::MessageState>()) {
            EXPECT_EQ(may_move(from, to), allowed_moves.contains({std::string(enum_name(from)),
                                                                  std::string(enum_name(to))}))
                << enum_name(from) << " -> " << enum_name(to);
            if (may_move(from, to)) ++allowed;
        }
    }
    EXPECT_EQ(allowed, allowed_moves.size()) << "a name of no state is listed here";
}

TEST(MessageState, NothingComesFromNorLeadsToWhatIsNotSaid) {
    for (const auto state : enum_values<v1::MessageState>()) {
        EXPECT_FALSE(may_move(v1::MESSAGE_STATE_UNSPECIFIED, state)) << enum_name(state);
        EXPECT_FALSE(may_move(state, v1::MESSAGE_STATE_UNSPECIFIED)) << enum_name(state);
    }
}

// But for what was given up, and a channel has after all; or was to be updated, and was not, or was
// retracted all the same.
TEST(MessageState, NothingLeavesAnEnd) {
    const std::set<std::pair<v1::MessageState, v1::MessageState>> exceptions{
        {v1::MESSAGE_STATE_CANCELLED, v1::MESSAGE_STATE_RELEASED},
        {v1::MESSAGE_STATE_SUPERSEDED, v1::MESSAGE_STATE_RELEASED},
        {v1::MESSAGE_STATE_SUPERSEDED, v1::MESSAGE_STATE_RELEASING},
        {v1::MESSAGE_STATE_SUPERSEDED, v1::MESSAGE_STATE_CANCELLED}};
    for (const auto end :
         {v1::MESSAGE_STATE_SUPERSEDED, v1::MESSAGE_STATE_CANCELLED, v1::MESSAGE_STATE_EXPIRED,
          v1::MESSAGE_STATE_WITHDRAWN, v1::MESSAGE_STATE_REJECTED})
        for (const auto to : enum_values<v1::MessageState>())
            EXPECT_EQ(may_move(end, to), exceptions.contains({end, to})) << enum_name(end);
}

TEST(MessageState, NothingSkipsClearance) {
    EXPECT_FALSE(may_move(v1::MESSAGE_STATE_DRAFT, v1::MESSAGE_STATE_CLEARED));
    EXPECT_FALSE(may_move(v1::MESSAGE_STATE_DRAFT, v1::MESSAGE_STATE_ARMED));
    EXPECT_FALSE(may_move(v1::MESSAGE_STATE_IN_REVIEW, v1::MESSAGE_STATE_ARMED));
}

}  // namespace
}  // namespace tocsin::drafting
