#include "approval/review.hpp"

#include "unit/approval/samples.hpp"

#include <gtest/gtest.h>

namespace tocsin::approval {
namespace {

using namespace samples;

// ---- submissions

TEST(Review, OpensOnSubmission) {
    const Case test = reviewing();
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_IN_REVIEW);
    EXPECT_EQ(*test.state().reviews.latest.at(id).content, content_bytes({"calgary"}));
    EXPECT_EQ(review(test).editors(0), "ana");
}

// Its readings may be corrected while it is looked at.
TEST(Review, NamesTheCrossingThatStartedIt) {
    Case test({imported()});
    auto event = submitted(content_bytes({"calgary"}));
    event.mutable_message_submitted()->set_crossing_id("x-1");
    test.when(foreign<drafting::v1::Event>("drafting", "bow", {event}));
    EXPECT_EQ(test.events().at(0).review_opened().crossing_id(), "x-1");
    EXPECT_EQ(reviewing().events().at(0).review_opened().crossing_id(), "");
}

TEST(Review, OpensOnASubmissionBehindAnotherEventOfTheSameDecision) {
    drafting::v1::Event created;
    created.set_message_id(id);
    created.mutable_message_created();
    Case test({imported()});
    test.when(foreign<drafting::v1::Event>("drafting", "bow",
                                           {created, submitted(content_bytes({"calgary"}))}));
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_IN_REVIEW);
}

TEST(Review, OtherDraftingEventsLeaveNoRecord) {
    drafting::v1::Event withdrawn;
    withdrawn.set_message_id(id);
    withdrawn.mutable_message_withdrawn();
    Case test({imported()});
    test.when(foreign<drafting::v1::Event>("drafting", "bow", {withdrawn}));
    EXPECT_FALSE(test.reacted());
    EXPECT_EQ((testing::concerning<Decider, drafting::v1::Event>("drafting")),
              std::set<std::string>{"message_submitted"});
}

TEST(Review, AnUnknownDraftingEventStopsTheReactor) {
    Case test({imported()});
    EXPECT_THROW(test.when(foreign<drafting::v1::Event>("drafting", "bow", {{}})),
                 runtime::UnknownForeignEvent);
    drafting::v1::Event ignorable;
    ignorable.set_ignorable(true);
    test.when(foreign<drafting::v1::Event>("drafting", "bow", {ignorable}));
    EXPECT_FALSE(test.reacted());
}

TEST(Review, OfAnAgencyThatIsNotOnTheRosterIsReturnedAtOnce) {
    const Case test = reviewing({"calgary", "nowhere"});
    ASSERT_EQ(test.events().size(), 2u);
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_RETURNED);
    EXPECT_TRUE(review(test).reason().starts_with("agency_unknown: agency `nowhere`"));
}

TEST(Review, OfNoAgencyIsReturnedAtOnce) {
    EXPECT_EQ(review(reviewing({})).state(), v1::REVIEW_STATE_RETURNED);
}

TEST(Review, OfBytesWithAnotherDigestIsReturnedAtOnce) {
    auto event = submitted(content_bytes({"calgary"}));
    event.mutable_message_submitted()->set_digest(std::string(64, '0'));
    Case test({imported()});
    test.when(foreign<drafting::v1::Event>("drafting", "bow", {event}));
    EXPECT_TRUE(review(test).reason().starts_with("digest_mismatch"));
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_RETURNED);
}

TEST(Review, OfUnreadableBytesIsReturnedAtOnce) {
    Case test({imported()});
    test.when(foreign<drafting::v1::Event>("drafting", "bow", {submitted("\xff\xff")}));
    EXPECT_TRUE(review(test).reason().starts_with("content_unreadable"));
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_RETURNED);
}

TEST(Review, OfAnotherRealmsContentIsReturnedAtOnce) {
    Case test({imported()});
    test.when(
        foreign<drafting::v1::Event>("drafting", "other", {submitted(content_bytes({"calgary"}))}));
    EXPECT_TRUE(review(test).reason().starts_with("content_mismatch"));
}

TEST(Review, ResubmissionVoidsEarlierApprovals) {
    Case test = reviewing();
    ben(test).when(approve());
    cleo(test).when(request_changes());
    test.when(submission({"calgary"}, "Flood, east bank"));
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_IN_REVIEW);
    EXPECT_EQ(review(test).agencies(0).approvals_size(), 0);
    EXPECT_EQ(cleo(test).when(approve()).refused(), "stale_digest");
}

TEST(Review, ResubmissionOfTheSameWordsVoidsEarlierApprovalsToo) {
    Case test = reviewing();
    ben(test).when(approve());
    ana(test).when(take_back());
    test.when(submission());
    EXPECT_EQ(review(test).agencies(0).approvals_size(), 0);
}

// Its return went with a lost tail of the ledger.
TEST(Review, OpensAnewWhereTheTextIsSubmittedAgainWithoutAReturn) {
    Case test = reviewing();
    ben(test).when(approve());
    test.when(submission({"calgary"}, "Flood, east bank"));
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_IN_REVIEW);
    EXPECT_EQ(review(test).agencies(0).approvals_size(), 0);
    EXPECT_EQ(review(test).digest(), digest_of({"calgary"}, "Flood, east bank"));
}

TEST(Review, NeverOpensAgainOnceCleared) {
    Case test = cleared_review();
    test.when(submission());
    EXPECT_FALSE(test.reacted());
}

// ---- return and reject

TEST(RequestChanges, ReturnsTheTextWithTheReason) {
    Case test = reviewing();
    ben(test).when(request_changes());
    EXPECT_FALSE(test.events().at(0).review_returned().taken_back());
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_RETURNED);
    EXPECT_EQ(review(test).reason(), "say which bank");
}

TEST(RequestChanges, NeedsAnApproverOrDutyOfficerOfOneOfItsAgencies) {
    Case test = reviewing();
    EXPECT_EQ(pia(test).when(request_changes()).refused(), "other_agency");
    EXPECT_EQ(test.by("dan", "calgary", {"analyst"}).when(request_changes()).refused(),
              "role_missing");
    EXPECT_EQ(test.by("zoe", "calgary", {"approver"}).when(request_changes()).refused(),
              "not_on_roster");
    EXPECT_EQ(cleo(test).when(request_changes()).refused(), "");
}

TEST(RequestChanges, IsRefusedOutsideAReview) {
    Case test = cleared_review();
    EXPECT_EQ(ben(test).when(request_changes()).refused(), "not_in_review");
}

TEST(Reject, EndsTheReviewForGood) {
    Case test = reviewing();
    ben(test).when(refuse());
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_REJECTED);
    EXPECT_EQ(cleo(test).when(approve()).refused(), "not_in_review");
    test.when(submission({"calgary"}, "Flood again"));
    EXPECT_FALSE(test.reacted());
}

TEST(Reject, NeedsAnApproverOrDutyOfficerOfOneOfItsAgencies) {
    Case test = reviewing();
    EXPECT_EQ(pia(test).when(refuse()).refused(), "other_agency");
    EXPECT_EQ(test.by("dan", "calgary", {"analyst"}).when(refuse()).refused(), "role_missing");
}

TEST(TakeBack, ReturnsTheTextToItsAuthor) {
    Case test = reviewing();
    ana(test).when(take_back());
    EXPECT_TRUE(test.events().at(0).review_returned().taken_back());
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_RETURNED);
}

TEST(TakeBack, NeedsAnAuthorOrDutyOfficerOfOneOfItsAgencies) {
    Case test = reviewing();
    EXPECT_EQ(ben(test).when(take_back()).refused(), "role_missing");
    EXPECT_EQ(pia(test).when(take_back()).refused(), "other_agency");
    EXPECT_EQ(cleo(test).when(take_back()).refused(), "");
}

TEST(TakeBack, AfterClearancePointsToTheRelease) {
    Case test = cleared_review();
    EXPECT_EQ(ana(test).when(take_back()).refused(), "cleared");
    EXPECT_NE(test.rejection()->text.find("stop its release"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::approval
