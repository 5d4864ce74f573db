#include "drafting/message_creation.hpp"

#include "content/content.hpp"
#include "unit/drafting/cases.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace tocsin::drafting {
namespace {

using namespace cases;

TEST(Create, StartsAnAlertFromADraft) {
    Case test = given({incident()});
    test.when(create());
    const auto& created = test.events().at(0).message_created();
    EXPECT_EQ(created.author(), "ana");
    EXPECT_EQ(created.agency(), "calgary");
    EXPECT_EQ(created.message_type(), content::v1::MESSAGE_TYPE_ALERT);
    EXPECT_EQ(test.etag(), "1");
}

TEST(Create, OfTheSameRequestIsTheSameMessage) {
    Case test = given({incident()});
    const std::string id = test.when(create()).subject();
    EXPECT_EQ(test.when(create()).subject(), id);
    EXPECT_TRUE(test.events().empty());
}

TEST(Create, NeedsAnAuthorOrDutyOfficer) {
    Case test = given({incident()});
    EXPECT_EQ(test.by("ben", "calgary", {"approver"}).when(create()).refused(), "role_missing");
}

TEST(Create, NeedsAnIncident) {
    Case test = given({});
    EXPECT_EQ(test.when(create()).refused(), "not_found");
    EXPECT_EQ(test.rejection()->field, "incident_id");
}

// Before anything is said of who else takes part.
TEST(Create, NeedsTheCallersAgencyInTheIncident) {
    auto draft = rough_draft();
    draft.add_agencies("elsewhere");
    Case test = given({incident()});
    test.by("eve", "elsewhere", {"author"}).when(create(draft));
    EXPECT_EQ(test.refused(), "other_agency");
    EXPECT_EQ(test.rejection()->field, "incident_id");
}

TEST(Create, NeedsTheCallersAgencyInTheMessage) {
    Case test = given({incident()});
    EXPECT_EQ(stranger(test).when(create()).refused(), "other_agency");
}

TEST(Create, NeedsEveryAgencyInTheIncident) {
    auto draft = rough_draft();
    draft.add_agencies("police");
    Case test = given({incident()});
    EXPECT_EQ(test.when(create(draft)).refused(), "agency_not_in_incident");
    EXPECT_EQ(test.rejection()->field, "draft.agencies[2]");
}

TEST(Create, TakesADraftOrATemplateAndNotBoth) {
    Case test = given({incident(), stored_template()});
    v1::Command both = create();
    both.mutable_create_message()->set_template_id("flood");
    EXPECT_EQ(test.when(both).refused(), "draft_or_template");
    EXPECT_EQ(test.rejection()->field, "template_id");
    v1::Command neither = create();
    neither.mutable_create_message()->clear_draft();
    EXPECT_EQ(test.when(neither).refused(), "draft_or_template");
    EXPECT_EQ(test.rejection()->field, "draft");
}

TEST(Create, RefusesValuesWithoutATemplate) {
    v1::Command command = create();
    (*command.mutable_create_message()->mutable_values())["value"] = "1";
    Case test = given({incident()});
    EXPECT_EQ(test.when(command).refused(), "values_without_template");
}

TEST(Create, FillsATemplateAndSetsItsExpiry) {
    Case test = given({incident(), rough_template()});
    test.when(create_from_template());
    const auto& draft = test.events().at(0).message_created().draft();
    EXPECT_EQ(draft.title(), "Bow River at 1 084");
    EXPECT_EQ(runtime::from_proto(draft.expires()), samples::now + std::chrono::hours(6));
}

TEST(Create, NamesThePlaceholdersThatStayEmpty) {
    v1::Command command = create_from_template();
    command.mutable_create_message()->clear_values();
    Case test = given({incident(), stored_template()});
    EXPECT_EQ(test.when(command).refused(), "unfilled_placeholders");
    EXPECT_EQ(test.rejection()->field, "values");
    EXPECT_TRUE(test.rejection()->text.ends_with(": value"));
}

// The caller names the template, and not what is in it.
TEST(Create, BlamesTheTemplateForWhoIsInIt) {
    v1::Event stored = rough_template();
    stored.mutable_template_stored()->mutable_template_()->mutable_draft()->add_agencies("police");
    Case test = given({incident(), stored});
    EXPECT_EQ(test.when(create_from_template()).refused(), "agency_not_in_incident");
    EXPECT_EQ(test.rejection()->field, "template_id");
}

TEST(Create, NeedsTheTemplateToExist) {
    Case test = given({incident()});
    EXPECT_EQ(test.when(create_from_template()).refused(), "not_found");
    EXPECT_EQ(test.rejection()->field, "template_id");
}

TEST(Create, AnUpdateNeedsReferences) {
    v1::Command command = create();
    command.mutable_create_message()->set_message_type(content::v1::MESSAGE_TYPE_UPDATE);
    Case test = given({incident()});
    EXPECT_EQ(test.when(command).refused(), "references_needed");
}

TEST(Create, AnAlertHasNoReferences) {
    v1::Command command = create();
    command.mutable_create_message()->add_references();
    Case test = given({incident()});
    EXPECT_EQ(test.when(command).refused(), "references_not_allowed");
}

TEST(Create, AReferenceIsOneThatCapCanCarry) {
    v1::Command command = create();
    auto& request = *command.mutable_create_message();
    request.set_message_type(content::v1::MESSAGE_TYPE_UPDATE);
    auto& reference = *request.add_references();
    reference.set_sender("alerts@calgary.example");
    reference.set_identifier("urn:oid:1");
    reference.set_sent("yesterday");
    Case test = given({incident()});
    EXPECT_EQ(test.when(command).refused(), "bad_reference");
    EXPECT_EQ(test.rejection()->field, "references[0].sent");
    reference.set_sent("2026-06-20T12:05:00-06:00");
    EXPECT_EQ(test.when(command).refused(), "");
}

}  // namespace
}  // namespace tocsin::drafting
