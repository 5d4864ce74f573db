// What becomes a milestone, and what does not.
#include "measurement/decider.hpp"
#include "support/given.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"

namespace tocsin::measurement {
namespace {

using testing::at;
using testing::foreign;
using testing::Given;

trigger::v1::Event rule_crossed() {
    trigger::v1::Event event;
    auto& body = *event.mutable_rule_crossed();
    body.set_agency_id("calgary");
    auto& crossing = *body.mutable_crossing();
    crossing.set_crossing_id("crx-1");
    crossing.set_rule_id("bow-high");
    *crossing.mutable_cross_time() = runtime::to_proto(at(5));
    crossing.add_evidence()->set_value(1200);
    return event;
}

drafting::v1::Event message_created() {
    drafting::v1::Event event;
    auto& body = *event.mutable_message_created();
    body.set_message_id("msg-1");
    body.set_agency("calgary");
    body.set_crossing_id("crx-1");
    return event;
}

approval::v1::Event approval_given(const std::string& approver) {
    approval::v1::Event event;
    auto& body = *event.mutable_approval_given();
    body.set_message_id("msg-1");
    body.mutable_approval()->set_approver(approver);
    body.mutable_approval()->set_agency_id("calgary");
    return event;
}

TEST(Milestones, ACrossingIsAMilestoneOfNoMessageYet) {
    Given<Decider> given;
    given.when(foreign<trigger::v1::Event>("trigger", "bow", {rule_crossed()}, at(6)));
    ASSERT_EQ(given.events().size(), 1U);
    const auto& reached = given.events()[0].milestone_reached();
    EXPECT_EQ(reached.message_id(), "");
    EXPECT_EQ(reached.crossing_id(), "crx-1");
    EXPECT_EQ(reached.milestone().kind(), "crossed");
    EXPECT_EQ(runtime::from_proto(reached.milestone().at()), at(5)) << "when it was decided";
    EXPECT_EQ(reached.reading().value(), 1200);
    EXPECT_FALSE(given.when(foreign<trigger::v1::Event>("trigger", "bow", {rule_crossed()}, at(7)))
                     .reacted());
}

TEST(Milestones, ADraftNamesItsCrossingAndComesAtTheTimeOfItsDecision) {
    Given<Decider> given;
    given.when(foreign<drafting::v1::Event>("drafting", "bow", {message_created()}, at(8)));
    ASSERT_EQ(given.events().size(), 1U);
    const auto& reached = given.events()[0].milestone_reached();
    EXPECT_EQ(reached.milestone().kind(), "drafted");
    EXPECT_EQ(reached.message_id(), "msg-1");
    EXPECT_EQ(reached.crossing_id(), "crx-1");
    EXPECT_EQ(runtime::from_proto(reached.milestone().at()), at(8));
}

TEST(Milestones, WhatIsToldAgainYieldsNothing) {
    Given<Decider> given;
    const auto told = foreign<drafting::v1::Event>("drafting", "bow", {message_created()}, at(8));
    EXPECT_TRUE(given.when(told).reacted());
    EXPECT_FALSE(given.when(told).reacted());
}

TEST(Milestones, ASubmissionIsAMilestone) {
    drafting::v1::Event event;
    event.mutable_message_submitted()->set_message_id("msg-1");
    Given<Decider> given;
    given.when(foreign<drafting::v1::Event>("drafting", "bow", {event}, at(9)));
    ASSERT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.events()[0].milestone_reached().milestone().kind(), "submitted");
}

TEST(Milestones, EveryApproverIsAMilestoneAndTheClearanceToo) {
    approval::v1::Event cleared;
    cleared.mutable_cleared()->set_message_id("msg-1");
    Given<Decider> given;
    given.when(foreign<approval::v1::Event>(
        "approval", "bow", {approval_given("pia"), approval_given("quy"), cleared}, at(20)));
    ASSERT_EQ(given.events().size(), 3U);
    EXPECT_EQ(given.events()[0].milestone_reached().milestone().text(), "pia");
    EXPECT_EQ(given.events()[1].milestone_reached().milestone().text(), "quy");
    EXPECT_EQ(given.events()[2].milestone_reached().milestone().kind(), "cleared");
    EXPECT_FALSE(given
                     .when(foreign<approval::v1::Event>("approval", "bow",
                                                        {approval_given("pia"), cleared}, at(21)))
                     .reacted());
}

TEST(Milestones, OtherEventsLeaveNoRecord) {
    drafting::v1::Event revised;
    revised.mutable_message_revised()->set_message_id("msg-1");
    Given<Decider> given;
    EXPECT_FALSE(
        given.when(foreign<drafting::v1::Event>("drafting", "bow", {revised}, at(1))).reacted());
}

TEST(Milestones, WhatNeverBecomesOneDoesNotConcernIt) {
    using Names = std::set<std::string>;
    EXPECT_EQ((testing::concerning<Decider, trigger::v1::Event>("trigger")), Names{"rule_crossed"});
    EXPECT_EQ((testing::concerning<Decider, drafting::v1::Event>("drafting")),
              (Names{"message_created", "message_revised", "message_submitted"}));
    EXPECT_EQ((testing::concerning<Decider, approval::v1::Event>("approval")),
              (Names{"approval_given", "cleared"}));
    const auto published = testing::concerning<Decider, publishing::v1::Event>("publishing");
    EXPECT_TRUE(published.contains("delivery_settled"));
    for (const char* other :
         {"channel_put", "channel_removed", "delivery_prepared", "rendition_kept"})
        EXPECT_FALSE(published.contains(other)) << other;
}

TEST(Milestones, AnEventOfANewerVersionStopsUnlessItMayBePassedOver) {
    drafting::v1::Event newer;
    Given<Decider> given;
    const auto told = foreign<drafting::v1::Event>("drafting", "bow", {newer}, at(1));
    EXPECT_THROW(given.when(told), runtime::UnknownForeignEvent);
    newer.set_ignorable(true);
    EXPECT_FALSE(
        given.when(foreign<drafting::v1::Event>("drafting", "bow", {newer}, at(1))).reacted());
}

v1::Command remark(const std::string& message_id = "msg-1") {
    v1::Command command;
    command.mutable_add_remark()->set_message_id(message_id);
    command.mutable_add_remark()->set_text("The phone line was down.");
    return command;
}

// Concerns calgary and alberta, and the duty officers of banff.
drafting::v1::Event joint_message() {
    drafting::v1::Event event = message_created();
    auto& body = *event.mutable_message_created();
    for (const char* agency : {"calgary", "alberta"}) body.mutable_draft()->add_agencies(agency);
    for (const char* agency : {"calgary", "alberta", "banff"}) body.add_incident_agencies(agency);
    return event;
}

Given<Decider> drafted() {
    Given<Decider> given;
    given.when(foreign<drafting::v1::Event>("drafting", "bow", {joint_message()}, at(8)));
    return given;
}

drafting::v1::Event revised_for(const std::string& agency) {
    drafting::v1::Event event;
    event.mutable_message_revised()->set_message_id("msg-1");
    event.mutable_message_revised()->mutable_draft()->add_agencies(agency);
    return event;
}

TEST(Parties, AreNotedOnceAndAgainWhenTheDraftNamesOthers) {
    auto given = drafted();
    ASSERT_EQ(given.events().size(), 2U);
    const auto& noted = given.events()[0].parties_noted();
    EXPECT_EQ(noted.message_id(), "msg-1");
    EXPECT_EQ(noted.parties().agencies_size(), 2);
    EXPECT_EQ(noted.parties().incident_agencies_size(), 3);
    const auto told =
        foreign<drafting::v1::Event>("drafting", "bow", {revised_for("police")}, at(9));
    given.when(told);
    ASSERT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.events()[0].parties_noted().parties().agencies(0), "police");
    EXPECT_EQ(given.events()[0].parties_noted().parties().incident_agencies_size(), 3);
    EXPECT_FALSE(given.when(told).reacted());
}

TEST(Remarks, AreForWhomTheMessageConcerns) {
    auto given = drafted();
    given.repeats_add();
    EXPECT_EQ(given.by("eve", "banff", {"analyst"}).when(remark()).refused(), "other_agency");
    EXPECT_EQ(given.by("eve", "solo", {"duty-officer"}).when(remark()).refused(), "other_agency");
    EXPECT_EQ(given.by("dan", "banff", {"duty-officer"}).when(remark()).refused(), "");
}

TEST(Remarks, AnAnalystAddsARemarkToTheTimeline) {
    auto given = drafted();
    // Somebody may well say the same again.
    given.repeats_add().by("ada", "alberta", {"analyst"}).on(at(50)).when(remark());
    ASSERT_EQ(given.refused(), "");
    ASSERT_EQ(given.events().size(), 1U);
    const auto& added = given.events()[0].remark_added();
    EXPECT_EQ(added.actor(), "ada");
    EXPECT_EQ(added.milestone().kind(), "remark");
    EXPECT_EQ(added.milestone().agency(), "alberta");
    EXPECT_EQ(added.milestone().text(), "The phone line was down.");
    EXPECT_EQ(runtime::from_proto(added.milestone().at()), at(50));
    EXPECT_EQ(given.subject(), "msg-1");
    EXPECT_EQ(given.etag(), "1");
    EXPECT_EQ(given.when(remark()).etag(), "2");
}

TEST(Remarks, AnAuthorMayNotRemark) {
    auto given = drafted();
    EXPECT_EQ(given.by("ana", "calgary", {"author"}).when(remark()).refused(), "role_missing");
}

TEST(Remarks, AMessageHasAtMostAThousand) {
    auto given = drafted();
    given.repeats_add().by("ada", "alberta", {"analyst"});
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(given.when(remark()).refused(), "");
    EXPECT_EQ(given.when(remark()).refused(), "too_many_remarks");
}

TEST(Remarks, ARemarkNeedsItsMessage) {
    auto given = drafted();
    given.by("ada", "alberta", {"analyst"}).when(remark("msg-2"));
    EXPECT_EQ(given.refused(), "message_not_found");
    EXPECT_EQ(given.rejection()->field, "message_id");
}

TEST(Remarks, ACommandOfANewerVersionIsRefused) {
    EXPECT_EQ(drafted().when(v1::Command{}).refused(), "unknown_command");
}

}  // namespace
}  // namespace tocsin::measurement
