#include "approval/roster.hpp"

#include "unit/approval/samples.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

namespace tocsin::approval {
namespace {

using namespace samples;

TEST(Roster, FirstImportNeedsOnlyTheRoleAdmin) {
    Case test;
    root(test).when(import(roster()));
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_EQ(test.subject(), "bow");
    EXPECT_EQ(test.etag(), "1");
}

TEST(Roster, ImportNeedsTheRoleAdmin) {
    Case test;
    EXPECT_EQ(ben(test).when(import(roster())).refused(), "role_missing");
}

TEST(Roster, AnAgencyIsListedOnce) {
    v1::Roster twice = roster();
    *twice.add_agencies() = twice.agencies(0);
    Case test;
    EXPECT_EQ(root(test).when(import(twice)).refused(), "duplicate_agency");
    EXPECT_EQ(test.rejection()->field, "roster.agencies[2].agency_id");
}

TEST(Roster, APersonIsListedOnce) {
    v1::Roster twice = roster();
    add_person(twice, "ana", "calgary", {"approver"});
    Case test;
    EXPECT_EQ(root(test).when(import(twice)).refused(), "duplicate_person");
}

TEST(Roster, APersonsAgencyExists) {
    v1::Roster stray = roster();
    add_person(stray, "zoe", "nowhere", {"approver"});
    Case test;
    EXPECT_EQ(root(test).when(import(stray)).refused(), "unknown_agency");
    EXPECT_EQ(test.rejection()->field, "roster.people[7].agency_id");
}

// Calgary's and Alberta's, each with an admin.
v1::Roster shared_roster() {
    v1::Roster shared;
    for (const char* agency_id : {"calgary", "alberta"}) {
        v1::Agency& agency = *shared.add_agencies();
        agency.set_agency_id(agency_id);
        agency.set_cap_sender(fmt::format("alerts@{}.example", agency_id));
    }
    add_person(shared, "root", "calgary", {"admin"});
    add_person(shared, "ben", "calgary", {"approver"});
    add_person(shared, "rita", "alberta", {"admin"});
    return shared;
}

// Its agency, with nobody yet.
v1::Roster calgary_alone() {
    v1::Roster own;
    *own.add_agencies() = shared_roster().agencies(0);
    return own;
}

const v1::Roster& roster_of(const Case& test) { return test.state().roster.current; }

TEST(Roster, AnotherAgencyIsLeftAsItIs) {
    const std::function<void(v1::Roster&)> changes[] = {
        [](v1::Roster& all) { all.mutable_agencies(1)->set_cap_sender("evil@calgary.example"); },
        [](v1::Roster& all) { all.mutable_people()->DeleteSubrange(2, 1); },
        [](v1::Roster& all) { all.mutable_people(2)->add_roles("approver"); },
        [](v1::Roster& all) { add_person(all, "mal", "alberta", {"approver"}); },
        [](v1::Roster& all) { all.mutable_people(2)->set_agency_id("calgary"); }};
    for (const auto& change : changes) {
        Case test({imported(shared_roster())});
        v1::Roster changed = shared_roster();
        change(changed);
        EXPECT_EQ(root(test).when(import(changed)).refused(), "other_agency");
        EXPECT_EQ(test.rejection()->field, "roster.agencies[1].agency_id");
    }
}

TEST(Roster, AnAgencyIsChangedByItsOwnAdmin) {
    Case test({imported(shared_roster())});
    v1::Roster own = calgary_alone();
    own.mutable_agencies(0)->set_cap_sender("new@calgary.example");
    add_person(own, "root", "calgary", {"admin"});
    add_person(own, "zoe", "calgary", {"author"});
    root(test).when(import(own));
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_EQ(roster_of(test).agencies_size(), 2);
    EXPECT_EQ(roster_of(test).agencies(0).cap_sender(), "new@calgary.example");
    EXPECT_NE(find_person(roster_of(test), "zoe", "calgary"), nullptr);
    EXPECT_EQ(find_person(roster_of(test), "ben", "calgary"), nullptr);
    EXPECT_NE(find_person(roster_of(test), "rita", "alberta"), nullptr);
    // The same again, alone or with what the others have.
    EXPECT_TRUE(test.when(import(own)).events().empty());
    EXPECT_TRUE(test.when(import(roster_of(test))).events().empty());
}

TEST(Roster, AnAgencyThatIsNewIsAddedByAnyOfTheRealmAndOneWithoutAnAdminGetsOne) {
    Case test({imported()});
    v1::Roster added = shared_roster();
    added.mutable_agencies()->DeleteSubrange(0, 1);
    added.mutable_people()->DeleteSubrange(0, 2);
    EXPECT_EQ(root(test).when(import(added)).events().size(), 1u);
    v1::Roster police;
    const v1::Roster all = roster();
    for (const v1::Agency& agency : all.agencies())
        if (agency.agency_id() == "police") *police.add_agencies() = agency;
    for (const v1::Person& person : all.people())
        if (person.agency_id() == "police") *police.add_people() = person;
    const std::function<void(v1::Roster&)> changes[] = {
        [](v1::Roster& one) { one.mutable_agencies(0)->set_cap_sender("evil@calgary.example"); },
        [](v1::Roster& one) { one.mutable_people()->DeleteSubrange(0, 1); },
        [](v1::Roster& one) { one.mutable_people(0)->add_roles("admin"); },
        [](v1::Roster& one) { add_person(one, "paul", "police", {"admin", "approver"}); }};
    for (const auto& change : changes) {
        v1::Roster changed = police;
        add_person(changed, "ada", "police", {"admin"});
        change(changed);
        EXPECT_EQ(test.when(import(changed)).refused(), "other_agency");
    }
    add_person(police, "ada", "police", {"admin"});
    EXPECT_EQ(test.when(import(police)).events().size(), 1u);
    EXPECT_NE(find_person(roster_of(test), "pol", "police"), nullptr);
    add_person(police, "paul", "police", {"admin"});
    EXPECT_EQ(test.when(import(police)).refused(), "other_agency") << "it has one now";
    EXPECT_EQ(test.when(import(added)).events().size(), 0u);
}

// An agency that lists a person of another neither takes them from it nor keeps them from it.
TEST(Roster, APersonMayActForSeveralAgencies) {
    Case test({imported(shared_roster())});
    v1::Roster own = calgary_alone();
    add_person(own, "root", "calgary", {"admin"});
    add_person(own, "rita", "calgary", {"author"});
    EXPECT_EQ(root(test).when(import(own)).refused(), "");
    const v1::Person* here = find_person(roster_of(test), "rita", "calgary");
    const v1::Person* there = find_person(roster_of(test), "rita", "alberta");
    ASSERT_NE(here, nullptr);
    ASSERT_NE(there, nullptr);
    EXPECT_EQ(here->roles(0), "author");
    EXPECT_NE(there->roles(0), "author");
}

TEST(Roster, NoAgencyBorrowsTheSenderOfAnother) {
    Case test({imported(shared_roster())});
    v1::Roster own = calgary_alone();
    own.mutable_agencies(0)->set_cap_sender("alerts@alberta.example");
    add_person(own, "root", "calgary", {"admin"});
    EXPECT_EQ(root(test).when(import(own)).refused(), "duplicate_sender");
    EXPECT_EQ(test.rejection()->field, "roster.agencies[0].cap_sender");
}

TEST(Roster, IsBoundedAsAWhole) {
    Case test({imported(shared_roster())});
    v1::Roster own = calgary_alone();
    add_person(own, "root", "calgary", {"admin"});
    for (int i = 0; i < 5'000; ++i)
        add_person(own, fmt::format("{:0>150}", i).c_str(), "calgary", {"approver"});
    EXPECT_EQ(root(test).when(import(own)).refused(), "roster_too_large");
}

TEST(Roster, WhoIsNoAdminAnyMoreImportsNothing) {
    Case test({imported(shared_roster())});
    v1::Roster own = calgary_alone();
    add_person(own, "zoe", "calgary", {"admin"});
    root(test).when(import(own));
    ASSERT_EQ(test.refused(), "");
    EXPECT_EQ(test.request("r2").when(import(shared_roster())).refused(), "not_on_roster");
}

TEST(Roster, AnAgencyKeepsAnAdmin) {
    Case test({imported(shared_roster())});
    v1::Roster own = calgary_alone();
    add_person(own, "ben", "calgary", {"approver"});
    EXPECT_EQ(root(test).when(import(own)).refused(), "no_admin");
}

TEST(Roster, AtLeastOneAdminStays) {
    v1::Roster headless = roster();
    headless.mutable_people(0)->set_roles(0, "analyst");
    Case test;
    EXPECT_EQ(root(test).when(import(headless)).refused(), "no_admin");
}

TEST(Roster, IsNotEmpty) {
    Case test;
    EXPECT_EQ(root(test).when(import({})).refused(), "empty_roster");
    v1::Roster nobody = roster();
    nobody.clear_people();
    EXPECT_EQ(test.when(import(nobody)).refused(), "empty_roster");
}

}  // namespace
}  // namespace tocsin::approval
