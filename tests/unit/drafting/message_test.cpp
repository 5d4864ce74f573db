#include "drafting/message.hpp"

#include "unit/drafting/cases.hpp"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

namespace tocsin::drafting {
namespace {

using namespace cases;

// ---- reactions to approval

TEST(Returned, UnlocksTheText) {
    Case test = given();
    test.when(submit("1"));
    test.when(returned());
    EXPECT_EQ(test.events().at(0).message_returned().reason(), "say which bank");
    EXPECT_EQ(test.when(revise("3")).refused(), "");
}

TEST(Returned, OfATextThatIsNotSubmittedLeavesNoRecord) {
    Case test = given();
    EXPECT_FALSE(test.when(returned()).reacted());
    EXPECT_FALSE(test.when(returned("msg-unknown")).reacted());
}

TEST(Returned, ResubmissionWithoutAnEditHasTheSameDigest) {
    Case test = given();
    const std::string first = test.when(submit("1")).events().at(0).message_submitted().digest();
    test.when(returned());
    EXPECT_EQ(test.when(submit("3")).events().at(0).message_submitted().digest(), first);
}

TEST(Rejected, EndsTheMessageForGood) {
    Case test = given();
    test.when(submit("1"));
    test.when(rejected());
    EXPECT_TRUE(test.events().at(0).has_message_closed());
    EXPECT_EQ(test.when(revise("3")).refused(), "rejected");
}

TEST(Approval, OtherEventsLeaveNoRecord) {
    approval::v1::Event cleared;
    cleared.set_message_id("msg-1");
    cleared.mutable_cleared();
    Case test = given();
    test.when(submit("1"));
    EXPECT_FALSE(test.when(foreign<approval::v1::Event>("approval", "bow", {cleared})).reacted());
}

TEST(Approval, AnUnknownEventStopsTheReactor) {
    Case test = given();
    EXPECT_THROW(test.when(foreign<approval::v1::Event>("approval", "bow", {{}})),
                 runtime::UnknownForeignEvent);
}

// ---- moves

TEST(Moves, ThatAreNotAllowedAreNotFolded) {
    v1::Event again = event_of("msg-1"), unknown = event_of("msg-2");
    again.mutable_message_returned();
    unknown.mutable_message_submitted();
    State state = given().state();
    for (const v1::Event& event : {again, unknown}) {
        EXPECT_FALSE(Decider::evolve(state, event, samples::now)) << event.ShortDebugString();
        EXPECT_EQ(state.messages.size(), 1u);
        EXPECT_EQ(state.messages.at("msg-1").version, 1);
    }
}

TEST(Moves, ThatAreNotAllowedAreNeverDecided) {
    EXPECT_EQ(move_of("msg-1", v1::MESSAGE_STATE_DRAFT, v1::MESSAGE_STATE_IN_REVIEW).message_id(),
              "msg-1");
    EXPECT_THROW(move_of("msg-1", v1::MESSAGE_STATE_DRAFT, v1::MESSAGE_STATE_CLEARED),
                 std::logic_error);
}

// ---- what is kept of a text

TEST(Text, IsTheSubmittedOneOnceItIsSubmittedAndThatOfTheAuthorOnceItIsBack) {
    auto test = given();
    ana(test).when(submit("1"));
    EXPECT_TRUE(only(test).draft.empty());
    EXPECT_EQ(*only(test).content, test.events().at(0).message_submitted().content());
    test.when(returned());
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(only(test).text(),
                                                                   samples::make_draft()));
    ana(test).when(submit("3"));
    EXPECT_EQ(test.refused(), "");
    EXPECT_EQ(test.events().at(0).message_submitted().digest().size(), 64u);
}

TEST(Text, IsDroppedWhenTheMessageIsWithdrawnOrRejected) {
    auto test = given();
    ana(test).when(withdraw());
    EXPECT_FALSE(only(test).has_text());
    auto other = given();
    ana(other).when(submit("1"));
    other.when(rejected());
    EXPECT_FALSE(only(other).has_text());
    EXPECT_EQ(other.state().messages.expiring(), 0u);
}

TEST(Text, IsDroppedOnceADecisionIsMadeAfterItExpired) {
    const auto expires = samples::now + std::chrono::hours{12};
    auto test = given();
    ana(test).when(submit("1"));
    test.on(expires - std::chrono::seconds{1}).when(create_incident());
    EXPECT_TRUE(only(test).has_text());
    test.request("r2").on(expires).when(create_incident());
    EXPECT_FALSE(only(test).has_text());
    // Who may write it is still known, and that nothing but a new text may be submitted.
    test.when(returned());
    stranger(test).when(withdraw());
    EXPECT_EQ(test.refused(), "other_agency");
    ana(test).when(submit("3"));
    EXPECT_EQ(test.refused(), "incomplete");
    EXPECT_EQ(test.rejection()->field, "expires");
    auto later = samples::make_draft();
    later.clear_evidence();
    *later.mutable_onset() = runtime::to_proto(expires + std::chrono::hours{1});
    *later.mutable_expires() = runtime::to_proto(expires + std::chrono::hours{9});
    test.when(revise("3", later));
    ana(test).when(submit("4"));
    EXPECT_EQ(test.refused(), "");
}

TEST(Text, WithoutAnExpiryStaysWithItsDraft) {
    auto test = given({incident(), message(rough_draft())});
    ana(test).on(samples::now + std::chrono::hours{24 * 365}).when(create_incident());
    EXPECT_TRUE(only(test).has_text());
}

}  // namespace
}  // namespace tocsin::drafting
