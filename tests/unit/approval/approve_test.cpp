#include "approval/review.hpp"

#include "content/content.hpp"
#include "runtime/base/record_limits.hpp"
#include "unit/approval/samples.hpp"

#include <gtest/gtest.h>

namespace tocsin::approval {
namespace {

using namespace samples;
using testing::at;

TEST(Approve, OfAnUnknownMessageIsNotFound) {
    Case test({imported()});
    EXPECT_EQ(ben(test).when(approve()).refused(), "not_found");
}

TEST(Approve, IsRecordedWithDigestAndTime) {
    Case test = reviewing();
    ben(test).on(at(7)).when(approve());
    ASSERT_EQ(test.events().size(), 1u);
    const v1::Approval& given = test.events()[0].approval_given().approval();
    EXPECT_EQ(given.approver(), "ben");
    EXPECT_EQ(given.digest(), digest_of());
    EXPECT_EQ(runtime::from_proto(given.approve_time()), at(7));
    EXPECT_EQ(test.etag(), "1");
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_IN_REVIEW);
}

TEST(Approve, ByAnEditorOfTheTextIsRefused) {
    Case test = reviewing();
    EXPECT_EQ(ana(test).when(approve()).refused(), "own_text");
}

TEST(Approve, OfOtherWordsThanThoseUnderReviewIsRefused) {
    Case test = reviewing();
    EXPECT_EQ(ben(test).when(approve(std::string(64, '0'))).refused(), "stale_digest");
}

TEST(Approve, BySomebodyNotOnTheRosterIsRefused) {
    Case test = reviewing();
    EXPECT_EQ(test.by("zoe", "calgary", {"approver"}).when(approve()).refused(), "not_on_roster");
}

TEST(Approve, ForAnAgencyThatTheRosterDoesNotGiveThePersonIsRefused) {
    Case test = reviewing({"calgary", "police"});
    EXPECT_EQ(test.by("ben", "police", {"approver"}).when(approve()).refused(), "not_on_roster");
}

TEST(Approve, WithARoleThatOnlyTheTokenGivesIsRefused) {
    Case test = reviewing();
    EXPECT_EQ(test.by("dan", "calgary", {"approver"}).when(approve()).refused(), "role_missing");
}

TEST(Approve, WithARoleThatOnlyTheRosterGivesIsRefused) {
    Case test = reviewing();
    EXPECT_EQ(test.by("ben", "calgary", {"analyst"}).when(approve()).refused(), "role_missing");
}

TEST(Approve, WithARoleThatThePolicyDoesNotNameIsRefused) {
    Case test({imported()});
    root(test).when(policy(1, {"duty-officer"}));
    test.when(submission());
    EXPECT_EQ(ben(test).when(approve()).refused(), "role_missing");
}

TEST(Approve, ByAnAgencyThatTheMessageDoesNotNameIsRefused) {
    Case test = reviewing();
    EXPECT_EQ(pia(test).when(approve()).refused(), "other_agency");
}

TEST(Approve, TwiceByTheSamePersonCountsOnceAndAddsNothing) {
    Case test = reviewing();
    ben(test).when(approve());
    ben(test).request("r2").when(approve());
    EXPECT_EQ(test.refused(), "");
    EXPECT_TRUE(test.events().empty());
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_IN_REVIEW);
}

// Whether they moved there or act for both.
TEST(Approve, ByAPersonOfAnotherAgencyStillCountsOnce) {
    Case test = reviewing({"calgary", "police"});
    ben(test).when(approve(digest_of({"calgary", "police"})));
    v1::Roster all = roster();
    add_person(all, "pam", "police", {"admin"});
    root(test).when(import(all));
    add_person(all, "ben", "police", {"approver"});
    test.by("pam", "police", {"admin"}).when(import(all));
    ASSERT_EQ(test.refused(), "");
    test.by("ben", "police", {"approver"}).when(approve(digest_of({"calgary", "police"})));
    EXPECT_EQ(test.refused(), "second_approval");
}

TEST(Approve, ReachingTheQuorumClears) {
    const Case test = cleared_review();
    ASSERT_EQ(test.events().size(), 3u);
    EXPECT_TRUE(test.events()[0].has_approval_given());
    EXPECT_EQ(test.events()[1].agency_cleared().agency_id(), "calgary");
    const v1::Cleared& handed = test.events()[2].cleared();
    EXPECT_EQ(handed.content(), content_bytes({"calgary"}));
    EXPECT_EQ(handed.digest(), digest_of());
    EXPECT_EQ(handed.approvals_size(), 2);
    ASSERT_EQ(handed.agencies_size(), 1);
    EXPECT_EQ(handed.agencies(0), "calgary");
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_CLEARED);
}

TEST(Approve, OfAJointMessageClearsWhenEveryAgencyCleared) {
    const std::string digest = digest_of({"calgary", "police"});
    Case test = reviewing({"calgary", "police"});
    ben(test).when(approve(digest));
    cleo(test).when(approve(digest));
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_IN_REVIEW);
    EXPECT_TRUE(review(test).agencies(0).cleared());
    pia(test).when(approve(digest));
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_IN_REVIEW);
    pol(test).when(approve(digest));
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_CLEARED);
    EXPECT_EQ(test.events().at(2).cleared().approvals_size(), 4);
}

// ---- its release ended before anything was public, and the text is submitted again

TEST(Resubmission, OfTheSameBytesIsClearedByTheApprovalsThatItHas) {
    Case test = cleared_review();
    test.when(submission({"calgary"}, "Flood", 2));
    ASSERT_EQ(test.events().size(), 2u);
    EXPECT_TRUE(test.events()[0].has_review_opened());
    const v1::Cleared& handed = test.events()[1].cleared();
    EXPECT_EQ(handed.round(), 2);
    EXPECT_EQ(handed.digest(), digest_of());
    EXPECT_EQ(handed.content(), content_bytes({"calgary"}));
    EXPECT_EQ(handed.approvals_size(), 2);
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_CLEARED);
}

TEST(Resubmission, OfOtherBytesTakesNewApprovals) {
    Case test = cleared_review();
    test.when(submission({"calgary"}, "Bigger flood", 2));
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_IN_REVIEW);
    EXPECT_TRUE(review(test).agencies(0).approvals().empty());
}

TEST(Resubmission, CountsOnlyWhoMayApproveItToday) {
    Case left = cleared_review();
    v1::Roster without = roster();
    without.mutable_people(2)->clear_roles();
    without.mutable_people(2)->add_roles("analyst");
    root(left).when(import(without));
    left.when(submission({"calgary"}, "Flood", 2));
    EXPECT_EQ(review(left).state(), v1::REVIEW_STATE_IN_REVIEW) << "ben is no approver any more";
    ASSERT_EQ(review(left).agencies(0).approvals_size(), 1);
    EXPECT_EQ(review(left).agencies(0).approvals(0).approver(), "cleo");

    Case handled = cleared_review();
    handled.when(submission({"calgary"}, "Flood", 2, {"ana", "cleo"}));
    EXPECT_EQ(review(handled).state(), v1::REVIEW_STATE_IN_REVIEW) << "cleo submitted it";
    ASSERT_EQ(review(handled).agencies(0).approvals_size(), 1);
    EXPECT_EQ(review(handled).agencies(0).approvals(0).approver(), "ben");
}

// People who stopped it meant no.
TEST(Resubmission, DoesNotCountTheApprovalOfWhoStoppedIt) {
    Case test = cleared_review();
    test.when(submission({"calgary"}, "Flood", 2, {"ana"}, "cleo"));
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_IN_REVIEW);
    ASSERT_EQ(review(test).agencies(0).approvals_size(), 1);
    EXPECT_EQ(review(test).agencies(0).approvals(0).approver(), "ben");
    // But they may think better of it.
    cleo(test).when(approve());
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_CLEARED);
}

TEST(Resubmission, OfTheSameRoundIsNone) {
    Case test = cleared_review();
    test.when(submission());
    EXPECT_FALSE(test.reacted());
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_CLEARED);
}

TEST(Approve, AgainAfterClearanceByAnApproverAddsNothing) {
    Case test = cleared_review();
    ben(test).when(approve());
    EXPECT_EQ(test.refused(), "");
    EXPECT_TRUE(test.events().empty());
}

TEST(Approve, AfterAReturnIsRefused) {
    Case test = reviewing();
    cleo(test).when(request_changes());
    EXPECT_EQ(ben(test).when(approve()).refused(), "not_in_review");
}

TEST(Approve, DoesNotClearForAnAgencyThatLeftTheRoster) {
    const std::string digest = digest_of({"calgary", "police"});
    Case test = reviewing({"calgary", "police"});
    pia(test).when(approve(digest));
    pol(test).when(approve(digest));
    ben(test).when(approve(digest));
    // No import takes an agency away; a ledger may hold one that did.
    v1::Roster smaller = roster();
    smaller.mutable_agencies()->RemoveLast();
    smaller.mutable_people()->DeleteSubrange(5, 2);
    test.happens(imported(smaller));
    EXPECT_EQ(cleo(test).when(approve(digest)).refused(), "agency_unknown");
}

TEST(Size, AContentAtTheLimitIsReviewedAndClearedInRecordsThatFit) {
    const std::string headline(content::content_bytes_max - 200, 'x');
    const std::string bytes = content_bytes({"calgary", "police"}, headline.c_str());
    ASSERT_LE(bytes.size(), content::content_bytes_max);
    Case test({imported()});
    const auto fits = [&] {
        std::size_t all = 0;
        for (const v1::Event& event : test.events()) all += event.ByteSizeLong();
        return all < runtime::decision_bytes_max;
    };
    test.when(foreign<drafting::v1::Event>("drafting", "bow", {submitted(bytes, {"zoe"})}));
    EXPECT_TRUE(fits());
    const std::string digest = content::digest(bytes);
    for (Case* next : {&ben(test).when(approve(digest)), &cleo(test).when(approve(digest)),
                       &pia(test).when(approve(digest)), &pol(test).when(approve(digest))})
        EXPECT_EQ(next->refused(), "");
    EXPECT_EQ(review(test).state(), v1::REVIEW_STATE_CLEARED);
    EXPECT_TRUE(fits());
    ASSERT_TRUE(test.events().back().has_cleared());
    EXPECT_EQ(test.events().back().cleared().content(), bytes);
}

}  // namespace
}  // namespace tocsin::approval
