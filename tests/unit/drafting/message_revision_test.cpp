#include "drafting/message_revision.hpp"

#include "unit/drafting/cases.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace tocsin::drafting {
namespace {

using namespace cases;

TEST(Revise, ReplacesTheDraftAndRaisesRevisionAndEtag) {
    Case test = given();
    auto draft = rough_draft();
    draft.set_title("new");
    ben(test).when(revise("1", draft));
    EXPECT_EQ(test.events().at(0).message_revised().revision(), 2);
    EXPECT_EQ(test.etag(), "2");
    EXPECT_EQ(only(test).text().title(), "new");
}

TEST(Revise, NeedsTheEtagReadBefore) {
    Case test = given();
    ana(test).when(revise("1"));
    EXPECT_EQ(ben(test).when(revise("1")).refused(), "stale_etag");
    EXPECT_EQ(test.rejection()->because, runtime::Because::aborted);
}

TEST(Revise, IsForAgenciesNamedInTheMessage) {
    Case test = given();
    EXPECT_EQ(stranger(test).when(revise("1")).refused(), "other_agency");
}

// Nor can the writer's agency be left out by mistake.
TEST(Revise, IsForTheAgenciesThatTheMessageNamesNow) {
    auto draft = samples::make_draft();
    draft.mutable_agencies()->DeleteSubrange(0, 1);
    Case test = given();
    EXPECT_EQ(ana(test).when(revise("1", draft)).refused(), "other_agency");
    EXPECT_EQ(test.rejection()->field, "draft.agencies");
    Case left = given({incident(), message(draft)});
    EXPECT_EQ(ana(left).when(revise("1")).refused(), "other_agency");
}

TEST(Revise, LeavesTheAgencyThatStartedItInIt) {
    auto draft = samples::make_draft();
    draft.clear_agencies();
    draft.add_agencies("alberta");
    Case test = given();
    EXPECT_EQ(test.by("ivy", "alberta", {"author"}).when(revise("1", draft)).refused(),
              "other_agency");
    EXPECT_EQ(test.rejection()->field, "draft.agencies");
}

TEST(Revise, NeedsAnAuthorOrDutyOfficer) {
    Case test = given();
    EXPECT_EQ(test.by("ben", "calgary", {"approver"}).when(revise("1")).refused(), "role_missing");
}

TEST(Revise, OfAnUnknownMessageIsNotFound) {
    Case test = given({incident()});
    EXPECT_EQ(test.when(revise("1")).refused(), "not_found");
}

TEST(Revise, NeedsEveryAgencyInTheIncident) {
    auto draft = rough_draft();
    draft.add_agencies("police");
    Case test = given();
    EXPECT_EQ(test.when(revise("1", draft)).refused(), "agency_not_in_incident");
}

// ---- withdraw

TEST(Withdraw, EndsADraft) {
    Case test = given();
    test.when(withdraw());
    EXPECT_EQ(test.events().at(0).message_withdrawn().reason(), "no flood after all");
    EXPECT_EQ(test.when(revise("2")).refused(), "withdrawn");
}

TEST(Withdraw, IsForAgenciesNamedInTheMessage) {
    Case test = given();
    EXPECT_EQ(stranger(test).when(withdraw()).refused(), "other_agency");
}

// ---- evidence

TEST(Evidence, IsNotWrittenByPeople) {
    Case test = given({incident()});
    auto draft = rough_draft();
    *draft.add_evidence() = samples::make_evidence();
    EXPECT_EQ(ana(test).when(create(draft)).refused(), "own_evidence");
    EXPECT_EQ(test.rejection()->field, "draft.evidence");
    auto put = put_template();
    *put.mutable_put_template()->mutable_draft()->add_evidence() = samples::make_evidence();
    EXPECT_EQ(test.when(put).refused(), "own_evidence");
}

TEST(Evidence, OutlivesATextThatExpired) {
    Case test = given({incident(), message()});
    auto draft = samples::make_draft();
    *draft.mutable_expires() = runtime::to_proto(samples::now - std::chrono::hours{1});
    ASSERT_EQ(ana(test).when(revise("1", draft)).refused(), "");
    ASSERT_FALSE(only(test).has_text());
    EXPECT_EQ(test.request("r2").when(revise("2", samples::make_draft())).refused(), "");
    EXPECT_EQ(only(test).text().evidence_size(), 1);
}

TEST(Evidence, StaysAsItWasWhateverARevisionSays) {
    Case test = given({incident(), message()});
    auto draft = samples::make_draft();
    draft.mutable_evidence(0)->set_value(9'999);
    EXPECT_EQ(ana(test).when(revise("1", draft)).refused(), "own_evidence");
    draft = samples::make_draft();
    *draft.add_evidence() = samples::make_evidence();
    EXPECT_EQ(test.when(revise("1", draft)).refused(), "own_evidence");
    EXPECT_EQ(test.when(revise("1", samples::make_draft())).refused(), "");
    draft = samples::make_draft();
    draft.clear_evidence();
    EXPECT_EQ(test.request("r2").when(revise("2", draft)).refused(), "");
    EXPECT_EQ(only(test).text().evidence_size(), 1);
    EXPECT_EQ(only(test).text().evidence(0).value(), samples::make_evidence().value());
}

}  // namespace
}  // namespace tocsin::drafting
