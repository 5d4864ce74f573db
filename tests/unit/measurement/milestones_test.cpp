// What becomes a milestone, and what does not.
#include "measurement/decider.hpp"
#include "support/given.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"
#include "unit/measurement/samples.hpp"

namespace tocsin::measurement {
namespace {

using samples::message_created;
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

approval::v1::Event approval_given(const std::string& approver) {
    approval::v1::Event event;
    event.set_message_id("msg-1");
    auto& body = *event.mutable_approval_given();
    body.mutable_approval()->set_approver(approver);
    body.mutable_approval()->set_agency_id("calgary");
    return event;
}

TEST(Milestones, ACrossingIsAMilestoneOfNoMessageYet) {
    Given<Decider> given;
    given.when(foreign<trigger::v1::Event>("trigger", "bow", {rule_crossed()}, at(6)));
    ASSERT_EQ(given.events().size(), 1U);
    const auto& reached = given.events()[0].milestone_reached();
    EXPECT_EQ(given.events()[0].message_id(), "");
    EXPECT_EQ(reached.crossing_id(), "crx-1");
    EXPECT_EQ(reached.milestone().kind(), v1::MILESTONE_KIND_CROSSED);
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
    EXPECT_EQ(reached.milestone().kind(), v1::MILESTONE_KIND_DRAFTED);
    EXPECT_EQ(given.events()[0].message_id(), "msg-1");
    EXPECT_EQ(reached.crossing_id(), "crx-1");
    EXPECT_EQ(runtime::from_proto(reached.milestone().at()), at(8));
}

TEST(Milestones, WhatComesAgainYieldsNothing) {
    Given<Decider> given;
    const auto decision =
        foreign<drafting::v1::Event>("drafting", "bow", {message_created()}, at(8));
    EXPECT_TRUE(given.when(decision).reacted());
    EXPECT_FALSE(given.when(decision).reacted());
}

TEST(Milestones, ASubmissionIsAMilestone) {
    drafting::v1::Event event;
    event.set_message_id("msg-1");
    event.mutable_message_submitted();
    Given<Decider> given;
    given.when(foreign<drafting::v1::Event>("drafting", "bow", {event}, at(9)));
    ASSERT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.events()[0].milestone_reached().milestone().kind(),
              v1::MILESTONE_KIND_SUBMITTED);
}

TEST(Milestones, EveryApproverIsAMilestoneAndTheClearanceToo) {
    approval::v1::Event cleared;
    cleared.set_message_id("msg-1");
    cleared.mutable_cleared();
    Given<Decider> given;
    given.when(foreign<approval::v1::Event>(
        "approval", "bow", {approval_given("pia"), approval_given("quy"), cleared}, at(20)));
    ASSERT_EQ(given.events().size(), 3U);
    EXPECT_EQ(given.events()[0].milestone_reached().milestone().person(), "pia");
    EXPECT_EQ(given.events()[1].milestone_reached().milestone().person(), "quy");
    EXPECT_EQ(given.events()[2].milestone_reached().milestone().kind(), v1::MILESTONE_KIND_CLEARED);
    EXPECT_FALSE(given
                     .when(foreign<approval::v1::Event>("approval", "bow",
                                                        {approval_given("pia"), cleared}, at(21)))
                     .reacted());
}

TEST(Milestones, OtherEventsLeaveNoRecord) {
    drafting::v1::Event revised;
    revised.set_message_id("msg-1");
    revised.mutable_message_revised();
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
    const auto decision = foreign<drafting::v1::Event>("drafting", "bow", {newer}, at(1));
    EXPECT_THROW(given.when(decision), runtime::UnknownForeignEvent);
    newer.set_ignorable(true);
    EXPECT_FALSE(
        given.when(foreign<drafting::v1::Event>("drafting", "bow", {newer}, at(1))).reacted());
}

drafting::v1::Event revised_for(const std::string& agency) {
    drafting::v1::Event event;
    event.set_message_id("msg-1");
    event.mutable_message_revised()->mutable_draft()->add_agencies(agency);
    return event;
}

TEST(Parties, AreNotedOnceAndAgainWhenTheDraftNamesOthers) {
    auto given = samples::joint_draft();
    ASSERT_EQ(given.events().size(), 2U);
    const auto& noted = given.events()[0].parties_noted();
    EXPECT_EQ(given.events()[0].message_id(), "msg-1");
    EXPECT_EQ(noted.parties().agencies_size(), 2);
    EXPECT_EQ(noted.parties().incident_agencies_size(), 3);
    const auto decision =
        foreign<drafting::v1::Event>("drafting", "bow", {revised_for("police")}, at(9));
    given.when(decision);
    ASSERT_EQ(given.events().size(), 1U);
    EXPECT_EQ(given.events()[0].parties_noted().parties().agencies(0), "police");
    EXPECT_EQ(given.events()[0].parties_noted().parties().incident_agencies_size(), 3);
    EXPECT_FALSE(given.when(decision).reacted());
}

}  // namespace
}  // namespace tocsin::measurement
