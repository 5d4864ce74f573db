#include "approval/review_state.hpp"

#include "approval/decider.hpp"
#include "support/given.hpp"
#include "texts/enum_names.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

namespace tocsin::approval {
namespace {

using texts::enum_name;
using texts::enum_values;

// Written out a second time, by name, so that a slip in the table shows; the first has none.
const std::set<std::pair<std::string, std::string>> moves_allowed{
    {"", "in_review"},         {"in_review", "in_review"}, {"in_review", "cleared"},
    {"in_review", "returned"}, {"in_review", "rejected"},  {"returned", "in_review"},
    {"cleared", "in_review"},
};

// With that of a message that has no review.
std::vector<v1::ReviewState> all_review_states() {
    auto states = enum_values<v1::ReviewState>();
    states.push_back(v1::REVIEW_STATE_UNSPECIFIED);
    return states;
}

TEST(ReviewState, EveryPairIsAllowedOrNotAsListed) {
    for (const v1::ReviewState from : all_review_states())
        for (const v1::ReviewState to : all_review_states())
            EXPECT_EQ(may_move(from, to), moves_allowed.contains({std::string(enum_name(from)),
                                                                  std::string(enum_name(to))}))
                << enum_name(from) << " -> " << enum_name(to);
}

TEST(ReviewState, NothingLeavesAnEnd) {
    for (const v1::ReviewState to : all_review_states())
        EXPECT_FALSE(may_move(v1::REVIEW_STATE_REJECTED, to)) << enum_name(to);
}

v1::Event review_event(const char* kind) {
    v1::Event event = event_of("msg-1");
    const auto* field = v1::Event::descriptor()->FindFieldByName(kind);
    event.GetReflection()->MutableMessage(&event, field);
    return event;
}

TEST(ReviewState, AnEventMovesItsReviewOrLeavesItWhereItIs) {
    const std::set<std::pair<std::string, std::string>> moved{{"review_opened", "in_review"},
                                                              {"cleared", "cleared"},
                                                              {"review_returned", "returned"},
                                                              {"review_rejected", "rejected"}};
    std::set<std::pair<std::string, std::string>> seen;
    const auto* kinds = v1::Event::descriptor()->FindOneofByName("body");
    for (int i = 0; i < kinds->field_count(); ++i) {
        const std::string& kind = kinds->field(i)->name();
        for (const v1::ReviewState from : all_review_states()) {
            Review review;
            review.head.edit([&](v1::Review& head) { head.set_state(from); });
            evolve(review, review_event(kind.c_str()), testing::at(0));
            if (const auto to = review.get().state(); to != from) seen.emplace(kind, enum_name(to));
        }
    }
    EXPECT_EQ(seen, moved);
    Review review;
    EXPECT_FALSE(evolve(review, {}, testing::at(0)));
    EXPECT_EQ(review.get().state(), v1::REVIEW_STATE_UNSPECIFIED);
}

// A ledger that holds it is broken, and stops.
TEST(ReviewState, AMoveThatIsNotListedIsNotFolded) {
    const auto folds = [](std::initializer_list<const char*> kinds) {
        State state;
        bool taken = true;
        for (const char* kind : kinds)
            taken = taken && Decider::evolve(state, review_event(kind), testing::at(0));
        return taken;
    };
    EXPECT_TRUE(folds({"review_opened", "review_returned", "review_opened", "cleared"}));
    EXPECT_FALSE(folds({"cleared"})) << "without a review";
    EXPECT_TRUE(folds({"review_opened", "cleared", "review_opened"})) << "it came back";
    EXPECT_FALSE(folds({"review_opened", "cleared", "review_returned"}));
    EXPECT_FALSE(folds({"review_opened", "review_rejected", "review_opened"}));
}

TEST(ReviewState, AMoveThatIsNotListedChangesNothing) {
    Review review;
    ASSERT_TRUE(evolve(review, review_event("review_opened"), testing::at(0)));
    ASSERT_TRUE(evolve(review, review_event("cleared"), testing::at(1)));
    const v1::Review before = review.get();
    EXPECT_FALSE(evolve(review, review_event("review_returned"), testing::at(2)));
    EXPECT_EQ(review.get().SerializeAsString(), before.SerializeAsString());
}

}  // namespace
}  // namespace tocsin::approval
