#include "approval/decider.hpp"
#include "content/content.hpp"
#include "runtime/base/digest.hpp"
#include "runtime/base/record_limits.hpp"
#include "support/given.hpp"
#include "tocsin/drafting/v1/drafting_ledger.pb.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

namespace tocsin::approval {
namespace {

using testing::at;
using testing::foreign;
using Case = testing::Given<Decider>;

constexpr auto id = "msg-1";

void add_person(v1::Roster& roster, const char* subject, const char* agency,
                std::vector<std::string> roles) {
    v1::Person& person = *roster.add_people();
    person.set_subject(subject);
    person.set_agency_id(agency);
    for (auto& role : roles) person.add_roles(role);
}

v1::Roster roster() {
    v1::Roster roster;
    for (const char* agency : {"calgary", "police"}) {
        v1::Agency& added = *roster.add_agencies();
        added.set_agency_id(agency);
        added.set_cap_sender(std::string(agency) + ".example");
    }
    add_person(roster, "root", "calgary", {"admin"});
    add_person(roster, "ana", "calgary", {"author", "approver"});
    add_person(roster, "ben", "calgary", {"approver"});
    add_person(roster, "cleo", "calgary", {"duty-officer"});
    add_person(roster, "dan", "calgary", {"analyst"});
    add_person(roster, "pia", "police", {"approver"});
    add_person(roster, "pol", "police", {"approver"});
    return roster;
}

v1::Event imported(const v1::Roster& with = roster()) {
    v1::Event event;
    *event.mutable_roster_imported()->mutable_roster() = with;
    return event;
}

std::string content_bytes(std::vector<std::string> agencies, const char* headline = "Flood") {
    content::Content content;
    content.set_message_id(id);
    content.set_realm("bow");
    content.mutable_draft()->set_severity(content::v1::SEVERITY_SEVERE);
    for (auto& agency : agencies) content.mutable_draft()->add_agencies(agency);
    content.mutable_draft()->add_texts()->set_headline(headline);
    return content::serialise(content);
}

drafting::v1::Event submitted(const std::string& bytes, std::vector<std::string> hands = {"ana"}) {
    drafting::v1::Event event;
    auto& body = *event.mutable_message_submitted();
    body.set_message_id(id);
    body.set_content(bytes);
    body.set_digest(content::digest(bytes));
    for (auto& hand : hands) body.add_hands(hand);
    return event;
}

runtime::Foreign submission(std::vector<std::string> agencies = {"calgary"},
                            const char* headline = "Flood") {
    return foreign<drafting::v1::Event>("drafting", "bow",
                                        {submitted(content_bytes(agencies, headline))});
}

std::string digest_of(std::vector<std::string> agencies = {"calgary"},
                      const char* headline = "Flood") {
    return content::digest(content_bytes(agencies, headline));
}

v1::Command approve(const std::string& digest = digest_of()) {
    v1::Command command;
    command.mutable_approve()->set_message_id(id);
    command.mutable_approve()->set_digest(digest);
    return command;
}

v1::Command request_changes() {
    v1::Command command;
    command.mutable_request_changes()->set_message_id(id);
    command.mutable_request_changes()->set_reason("say which bank");
    return command;
}

v1::Command refuse() {
    v1::Command command;
    command.mutable_reject()->set_message_id(id);
    command.mutable_reject()->set_reason("not ours");
    return command;
}

v1::Command take_back() {
    v1::Command command;
    command.mutable_take_back()->set_message_id(id);
    command.mutable_take_back()->set_reason("a typo");
    return command;
}

v1::Command import(const v1::Roster& with) {
    v1::Command command;
    *command.mutable_import_roster()->mutable_roster() = with;
    return command;
}

v1::Command policy(int quorum, std::vector<std::string> roles) {
    v1::Command command;
    auto& body = *command.mutable_set_policy();
    body.set_severity(content::v1::SEVERITY_SEVERE);
    body.set_quorum(quorum);
    for (auto& role : roles) body.add_roles(role);
    return command;
}

// A realm with a roster and one text in review.
Case reviewing(std::vector<std::string> agencies = {"calgary"}) {
    Case test({imported()});
    test.when(submission(agencies));
    return test;
}

Case& ana(Case& test) { return test.by("ana", "calgary", {"author", "approver"}); }
Case& ben(Case& test) { return test.by("ben", "calgary", {"approver"}); }
Case& cleo(Case& test) { return test.by("cleo", "calgary", {"duty-officer"}); }
Case& pia(Case& test) { return test.by("pia", "police", {"approver"}); }
Case& pol(Case& test) { return test.by("pol", "police", {"approver"}); }
Case& root(Case& test) { return test.by("root", "calgary", {"admin"}); }

v1::Review review(const Case& test) { return test.state().reviews.at(id).get(); }

Case cleared() {
    Case test = reviewing();
    ben(test).when(approve());
    cleo(test).when(approve());
    return test;
}

// ---- roster

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

const v1::Roster& roster_of(const Case& test) { return test.state().roster; }

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

TEST(Roster, AnAgencyThatIsNewOrHasNoAdminIsChangedByAnyOfTheRealm) {
    Case test({imported()});
    v1::Roster added = shared_roster();
    added.mutable_agencies()->DeleteSubrange(0, 1);
    added.mutable_people()->DeleteSubrange(0, 2);
    EXPECT_EQ(root(test).when(import(added)).events().size(), 1u);
    v1::Roster police;
    const v1::Roster all = roster();
    for (const v1::Agency& agency : all.agencies())
        if (agency.agency_id() == "police") *police.add_agencies() = agency;
    add_person(police, "pia", "police", {"approver", "duty-officer"});
    EXPECT_EQ(test.when(import(police)).events().size(), 1u);
    EXPECT_EQ(find_person(roster_of(test), "pol", "police"), nullptr);
    EXPECT_EQ(test.when(import(added)).events().size(), 0u);
}

// Whoever lists a person of another agency neither takes them from it nor keeps them from it.
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

// ---- policies

TEST(Policy, NeedsTheRoleAdminOfTheRoster) {
    Case test({imported()});
    EXPECT_EQ(ben(test).when(policy(1, {"approver"})).refused(), "role_missing");
    EXPECT_EQ(test.by("zoe", "calgary", {"admin"}).when(policy(1, {"approver"})).refused(),
              "not_on_roster");
}

TEST(Policy, BindsTheCallersOwnAgency) {
    Case test({imported()});
    root(test).when(policy(1, {"approver"}));
    EXPECT_EQ(test.events().at(0).policy_set().policy().agency_id(), "calgary");
    EXPECT_EQ(test.etag(), "1");
    EXPECT_EQ(test.when(policy(2, {"approver"})).etag(), "2");
}

TEST(Policy, AsksAtLeastOnePersonOfAtLeastOneRole) {
    Case test({imported()});
    EXPECT_EQ(root(test).when(policy(0, {"approver"})).refused(), "out_of_range");
    EXPECT_EQ(test.rejection()->field, "quorum");
    EXPECT_EQ(test.when(policy(1, {})).refused(), "required");
    EXPECT_EQ(test.rejection()->field, "roles");
}

TEST(Policy, NamesOnlyRolesThatMayApprove) {
    Case test({imported()});
    EXPECT_EQ(root(test).when(policy(1, {"analyst"})).refused(), "unknown_role");
}

TEST(Policy, IsTwoApproversOrDutyOfficersWhereNoneIsSet) {
    const Case test = reviewing();
    EXPECT_EQ(review(test).agencies(0).quorum(), 2);
    EXPECT_EQ(review(test).agencies(0).roles_size(), 2);
}

TEST(Policy, IsFrozenWhenTheReviewOpens) {
    Case test({imported()});
    root(test).when(policy(1, {"approver"}));
    test.when(submission());
    root(test).when(policy(3, {"approver"}));
    ben(test).when(approve());
    EXPECT_EQ(review(test).state(), "cleared");
}

TEST(Policy, IsThatOfTheMessagesSeverity) {
    v1::Command other = policy(1, {"approver"});
    other.mutable_set_policy()->set_severity(content::v1::SEVERITY_MINOR);
    Case test({imported()});
    root(test).when(other);
    test.when(submission());
    EXPECT_EQ(review(test).agencies(0).quorum(), default_quorum);
}

// ---- opening

TEST(Review, OpensOnSubmission) {
    const Case test = reviewing();
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_EQ(review(test).state(), "in_review");
    EXPECT_EQ(*test.state().reviews.at(id).content, content_bytes({"calgary"}));
    EXPECT_EQ(review(test).hands(0), "ana");
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
    created.mutable_message_created()->set_message_id(id);
    Case test({imported()});
    test.when(foreign<drafting::v1::Event>("drafting", "bow",
                                           {created, submitted(content_bytes({"calgary"}))}));
    EXPECT_EQ(review(test).state(), "in_review");
}

TEST(Review, OtherDraftingEventsLeaveNoRecord) {
    drafting::v1::Event withdrawn;
    withdrawn.mutable_message_withdrawn()->set_message_id(id);
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
    EXPECT_EQ(review(test).state(), "returned");
    EXPECT_TRUE(review(test).reason().starts_with("agency_unknown: agency `nowhere`"));
}

TEST(Review, OfNoAgencyIsReturnedAtOnce) { EXPECT_EQ(review(reviewing({})).state(), "returned"); }

TEST(Review, OfBytesWithAnotherDigestIsReturnedAtOnce) {
    auto event = submitted(content_bytes({"calgary"}));
    event.mutable_message_submitted()->set_digest(std::string(64, '0'));
    Case test({imported()});
    test.when(foreign<drafting::v1::Event>("drafting", "bow", {event}));
    EXPECT_TRUE(review(test).reason().starts_with("digest_mismatch"));
    EXPECT_EQ(review(test).state(), "returned");
}

TEST(Review, OfUnreadableBytesIsReturnedAtOnce) {
    Case test({imported()});
    test.when(foreign<drafting::v1::Event>("drafting", "bow", {submitted("\xff\xff")}));
    EXPECT_TRUE(review(test).reason().starts_with("content_unreadable"));
    EXPECT_EQ(review(test).state(), "returned");
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
    EXPECT_EQ(review(test).state(), "in_review");
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

TEST(Review, NeverOpensAgainOnceCleared) {
    Case test = cleared();
    test.when(submission());
    EXPECT_FALSE(test.reacted());
}

// ---- approve

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
    EXPECT_EQ(review(test).state(), "in_review");
}

TEST(Approve, ByAHandInTheTextIsRefused) {
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
    EXPECT_EQ(review(test).state(), "in_review");
}

// Whether they moved there or act for both.
TEST(Approve, ByAPersonOfAnotherAgencyStillCountsOnce) {
    Case test = reviewing({"calgary", "police"});
    ben(test).when(approve(digest_of({"calgary", "police"})));
    v1::Roster moved = roster();
    moved.mutable_people(2)->set_agency_id("police");
    root(test).when(import(moved));
    test.by("ben", "police", {"approver"}).when(approve(digest_of({"calgary", "police"})));
    EXPECT_EQ(test.refused(), "second_approval");
}

TEST(Approve, ReachingTheQuorumClears) {
    const Case test = cleared();
    ASSERT_EQ(test.events().size(), 3u);
    EXPECT_TRUE(test.events()[0].has_approval_given());
    EXPECT_EQ(test.events()[1].agency_cleared().agency_id(), "calgary");
    const v1::Cleared& handed = test.events()[2].cleared();
    EXPECT_EQ(handed.content(), content_bytes({"calgary"}));
    EXPECT_EQ(handed.digest(), digest_of());
    EXPECT_EQ(handed.approvals_size(), 2);
    ASSERT_EQ(handed.agencies_size(), 1);
    EXPECT_EQ(handed.agencies(0).cap_sender(), "calgary.example");
    EXPECT_EQ(review(test).state(), "cleared");
}

TEST(Approve, OfAJointMessageClearsWhenEveryAgencyCleared) {
    const std::string digest = digest_of({"calgary", "police"});
    Case test = reviewing({"calgary", "police"});
    ben(test).when(approve(digest));
    cleo(test).when(approve(digest));
    EXPECT_EQ(review(test).state(), "in_review");
    EXPECT_TRUE(review(test).agencies(0).cleared());
    pia(test).when(approve(digest));
    EXPECT_EQ(review(test).state(), "in_review");
    pol(test).when(approve(digest));
    EXPECT_EQ(review(test).state(), "cleared");
    EXPECT_EQ(test.events().at(2).cleared().approvals_size(), 4);
}

TEST(Approve, AgainAfterClearanceByAnApproverAddsNothing) {
    Case test = cleared();
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

// ---- return and reject

TEST(RequestChanges, ReturnsTheTextWithTheReason) {
    Case test = reviewing();
    ben(test).when(request_changes());
    EXPECT_FALSE(test.events().at(0).review_returned().taken_back());
    EXPECT_EQ(review(test).state(), "returned");
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
    Case test = cleared();
    EXPECT_EQ(ben(test).when(request_changes()).refused(), "not_in_review");
}

TEST(Reject, EndsTheReviewForGood) {
    Case test = reviewing();
    ben(test).when(refuse());
    EXPECT_EQ(review(test).state(), "rejected");
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
    EXPECT_EQ(review(test).state(), "returned");
}

TEST(TakeBack, NeedsAnAuthorOrDutyOfficerOfOneOfItsAgencies) {
    Case test = reviewing();
    EXPECT_EQ(ben(test).when(take_back()).refused(), "role_missing");
    EXPECT_EQ(pia(test).when(take_back()).refused(), "other_agency");
    EXPECT_EQ(cleo(test).when(take_back()).refused(), "");
}

TEST(TakeBack, AfterClearancePointsToTheRelease) {
    Case test = cleared();
    EXPECT_EQ(ana(test).when(take_back()).refused(), "cleared");
    EXPECT_NE(test.rejection()->text.find("cancel its release"), std::string::npos);
}

// ---- versions

TEST(Approval, AnUnknownCommandIsRefused) {
    Case test({imported()});
    EXPECT_EQ(test.when(v1::Command{}).refused(), "unknown_command");
}

TEST(Approval, AnUnknownEventIsNotFolded) {
    State state;
    EXPECT_FALSE(Decider::evolve(state, {}, at(0)));
}

TEST(Size, AContentAtTheLimitIsReviewedAndClearedInRecordsThatFit) {
    const std::string headline(content::content_bytes_max - 100, 'x');
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
    EXPECT_EQ(review(test).state(), "cleared");
    EXPECT_TRUE(fits());
    ASSERT_TRUE(test.events().back().has_cleared());
    EXPECT_EQ(test.events().back().cleared().content(), bytes);
}

}  // namespace
}  // namespace tocsin::approval
