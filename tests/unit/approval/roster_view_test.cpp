#include "runtime/edge/roster.hpp"
#include "support/given.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"

#include <gtest/gtest.h>

namespace tocsin::runtime {
namespace {

using Names = std::vector<std::string>;

void feed(Roster& roster, const std::string& event, std::string_view service = "approval") {
    ledger::v1::Decision decision;
    decision.set_realm("bow");
    decision.mutable_accepted()->add_events(event);
    roster.apply({service, 0, 0, testing::at(0), decision, true});
}

std::string imported(const Names& roles) {
    approval::v1::Event event;
    auto& roster = *event.mutable_roster_imported()->mutable_roster();
    roster.add_agencies()->set_agency_id("calgary");
    auto& person = *roster.add_people();
    person.set_subject("ana");
    person.set_agency_id("calgary");
    for (const auto& role : roles) person.add_roles(role);
    return event.SerializeAsString();
}

Caller caller(const char* actor, const char* agency, Names roles, const char* realm = "bow") {
    return {actor, realm, agency, std::move(roles)};
}

TEST(RosterView, ConfirmsWhatTokenAndRosterBothSay) {
    Roster roster(1);
    feed(roster, imported({"author", "approver"}));
    EXPECT_EQ(roster.confirmed(caller("ana", "calgary", {"approver", "admin"})), Names{"approver"});
}

TEST(RosterView, ConfirmsNothingForAStrangerOrAnotherAgency) {
    Roster roster(1);
    feed(roster, imported({"author"}));
    EXPECT_TRUE(roster.confirmed(caller("zoe", "calgary", {"author"})).empty());
    EXPECT_TRUE(roster.confirmed(caller("ana", "police", {"author"})).empty());
}

TEST(RosterView, ConfirmsOnlyAdminWhileThereIsNone) {
    Roster roster(1);
    EXPECT_EQ(roster.confirmed(caller("ana", "calgary", {"author", "admin"})), Names{"admin"});
    EXPECT_TRUE(roster.confirmed(caller("ana", "calgary", {"author"})).empty());
}

TEST(RosterView, TakesNoAdminFromTheTokenOnceThereIsOne) {
    Roster roster(1);
    feed(roster, imported({"author"}));
    EXPECT_TRUE(roster.confirmed(caller("ana", "calgary", {"admin"})).empty());
    EXPECT_TRUE(roster.confirmed(caller("zoe", "calgary", {"admin"})).empty());
}

TEST(RosterView, IsTheRealmsOwn) {
    Roster roster(1);
    feed(roster, imported({"author"}));
    EXPECT_EQ(roster.confirmed(caller("zoe", "calgary", {"admin"}, "other")), Names{"admin"});
    EXPECT_FALSE(roster.agency("other", "calgary"));
}

TEST(RosterView, TheRoleServiceIsOnlyAServices) {
    Roster roster(1);
    feed(roster, imported({"author", "service"}));
    EXPECT_TRUE(roster.confirmed(caller("ana", "calgary", {"service"})).empty());
    EXPECT_EQ(roster.confirmed(caller("service:gateway", "", {"service", "admin"})),
              Names{"service"});
    EXPECT_TRUE(roster.confirmed(caller("service:gateway", "", {"admin"})).empty());
}

TEST(RosterView, ALaterImportReplacesTheWholeRoster) {
    Roster roster(1);
    feed(roster, imported({"author"}));
    feed(roster, imported({"analyst"}));
    EXPECT_TRUE(roster.confirmed(caller("ana", "calgary", {"author"})).empty());
}

TEST(RosterView, PassesOverOtherEventsAndLedgers) {
    Roster roster(1);
    feed(roster, imported({"author"}), "drafting");
    feed(roster, "\xff");
    approval::v1::Event newer;
    feed(roster, newer.SerializeAsString());
    EXPECT_EQ(roster.confirmed(caller("ana", "calgary", {"admin"})), Names{"admin"});
}

TEST(RosterView, KnowsTheAgencies) {
    Roster roster(1);
    feed(roster, imported({"author"}));
    EXPECT_TRUE(roster.agency("bow", "calgary"));
    EXPECT_FALSE(roster.agency("bow", "nowhere"));
}

}  // namespace
}  // namespace tocsin::runtime
