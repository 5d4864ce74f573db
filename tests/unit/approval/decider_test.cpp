#include "approval/decider.hpp"

#include "unit/approval/samples.hpp"

#include <gtest/gtest.h>

namespace tocsin::approval {
namespace {

using namespace samples;
using testing::at;

TEST(Approval, EveryEventOfAReviewNamesItsMessageAndNoOtherDoes) {
    Case test;
    root(test).when(import(roster()));
    EXPECT_EQ(test.events().at(0).message_id(), "");
    test.when(policy(1, {"approver"}));
    EXPECT_EQ(test.events().at(0).message_id(), "");
    const auto names_it = [&](std::size_t events) {
        EXPECT_EQ(test.events().size(), events);
        for (const v1::Event& event : test.events()) EXPECT_EQ(event.message_id(), id);
    };
    test.when(submission({"calgary", "nowhere"}));  // Opened and returned.
    names_it(2);
    test.when(submission());
    ana(test).when(take_back());
    names_it(1);
    Case refused = test;
    test.when(submission());
    ben(test).when(approve());  // With the clearances that follow.
    names_it(3);
    refused.when(submission());
    ben(refused).when(refuse());
    EXPECT_EQ(refused.events().at(0).message_id(), id);
}

TEST(Approval, AnUnknownCommandIsRefused) {
    Case test({imported()});
    EXPECT_EQ(test.when(v1::Command{}).refused(), "unknown_command");
}

TEST(Approval, AnUnknownEventIsNotFolded) {
    State state;
    EXPECT_FALSE(Decider::evolve(state, {}, at(0)));
}

}  // namespace
}  // namespace tocsin::approval
