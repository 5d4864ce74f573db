#include "drafting/decider.hpp"

#include "content/checks.hpp"
#include "content/content.hpp"
#include "drafting/crossing.hpp"
#include "drafting/preview.hpp"
#include "runtime/base/record_limits.hpp"
#include "support/given.hpp"
#include "tocsin/approval/v1/approval_ledger.pb.h"
#include "tocsin/publishing/v1/publishing_ledger.pb.h"
#include "tocsin/trigger/v1/trigger_ledger.pb.h"
#include "unit/content/samples.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

namespace tocsin::drafting {
namespace {

namespace samples = content::samples;
using testing::foreign;
using Case = testing::Given<Decider>;

// Enough to be written, too little to be submitted.
content::v1::Draft rough_draft() {
    content::v1::Draft draft;
    draft.set_title("Bow River");
    draft.add_agencies("calgary");
    draft.add_agencies("alberta");
    return draft;
}

v1::Event incident() {
    v1::Event event;
    auto& opened = *event.mutable_incident_opened()->mutable_incident();
    opened.set_incident_id("inc-1");
    for (const char* agency : {"calgary", "alberta"}) opened.add_agencies(agency);
    return event;
}

// A template of the sample with one gap that a reading fills.
v1::Event stored_template(const char* gap = "{{value}}") {
    v1::Event event;
    auto& stored = *event.mutable_template_stored()->mutable_template_();
    stored.set_template_id("flood");
    stored.set_version(1);
    stored.set_agency("calgary");
    stored.set_expires_after_seconds(3600 * 6);
    *stored.mutable_draft() = samples::make_draft();
    stored.mutable_draft()->clear_expires();
    stored.mutable_draft()->clear_evidence();
    for (auto& text : *stored.mutable_draft()->mutable_texts())
        text.set_description(text.description() + " " + gap);
    return event;
}

v1::Event rough_template() {
    v1::Event event = stored_template();
    auto& draft = *event.mutable_template_stored()->mutable_template_()->mutable_draft();
    draft = rough_draft();
    draft.set_title("Bow River at {{value}}");
    return event;
}

v1::Event message(content::v1::Draft draft = samples::make_draft()) {
    v1::Event event;
    auto& created = *event.mutable_message_created();
    created.set_message_id("msg-1");
    created.set_incident_id("inc-1");
    created.set_agency("calgary");
    created.set_author("ana");
    *created.mutable_draft() = std::move(draft);
    created.set_message_type(content::v1::MESSAGE_TYPE_ALERT);
    return event;
}

v1::Event revised(const char* author, int revision) {
    v1::Event event;
    event.mutable_message_revised()->set_message_id("msg-1");
    event.mutable_message_revised()->set_revision(revision);
    event.mutable_message_revised()->set_author(author);
    *event.mutable_message_revised()->mutable_draft() = samples::make_draft();
    return event;
}

v1::Command create(const content::v1::Draft& draft = rough_draft()) {
    v1::Command command;
    command.mutable_create_message()->set_incident_id("inc-1");
    *command.mutable_create_message()->mutable_draft() = draft;
    return command;
}

v1::Command create_from_template() {
    v1::Command command;
    command.mutable_create_message()->set_incident_id("inc-1");
    command.mutable_create_message()->set_template_id("flood");
    (*command.mutable_create_message()->mutable_values())["value"] = "1 084";
    return command;
}

v1::Command create_incident(std::vector<std::string> agencies = {}) {
    v1::Command command;
    command.mutable_create_incident()->set_kind("flood");
    for (auto& agency : agencies) command.mutable_create_incident()->add_agencies(agency);
    return command;
}

v1::Command put_template(const char* etag = "") {
    v1::Command command;
    auto& put = *command.mutable_put_template();
    put.set_template_id("flood");
    put.set_etag(etag);
    put.set_expires_after_seconds(3600);
    *put.mutable_draft() = samples::make_draft();
    put.mutable_draft()->clear_onset();
    put.mutable_draft()->clear_expires();
    put.mutable_draft()->clear_evidence();
    put.mutable_draft()->set_title("at {{value}} {{unit}}");
    return command;
}

v1::Command revise(const std::string& etag, content::v1::Draft draft = rough_draft()) {
    v1::Command command;
    command.mutable_revise_message()->set_message_id("msg-1");
    command.mutable_revise_message()->set_etag(etag);
    *command.mutable_revise_message()->mutable_draft() = std::move(draft);
    return command;
}

v1::Command submit(const std::string& etag, std::vector<std::string> acknowledged = {}) {
    v1::Command command;
    command.mutable_submit_message()->set_message_id("msg-1");
    command.mutable_submit_message()->set_etag(etag);
    for (auto& code : acknowledged)
        command.mutable_submit_message()->add_acknowledged_warnings(code);
    return command;
}

v1::Command withdraw() {
    v1::Command command;
    command.mutable_withdraw_message()->set_message_id("msg-1");
    command.mutable_withdraw_message()->set_reason("no flood after all");
    return command;
}

runtime::Foreign returned(const char* id = "msg-1") {
    approval::v1::Event event;
    event.mutable_review_returned()->set_message_id(id);
    event.mutable_review_returned()->set_actor("ben");
    event.mutable_review_returned()->set_reason("say which bank");
    return foreign<approval::v1::Event>("approval", "bow", {event});
}

runtime::Foreign rejected() {
    approval::v1::Event event;
    event.mutable_review_rejected()->set_message_id("msg-1");
    return foreign<approval::v1::Event>("approval", "bow", {event});
}

content::v1::Reference alert(const std::string& identifier) {
    content::v1::Reference alert;
    alert.set_sender("alerts@example.org");
    alert.set_identifier(identifier);
    alert.set_sent("2026-06-20T18:00:00-00:00");
    return alert;
}

v1::Event update_of(const content::v1::Reference& reference) {
    v1::Event event = message();
    event.mutable_message_created()->set_message_type(content::v1::MESSAGE_TYPE_UPDATE);
    *event.mutable_message_created()->add_references() = reference;
    return event;
}

runtime::Foreign published(const std::vector<std::string>& identifiers) {
    publishing::v1::Event event;
    event.mutable_deliveries_claimed()->set_release_id("rel-1");
    for (const std::string& identifier : identifiers)
        *event.mutable_deliveries_claimed()->add_alerts() = alert(identifier);
    return foreign<publishing::v1::Event>("publishing", "bow", {event});
}

trigger::v1::Event crossed(const char* crossing_id = "x-1") {
    trigger::v1::Event event;
    auto& body = *event.mutable_rule_crossed();
    body.mutable_crossing()->set_crossing_id(crossing_id);
    body.mutable_crossing()->set_rule_id("bow-high");
    body.mutable_crossing()->set_incident_id("inc-1");
    *body.mutable_crossing()->add_evidence() = samples::make_evidence();
    body.set_template_id("flood");
    body.set_agency_id("calgary");
    body.set_time_zone("America/Edmonton");
    return event;
}

runtime::Foreign crossing(const trigger::v1::Event& event = crossed()) {
    return foreign<trigger::v1::Event>("trigger", "bow", {event}, samples::now);
}

Case given(std::vector<v1::Event> events = {incident(), message()}) {
    return Case(std::move(events), samples::now);
}

Case& ana(Case& test) { return test.by("ana", "calgary", {"author"}); }
Case& ben(Case& test) { return test.by("ben", "alberta", {"duty-officer"}); }
Case& stranger(Case& test) { return test.by("zoe", "police", {"author"}); }

const Message& only(const Case& test) { return test.state().messages.begin()->second; }

// ---- preview

TEST(Preview, OfADraftThatCannotBeStoredIsNothingButTheChecks) {
    auto draft = samples::make_draft();
    const auto fits = preview(draft, "bow", samples::now, "live");
    EXPECT_FALSE(fits.previews().empty());
    auto& area = *draft.add_areas();
    area.add_polygons(std::string(content::draft_bytes_max, '1'));
    const auto large = preview(draft, "bow", samples::now, "live");
    EXPECT_TRUE(large.previews().empty());
    ASSERT_FALSE(large.findings().empty());
    EXPECT_TRUE(large.findings(0).blocks());
}

// A small draft can be made to lead to renditions of megabytes, ten times over.
TEST(Preview, HoldsNothingThatNobodyCouldSendAndNoEndOfFindings) {
    auto draft = samples::make_draft();
    draft.clear_areas();
    for (int i = 0; i < 50; ++i) {
        auto& area = *draft.add_areas();
        for (int j = 0; j < 20; ++j) {
            area.add_polygons("x");
            area.add_circles("x");
        }
        for (int j = 0; j < 100; ++j) {
            area.add_geocodes()->set_value_name("same");
            area.mutable_geocodes(j)->set_value("1");
        }
    }
    for (const char* language : {"cr", "iu", "oj", "mic", "de", "es", "it", "pa"})
        draft.add_texts()->set_language(language);
    ASSERT_LT(draft.ByteSizeLong(), content::draft_bytes_max);
    const auto shown = preview(draft, "bow", samples::now, "live");
    EXPECT_EQ(shown.findings_size(), findings_max);
    for (const auto& one : shown.previews())
        EXPECT_LE(one.rendition().body().size(), content::worst_case_bytes_max) << one.kind();
    EXPECT_LT(shown.ByteSizeLong(), std::size_t{4} << 20);  // what the gateway's gRPC takes
}

// ---- incidents

TEST(Incident, AlwaysIncludesTheCallersAgencyOnce) {
    Case test = given({});
    test.when(create_incident({"alberta", "calgary"}));
    const auto& opened = test.events().at(0).incident_opened().incident();
    EXPECT_EQ(opened.agencies_size(), 2);
    EXPECT_EQ(opened.agencies(0), "calgary");
    EXPECT_EQ(test.subject(), opened.incident_id());
}

TEST(Incident, NeedsAnAuthorOrDutyOfficer) {
    Case test = given({});
    EXPECT_EQ(test.by("ben", "calgary", {"approver"}).when(create_incident()).refused(),
              "role_missing");
}

TEST(Incident, OfTheSameRequestIsTheSameIncident) {
    Case test = given({});
    test.when(create_incident());
    const std::string id = test.subject();
    test.when(create_incident());
    EXPECT_TRUE(test.events().empty());
    EXPECT_EQ(test.subject(), id);
    test.request("r2").when(create_incident());
    EXPECT_NE(test.subject(), id);
}

// ---- templates

TEST(Template, NamesItsPlaceholders) {
    Case test = given({});
    test.when(put_template());
    const auto& stored = test.events().at(0).template_stored().template_();
    EXPECT_EQ(stored.placeholders_size(), 2);
    EXPECT_EQ(stored.version(), 1);
    EXPECT_EQ(stored.agency(), "calgary");
}

TEST(Template, WithAPlaceholderThatNothingFillsIsRefused) {
    Case test = given({});
    v1::Command command = put_template();
    auto& draft = *command.mutable_put_template()->mutable_draft();
    draft.mutable_areas(0)->mutable_geocodes(0)->set_value("{station}");
    EXPECT_EQ(test.when(command).refused(), "broken_placeholder");
    EXPECT_EQ(test.rejection()->field, "draft.areas[0].geocodes[0].value");
    EXPECT_NE(test.rejection()->text.find("{station}"), std::string::npos);
    draft.mutable_areas(0)->mutable_geocodes(0)->set_value("{{station}}");
    EXPECT_EQ(test.when(command).refused(), "");
    EXPECT_EQ(test.events().at(0).template_stored().template_().placeholders_size(), 3);
}

// Left to whoever drafts from it.
constexpr const char* open = "open";

const struct {
    const char* field;  // empty: it is good
    std::function<void(content::v1::Draft&)> change;
} changed_templates[] = {
    {"", [](content::v1::Draft&) {}},
    {open, [](content::v1::Draft& it) { it.clear_title(); }},
    {"draft.status", [](content::v1::Draft& it) { it.set_status(content::v1::STATUS_EXERCISE); }},
    {open, [](content::v1::Draft& it) { it.clear_severity(); }},
    {open, [](content::v1::Draft& it) { it.clear_areas(); }},
    {open,
     [](content::v1::Draft& it) { it.mutable_areas(0)->mutable_descriptions()->erase("fr-CA"); }},
    {"draft.areas[0].polygons[0]",
     [](content::v1::Draft& it) { it.mutable_areas(0)->set_polygons(0, "51,-114"); }},
    {"draft.areas[0].geocodes[0].value_name",
     [](content::v1::Draft& it) {
         it.mutable_areas(0)->mutable_geocodes(0)->set_value_name("same");
     }},
    {"",
     [](content::v1::Draft& it) {
         auto& code = *it.mutable_areas(0)->mutable_geocodes(0);
         code.set_value_name("list of {{station}}");
         code.set_value("{{station}}");
     }},
    {open, [](content::v1::Draft& it) { it.mutable_texts()->RemoveLast(); }},
    {"draft.texts[2].language", [](content::v1::Draft& it) { *it.add_texts() = it.texts(0); }},
    {open, [](content::v1::Draft& it) { it.mutable_texts(1)->clear_instruction(); }},
    {"draft.texts[0].headline",
     [](content::v1::Draft& it) { it.mutable_texts(0)->set_headline("a\x01{{value}}"); }},
    {"draft.texts[0].headline",
     [](content::v1::Draft& it) {
         it.mutable_texts(0)->set_headline("{{value}}" + std::string(161, 'x'));
     }},
    {"", [](content::v1::Draft& it) { it.mutable_texts(0)->set_headline("{{value}} {{unit}}"); }},
    {"",
     [](content::v1::Draft& it) {
         it.mutable_texts(0)->set_headline(std::string(150, 'x') + " {{exact_value}}");
     }},
    {"draft.texts[0].channel_texts[0].kind",
     [](content::v1::Draft& it) {
         auto& words = *it.mutable_texts(0)->add_channel_texts();
         words.set_kind("telegraph");
         words.set_text("{{value}}");
     }},
    {open, [](content::v1::Draft& it) { it.mutable_retraction()->RemoveLast(); }},
    {"", [](content::v1::Draft& it) { it.clear_retraction(); }},
    {"draft.web", [](content::v1::Draft& it) { it.set_web("ftp://calgary.example"); }},
    {"", [](content::v1::Draft& it) { it.set_web("https://calgary.example/{{station}}"); }},
    {"", [](content::v1::Draft& it) { it.clear_agencies(); }},
    {open,
     [](content::v1::Draft& it) {
         *it.mutable_onset() = runtime::to_proto(samples::now + std::chrono::hours{1});
     }},
    {"",
     [](content::v1::Draft& it) {
         *it.mutable_onset() = runtime::to_proto(samples::now + std::chrono::minutes{1});
     }},
    {open,
     [](content::v1::Draft& it) {
         *it.mutable_release_at() = runtime::to_proto(samples::now + std::chrono::hours{2});
     }},
};

// Each of them is refused when it is put, or can be drafted from: by a crossing, unless it leaves
// something to a person.
TEST(Template, ThatNobodyCouldUseIsRefused) {
    for (const auto& [field, change] : changed_templates) {
        v1::Command command = put_template();
        change(*command.mutable_put_template()->mutable_draft());
        SCOPED_TRACE(command.put_template().draft().ShortDebugString());
        Case test = given({incident()});
        const std::string refused = ana(test).when(command).refused();
        const bool good = *field == 0 || field == open;
        EXPECT_EQ(refused, good ? "" : "template_unusable");
        if (!refused.empty()) {
            EXPECT_EQ(test.rejection()->field, field);
            continue;
        }
        if (field == open) continue;
        test.when(crossing());
        ASSERT_FALSE(test.events().empty());
        EXPECT_FALSE(test.events()[0].has_crossing_refused())
            << test.events()[0].crossing_refused().reason();
    }
}

TEST(Template, IsNotRefusedForWhatIsOpen) {
    v1::Command command = put_template();
    auto& draft = *command.mutable_put_template()->mutable_draft();
    Case test = given({});
    draft.mutable_texts(1)->set_language("{{language}}");
    draft.mutable_retraction(1)->set_language("{{language}}");
    draft.mutable_areas(0)->add_circles("{{circle}}");
    draft.mutable_areas(0)->mutable_geocodes(0)->set_value_name("profile:CAP-CP:{{list}}");
    draft.set_web("{{web}}");
    EXPECT_EQ(ana(test).when(command).refused(), "");
}

TEST(Template, IsReplacedWithItsEtag) {
    Case test = given({stored_template()});
    EXPECT_EQ(test.when(put_template("1")).etag(), "2");
    EXPECT_EQ(test.when(put_template("1")).refused(), "stale_etag");
}

TEST(Template, IsNotReplacedWithoutItsEtag) {
    Case test = given({stored_template()});
    EXPECT_EQ(test.when(put_template()).refused(), "already_exists");
}

TEST(Template, ThatDoesNotExistIsNotReplaced) {
    Case test = given({});
    EXPECT_EQ(test.when(put_template("1")).refused(), "not_found");
}

TEST(Template, AnAgencyHasOnlySoMany) {
    Case test = given({});
    for (int i = 0; i < 200; ++i) {
        v1::Command command = put_template();
        command.mutable_put_template()->set_template_id("flood-" + std::to_string(i));
        ASSERT_EQ(test.when(command).refused(), "") << i;
    }
    EXPECT_EQ(test.when(put_template()).refused(), "too_many_templates");
    v1::Command theirs = put_template();
    theirs.mutable_put_template()->set_template_id("storm");
    EXPECT_EQ(test.by("ivy", "alberta", {"author"}).when(theirs).refused(), "");
    ana(test);
    v1::Command replaced = put_template("1");
    replaced.mutable_put_template()->set_template_id("flood-7");
    EXPECT_EQ(test.when(replaced).refused(), "");
}

TEST(Template, IsReplacedByItsAgencyOnly) {
    Case test = given({stored_template()});
    EXPECT_EQ(ben(test).when(put_template("1")).refused(), "other_agency");
}

TEST(Template, NeedsAnAuthorOrDutyOfficer) {
    Case test = given({});
    EXPECT_EQ(test.by("ben", "calgary", {"approver"}).when(put_template()).refused(),
              "role_missing");
}

// ---- create

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

// ---- revise

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

// ---- submit

TEST(Submit, SerialisesTheContentOnceWithItsDigest) {
    Case test = given();
    test.when(submit("1"));
    ASSERT_EQ(test.refused(), "");
    const auto& submitted = test.events().at(0).message_submitted();
    EXPECT_EQ(submitted.digest(), content::digest(submitted.content()));
    const auto content = content::parse(submitted.content());
    ASSERT_TRUE(content.has_value());
    EXPECT_EQ(content->message_id(), "msg-1");
    EXPECT_EQ(content->revision(), 1);
    EXPECT_EQ(content->realm(), "bow");
    EXPECT_EQ(content->incident_id(), "inc-1");
    EXPECT_EQ(content->world(), "live");
    EXPECT_EQ(content->message_type(), content::v1::MESSAGE_TYPE_ALERT);
}

TEST(Submit, NeedsTheEtagReadBefore) {
    Case test = given();
    EXPECT_EQ(test.when(submit("7")).refused(), "stale_etag");
}

TEST(Submit, IsBlockedByErrorsThatAreNamed) {
    auto draft = samples::make_draft();
    draft.mutable_texts()->RemoveLast();
    Case test = given({incident(), message(draft)});
    EXPECT_EQ(test.when(submit("1")).refused(), "incomplete");
    EXPECT_NE(test.rejection()->field, "");
    EXPECT_NE(test.rejection()->text.find(" at "), std::string::npos);
}

TEST(Submit, NeedsEveryWarningAcknowledged) {
    auto draft = samples::make_draft();
    draft.clear_retraction();
    Case test = given({incident(), message(draft)});
    ASSERT_EQ(test.when(submit("1")).refused(), "unacknowledged_warnings");
    std::vector<std::string> codes;
    for (const auto& finding : content::check(draft, samples::now, "live"))
        codes.push_back(finding.code);
    EXPECT_EQ(test.when(submit("1", codes)).refused(), "");
}

TEST(Submit, NamesEverybodyWhoEverHadAHandInIt) {
    Case test = given({incident(), message(), revised("ben", 2), revised("ana", 3)});
    test.by("cleo", "calgary", {"author"}).when(submit("3"));
    test.when(returned());
    ana(test).when(submit("5"));
    const auto& hands = test.events().at(0).message_submitted().hands();
    EXPECT_EQ(std::vector<std::string>(hands.begin(), hands.end()),
              (std::vector<std::string>{"ana", "ben", "cleo"}));
}

TEST(Submit, IsForAgenciesNamedInTheMessage) {
    Case test = given();
    EXPECT_EQ(stranger(test).when(submit("1")).refused(), "other_agency");
}

TEST(Submit, LocksTheText) {
    Case test = given();
    test.when(submit("1"));
    for (const auto& command : {revise("2"), submit("2"), withdraw()}) {
        EXPECT_EQ(test.when(command).refused(), "submitted");
        EXPECT_NE(test.rejection()->text.find("take it back"), std::string::npos);
    }
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

// ---- what approval hands back

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
    cleared.mutable_cleared()->set_message_id("msg-1");
    Case test = given();
    test.when(submit("1"));
    EXPECT_FALSE(test.when(foreign<approval::v1::Event>("approval", "bow", {cleared})).reacted());
}

TEST(Concerns, WhatHandsAMessageBackOrEndsItAndCrossings) {
    using Names = std::set<std::string>;
    EXPECT_EQ((testing::concerning<Decider, approval::v1::Event>("approval")),
              (Names{"review_rejected", "review_returned"}));
    EXPECT_EQ((testing::concerning<Decider, publishing::v1::Event>("publishing")),
              (Names{"deliveries_claimed"}));
    EXPECT_EQ((testing::concerning<Decider, trigger::v1::Event>("trigger")),
              (Names{"crossing_retried", "rule_crossed", "rule_put", "rule_removed"}));
}

// ---- what publishing publishes

TEST(Published, AnAlertIsTakenDownOnce) {
    Case test = given();
    test.when(published({"tocsin-rel-1-calgary", "tocsin-rel-1-alberta"}));
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_EQ(test.events()[0].alerts_published().alerts_size(), 2);
    test.when(published({"tocsin-rel-1-calgary", "tocsin-rel-2-calgary"}));
    ASSERT_EQ(test.events().size(), 1u);
    ASSERT_EQ(test.events()[0].alerts_published().alerts_size(), 1);
    EXPECT_EQ(test.events()[0].alerts_published().alerts(0).identifier(), "tocsin-rel-2-calgary");
    EXPECT_FALSE(test.when(published({"tocsin-rel-2-calgary"})).reacted());
    EXPECT_FALSE(test.when(published({})).reacted()) << "a later attempt";
}

// Receivers show an update of nothing as first information, or not at all.
TEST(Published, AReferenceToWhatWasNotIsAWarning) {
    Case test = given({incident(), update_of(alert("tocsin-rel-1-calgary"))});
    ASSERT_EQ(test.when(submit("1")).refused(), "unacknowledged_warnings");
    EXPECT_TRUE(test.rejection()->text.contains("reference_not_published at references[0]"));
    EXPECT_TRUE(test.rejection()->text.contains("alerts@example.org,tocsin-rel-1-calgary,2026"));
    Case other_system = test;
    EXPECT_EQ(other_system.when(submit("1", {"reference_not_published"})).refused(), "");
    test.when(published({"tocsin-rel-1-alberta"}));
    EXPECT_EQ(test.when(submit("1")).refused(), "unacknowledged_warnings");
    test.when(published({"tocsin-rel-1-calgary"}));
    EXPECT_EQ(test.when(submit("1")).refused(), "");
}

TEST(Published, AReferenceIsHeldAgainstAllThatNamesAnAlert) {
    for (const auto& change : std::vector<std::function<void(content::v1::Reference&)>>{
             [](auto& wrong) { wrong.set_sender("other@example.org"); },
             [](auto& wrong) { wrong.set_sent("2026-06-20T18:00:01-00:00"); }}) {
        content::v1::Reference wrong = alert("tocsin-rel-1-calgary");
        change(wrong);
        Case test = given({incident(), update_of(wrong)});
        test.when(published({"tocsin-rel-1-calgary"}));
        EXPECT_EQ(test.when(submit("1")).refused(), "unacknowledged_warnings");
    }
}

TEST(Approval, AnUnknownEventStopsTheReactor) {
    Case test = given();
    EXPECT_THROW(test.when(foreign<approval::v1::Event>("approval", "bow", {{}})),
                 runtime::UnknownForeignEvent);
}

// ---- what trigger starts

TEST(Crossing, BecomesASubmittedMessageInOneDecision) {
    Case test = given({incident(), stored_template()});
    test.when(crossing());
    ASSERT_EQ(test.events().size(), 2u) << test.events().at(0).crossing_refused().reason();
    const auto& created = test.events()[0].message_created();
    EXPECT_EQ(created.message_id(), crossing_message_id("x-1"));
    EXPECT_EQ(created.author(), "service:trigger");
    EXPECT_EQ(created.rule_id(), "bow-high");
    EXPECT_EQ(created.draft().evidence_size(), 1);
    EXPECT_EQ(runtime::from_proto(created.draft().expires()), samples::now + std::chrono::hours(6));
    EXPECT_EQ(created.draft().texts(0).description().find("{{"), std::string::npos);
    const auto& submitted = test.events()[1].message_submitted();
    EXPECT_EQ(submitted.crossing_id(), "x-1");
    ASSERT_EQ(submitted.hands_size(), 1);
    EXPECT_EQ(submitted.hands(0), "service:trigger");
    EXPECT_EQ(content::parse(submitted.content())->draft().evidence_size(), 1);
    EXPECT_EQ(only(test).stage, Stage::submitted);
}

// Whoever wrote what led to it does not approve it.
TEST(Crossing, BearsTheHandsOfTemplateRuleAndSource) {
    v1::Event stored = stored_template();
    for (const char* hand : {"ana", "ben"})
        stored.mutable_template_stored()->mutable_template_()->add_hands(hand);
    Case test = given({incident(), stored});
    trigger::v1::Event event = crossed();
    for (const char* hand : {"rule-writer", "ben", "source-writer"})
        event.mutable_rule_crossed()->add_hands(hand);
    test.when(foreign<trigger::v1::Event>("trigger", "bow", {event}));
    ASSERT_EQ(test.events().size(), 2u);
    const auto& hands = test.events()[1].message_submitted().hands();
    EXPECT_EQ(
        (std::set<std::string>(hands.begin(), hands.end())),
        (std::set<std::string>{"ana", "ben", "rule-writer", "service:trigger", "source-writer"}));
}

TEST(Template, KeepsEverybodyWhoWroteAVersionOfIt) {
    Case test = given({incident()});
    ana(test).when(put_template());
    test.by("cleo", "calgary", {"author"}).request("r2").when(put_template("1"));
    ana(test).request("r3").when(put_template("2"));
    const auto& hands = test.state().templates.at("flood").hands();
    EXPECT_EQ((std::vector<std::string>(hands.begin(), hands.end())),
              (std::vector<std::string>{"ana", "cleo"}));
}

TEST(Template, GivesItsHandsToWhatIsMadeFromIt) {
    v1::Event stored = stored_template();
    stored.mutable_template_stored()->mutable_template_()->add_hands("cleo");
    Case test = given({incident(), stored});
    ana(test).when(create_from_template());
    ASSERT_EQ(test.refused(), "");
    EXPECT_EQ(only(test).hands, (std::set<std::string>{"ana", "cleo"}));
}

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

TEST(Crossing, ThatIsRepeatedLeavesNoRecord) {
    Case test = given({incident(), stored_template()});
    test.when(crossing());
    EXPECT_FALSE(test.when(crossing()).reacted());
}

TEST(Crossing, EachOfOneDecisionMakesItsMessage) {
    Case test = given({incident(), stored_template()});
    test.when(foreign<trigger::v1::Event>("trigger", "bow", {crossed("x-1"), crossed("x-2")}));
    EXPECT_EQ(test.state().messages.size(), 2u);
}

TEST(Crossing, IsRefusedWithoutItsTemplate) {
    Case test = given({incident()});
    test.when(crossing());
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_NE(test.events()[0].crossing_refused().reason().find("template `flood`"),
              std::string::npos);
    EXPECT_FALSE(test.when(crossing()).reacted());
}

TEST(Crossing, IsRefusedWithoutItsIncident) {
    Case test = given({stored_template()});
    test.when(crossing());
    EXPECT_NE(test.events().at(0).crossing_refused().reason().find("incident `inc-1`"),
              std::string::npos);
}

TEST(Crossing, IsRefusedWithPlaceholdersThatAReadingDoesNotFill) {
    Case test = given({incident(), stored_template("{{bridge}}")});
    test.when(crossing());
    EXPECT_TRUE(test.events().at(0).crossing_refused().reason().ends_with(": bridge"));
}

TEST(Crossing, FillsEveryFieldOfItsTemplate) {
    v1::Event stored = stored_template();
    auto& draft = *stored.mutable_template_stored()->mutable_template_()->mutable_draft();
    draft.mutable_areas(0)->mutable_geocodes(0)->set_value("{{station}}");
    draft.set_web("https://calgary.example/{{station}}");
    Case test = given({incident(), stored});
    test.when(crossing());
    const auto& made = test.events().at(0).message_created().draft();
    EXPECT_EQ(made.areas(0).geocodes(0).value(), "05BH004");
    EXPECT_EQ(made.web(), "https://calgary.example/05BH004");
}

TEST(Crossing, SaysTheReadingRoundedAndKeepsItAsEvidence) {
    Case test = given({incident(), stored_template("{{value}} {{unit}}")});
    test.when(crossing());
    const auto& draft = test.events().at(0).message_created().draft();
    EXPECT_TRUE(draft.texts(1).description().ends_with("1,080 m³/s"));
    EXPECT_EQ(draft.evidence(0).value(), 1083.5);
}

// The rule was put where it was known. The river does not wait for a database of time zones.
TEST(Crossing, IsDraftedInUtcWhereItsTimeZoneIsNotKnown) {
    Case test = given({incident(), stored_template()});
    trigger::v1::Event event = crossed();
    event.mutable_rule_crossed()->set_time_zone("America/Toronot");
    test.when(crossing(event));
    EXPECT_TRUE(test.events().at(0).has_message_created());
}

TEST(Crossing, IsRefusedWithErrors) {
    v1::Event incomplete = stored_template();
    incomplete.mutable_template_stored()->mutable_template_()->mutable_draft()->clear_areas();
    Case test = given({incident(), incomplete});
    test.when(crossing());
    EXPECT_NE(test.events().at(0).crossing_refused().reason().find("incomplete"),
              std::string::npos);
}

TEST(Crossing, IsRefusedForAnAgencyOutsideTheIncident) {
    v1::Event wide = stored_template();
    wide.mutable_template_stored()->mutable_template_()->mutable_draft()->add_agencies("police");
    Case test = given({incident(), wide});
    test.when(crossing());
    EXPECT_TRUE(test.events().at(0).has_crossing_refused());
}

TEST(Crossing, WarningsDoNotStopIt) {
    v1::Event warned = stored_template();
    warned.mutable_template_stored()->mutable_template_()->mutable_draft()->clear_retraction();
    Case test = given({incident(), warned});
    test.when(crossing());
    EXPECT_EQ(test.events().size(), 2u);
}

// ---- crossings that are tried again

// Until when anything is drafted from the crossings below.
const Time until = samples::now + std::chrono::hours{3};

trigger::v1::Event crossed_until(Time draft_until = until, const std::string& id = "x-1") {
    trigger::v1::Event event = crossed(id.c_str());
    *event.mutable_rule_crossed()->mutable_draft_until() = runtime::to_proto(draft_until);
    return event;
}

trigger::v1::Event retried(const char* template_id, Time draft_until = until) {
    trigger::v1::Event event;
    *event.mutable_crossing_retried() = crossed_until(draft_until).rule_crossed();
    event.mutable_crossing_retried()->set_template_id(template_id);
    return event;
}

v1::Event template_named(const char* id) {
    v1::Event event = stored_template();
    event.mutable_template_stored()->mutable_template_()->set_template_id(id);
    return event;
}

// What the ledger fires, as its own service.
// Not the timer that says that it is too old.
std::optional<runtime::Due<v1::Command>> attempt_due(const State& state) {
    auto due = Decider::next_due(state);
    if (due && due->at >= until) due.reset();
    return due;
}

Case& fire(Case& test) {
    const auto next = Decider::next_due(test.state());
    EXPECT_TRUE(next);
    test.by("service:drafting", "", {"service"});
    return next ? test.when(next->command) : test;
}

std::string reason_of(const Case& test) {
    EXPECT_EQ(test.events().size(), 1u);
    return test.events().at(0).crossing_refused().reason();
}

bool says(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Retry, DraftsOnceTheTemplateIsStored) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    EXPECT_TRUE(says(reason_of(test), "template `flood` does not exist; store it"));
    EXPECT_FALSE(attempt_due(test.state()));
    test.on(samples::now + std::chrono::minutes{5}).happens(stored_template());
    const auto due = attempt_due(test.state());
    ASSERT_TRUE(due);
    EXPECT_EQ(due->at, samples::now + std::chrono::minutes{5});
    EXPECT_EQ(due->command.retry_crossing().attempts(), 1);
    fire(test);
    ASSERT_EQ(test.events().size(), 2u);
    EXPECT_EQ(test.events()[0].message_created().crossing_id(), "x-1");
    EXPECT_TRUE(test.events()[1].has_message_submitted());
    EXPECT_EQ(only(test).stage, Stage::submitted);
    EXPECT_FALSE(attempt_due(test.state()));
    EXPECT_FALSE(test.state().refused.knows("x-1"));
    test.happens(stored_template());
    EXPECT_FALSE(attempt_due(test.state()));
    EXPECT_FALSE(test.when(crossing(crossed_until())).reacted());
}

TEST(Retry, DraftsOnceAPersonStoresTheTemplate) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    ana(test).when(put_template());
    ASSERT_EQ(test.refused(), "");
    EXPECT_EQ(fire(test).events().size(), 2u);
}

TEST(Retry, ThatFailsAgainSaysWhyNowAndWaitsForTheNextChange) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(stored_template("{{bridge}}"));
    EXPECT_TRUE(says(reason_of(fire(test)), "without: bridge"));
    EXPECT_FALSE(attempt_due(test.state()));
    // For the same reason as well: the timer must not come again by itself.
    test.happens(stored_template("{{bridge}}"));
    EXPECT_TRUE(says(reason_of(fire(test)), "without: bridge"));
    EXPECT_FALSE(attempt_due(test.state()));
    test.happens(stored_template());
    EXPECT_EQ(attempt_due(test.state())->command.retry_crossing().attempts(), 3);
    EXPECT_EQ(fire(test).events().size(), 2u);
}

TEST(Retry, ConcernsOnlyWhatNamesTheTemplate) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(template_named("drought"));
    EXPECT_FALSE(attempt_due(test.state()));
}

TEST(Retry, DraftsOnceTheIncidentIsOpened) {
    Case test = given({stored_template()});
    test.when(crossing(crossed_until()));
    EXPECT_TRUE(says(reason_of(test), "incident `inc-1` does not exist; open one"));
    test.happens(incident());
    EXPECT_EQ(fire(test).events().size(), 2u);
}

TEST(Retry, EndsWhenTheReadingIsTooOld) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(stored_template());
    test.on(until);
    const std::string reason = reason_of(fire(test));
    EXPECT_TRUE(says(reason, "the reading is too old")) << reason;
    EXPECT_TRUE(says(reason, "rule `bow-high`")) << reason;
    EXPECT_FALSE(attempt_due(test.state()));
    EXPECT_EQ(test.state().refused.size(), 0u);
    test.happens(stored_template());
    EXPECT_FALSE(attempt_due(test.state()));
}

TEST(Retry, IsTooLateHoweverLateTheTimerComes) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.on(until + std::chrono::hours{1}).happens(stored_template());
    EXPECT_TRUE(says(reason_of(fire(test)), "the reading is too old"));
    EXPECT_EQ(test.state().refused.size(), 0u);
    EXPECT_FALSE(attempt_due(test.state()));
    EXPECT_TRUE(test.state().refused.knows("x-1"));
}

TEST(Retry, IsNotForACrossingThatDoesNotSayUntilWhen) {
    Case test = given({incident()});
    test.when(crossing());
    EXPECT_EQ(test.events().at(0).crossing_refused().crossing_id(), "x-1");
    test.happens(stored_template());
    EXPECT_FALSE(attempt_due(test.state()));
}

TEST(Retry, IsOfTheLatestTwoHundred) {
    Case test = given({incident()});
    for (int i = 0; i < 205; ++i)
        test.when(crossing(crossed_until(until, fmt::format("x-{:03}", 999 - i))));
    EXPECT_EQ(test.state().refused.size(), 200u);
    EXPECT_EQ(test.state().refused.known(), 205u);
    EXPECT_EQ(test.state().refused.find("x-995"), nullptr);
    EXPECT_NE(test.state().refused.find("x-994"), nullptr);
    // That it is tried again does not make it a newer one.
    test.happens(stored_template("{{bridge}}"));
    while (attempt_due(test.state())) fire(test);
    test.when(crossing(crossed_until(until, "x-new")));
    EXPECT_EQ(test.state().refused.find("x-994"), nullptr);
    test.happens(stored_template());
    int drafted = 0;
    for (; attempt_due(test.state()); ++drafted) EXPECT_EQ(fire(test).events().size(), 2u);
    EXPECT_EQ(drafted, 200);
    EXPECT_EQ(test.state().messages.size(), 200u);
}

// Nobody waits for a message that will not come, nor mends a template for it.
TEST(Retry, SaysWhenItIsTooLate) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    const auto due = Decider::next_due(test.state());
    ASSERT_TRUE(due);
    EXPECT_EQ(due->at, until);
    EXPECT_TRUE(fire(test).events().empty()) << "it is not, yet";
    test.on(until);
    const std::string reason = reason_of(fire(test));
    EXPECT_TRUE(says(reason, "the reading is too old")) << reason;
    EXPECT_TRUE(says(reason, "rite the message by hand")) << reason;
    EXPECT_EQ(test.state().refused.size(), 0u);
    EXPECT_FALSE(Decider::next_due(test.state()));
}

TEST(Retry, IsNobodysButTheTimers) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(stored_template());
    const auto due = attempt_due(test.state());
    EXPECT_EQ(ana(test).when(due->command).refused(), "not_a_timer");
    EXPECT_TRUE(attempt_due(test.state()));
}

TEST(Retry, ThatComesLateChangesNothing) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(stored_template());
    const auto due = attempt_due(test.state());
    fire(test);
    EXPECT_EQ(test.request("again").when(due->command).refused(), "");
    EXPECT_TRUE(test.events().empty());
    v1::Command unknown;
    unknown.mutable_retry_crossing()->set_crossing_id("x-9");
    EXPECT_TRUE(test.when(unknown).events().empty());
}

// Every replay of what was recorded asks for the same, at every step.
TEST(Retry, IsTheSameForEveryReplay) {
    Case test = given({});
    std::vector<std::pair<v1::Event, Time>> ledger;
    Time now = samples::now;
    const auto record = [&] {
        for (const v1::Event& event : test.events()) ledger.emplace_back(event, now);
    };
    const auto happens = [&](const v1::Event& event) {
        now += std::chrono::minutes{1};
        test.on(now).happens(event);
        ledger.emplace_back(event, now);
    };
    for (const char* id : {"x-3", "x-1", "x-2"}) {
        test.when(crossing(crossed_until(until, id)));
        record();
    }
    happens(incident());
    happens(stored_template("{{bridge}}"));
    for (int i = 0; i < 2; ++i) {
        fire(test);
        record();
    }
    happens(stored_template());
    for (int i = 0; i < 2; ++i) {
        fire(test);
        record();
    }
    State replayed;
    for (const auto& [event, at] : ledger) ASSERT_TRUE(Decider::evolve(replayed, event, at));
    const auto here = attempt_due(test.state()), there = Decider::next_due(replayed);
    ASSERT_TRUE(here && there);
    EXPECT_EQ(here->at, there->at);
    EXPECT_EQ(here->command.SerializeAsString(), there->command.SerializeAsString());
    EXPECT_EQ(test.state().refused.known(), replayed.refused.known());
    EXPECT_EQ(test.state().messages.size(), replayed.messages.size());
}

TEST(Crossing, WhoseReadingIsTooOldIsRefused) {
    Case test = given({incident(), stored_template()});
    test.when(crossing(crossed_until(samples::now)));
    const std::string reason = reason_of(test);
    EXPECT_TRUE(says(reason,
                     "the reading is too old: rule `bow-high` drafts nothing from it after "
                     "20"))
        << reason;
    EXPECT_TRUE(says(reason, " UTC; write the message by hand")) << reason;
    // Nobody is sent to change what does not help.
    EXPECT_FALSE(says(reason, "max_age_seconds")) << reason;
    EXPECT_EQ(test.state().refused.size(), 0u);
    test.when(crossing(crossed_until(samples::now + std::chrono::seconds{1}, "x-2")));
    EXPECT_EQ(test.events().size(), 2u);
}

// ---- crossings of rules that are gone, or ask something else

trigger::v1::Event rule_removed(const char* rule_id = "bow-high") {
    trigger::v1::Event event;
    event.mutable_rule_removed()->set_rule_id(rule_id);
    return event;
}

// As the one that crossed above.
trigger::v1::Event rule_put() {
    const auto evidence = samples::make_evidence();
    trigger::v1::Event event;
    auto& rule = *event.mutable_rule_put()->mutable_rule();
    rule.set_rule_id("bow-high");
    rule.set_source_id(evidence.source_id());
    rule.set_series(evidence.series());
    rule.set_threshold(evidence.threshold());
    rule.set_template_id("flood");
    rule.set_active(true);
    return event;
}

// Nothing is drafted of what was refused before, whatever becomes of its template.
void expect_given_up(Case& test, std::string_view why) {
    const std::string reason = reason_of(test);
    EXPECT_TRUE(says(reason, why)) << reason;
    EXPECT_TRUE(says(reason, "write the message by hand")) << reason;
    EXPECT_EQ(test.events()[0].crossing_refused().rule_id(), "bow-high");
    EXPECT_EQ(test.events()[0].crossing_refused().crossing_id(), "x-1");
    EXPECT_EQ(test.state().refused.size(), 0u);
    test.happens(stored_template());
    EXPECT_FALSE(attempt_due(test.state()));
    EXPECT_FALSE(test.when(crossing(crossed_until())).reacted()) << "it is still known";
}

TEST(GivenUp, IsWhatARemovedRuleCrossedAt) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.when(crossing(rule_removed()));
    expect_given_up(test, "rule `bow-high` was removed");
}

TEST(GivenUp, IsWhatWasDueAlready) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.happens(stored_template());
    const auto due = attempt_due(test.state());
    ASSERT_TRUE(due);
    test.when(crossing(rule_removed()));
    expect_given_up(test, "was removed");
    test.by("service:drafting", "", {"service"}).when(due->command);
    EXPECT_TRUE(test.events().empty());
}

TEST(GivenUp, IsWhatARuleCrossedAtThatAsksSomethingElseNow) {
    std::vector<trigger::v1::Event> others(4, rule_put());
    others[0].mutable_rule_put()->mutable_rule()->set_source_id("elsewhere");
    others[1].mutable_rule_put()->mutable_rule()->set_series("05BJ001:level");
    others[2].mutable_rule_put()->mutable_rule()->set_threshold(samples::make_evidence().value() +
                                                                1);
    others[3].mutable_rule_put()->mutable_rule()->set_unit("furlong");
    for (const auto& other : others) {
        SCOPED_TRACE(other.ShortDebugString());
        Case test = given({incident()});
        test.when(crossing(crossed_until()));
        test.when(crossing(other));
        expect_given_up(test, "rule `bow-high` was put with another question");
    }
}

TEST(GivenUp, IsNothingOfARuleThatAsksTheSameOrOfAnotherRule) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    EXPECT_FALSE(test.when(crossing(rule_put())).reacted());
    // The reading reaches these thresholds as well, and so nothing crosses anew.
    for (const double threshold : {-1.0, samples::make_evidence().value()}) {
        auto moved = rule_put();
        moved.mutable_rule_put()->mutable_rule()->set_threshold(threshold);
        EXPECT_FALSE(test.when(crossing(moved)).reacted()) << threshold;
    }
    auto other = rule_put();
    other.mutable_rule_put()->mutable_rule()->set_rule_id("elbow-high");
    other.mutable_rule_put()->mutable_rule()->set_threshold(-1);
    EXPECT_FALSE(test.when(crossing(other)).reacted());
    EXPECT_FALSE(test.when(crossing(rule_removed("elbow-high"))).reacted());
    test.happens(stored_template());
    EXPECT_EQ(fire(test).events().size(), 2u);
}

TEST(GivenUp, IsNothingThatWasDraftedOrIsTooOld) {
    Case test = given({incident(), stored_template()});
    test.when(crossing(crossed_until()));
    test.when(crossing(crossed_until(samples::now, "x-2")));
    EXPECT_FALSE(test.when(crossing(rule_removed())).reacted());
}

TEST(GivenUp, AreAllOfTheRule) {
    Case test = given({incident()});
    test.when(crossing(crossed_until(until, "x-1")));
    test.when(crossing(crossed_until(until, "x-2")));
    test.when(crossing(rule_removed()));
    EXPECT_EQ(test.events().size(), 2u);
    EXPECT_EQ(test.state().refused.size(), 0u);
    EXPECT_FALSE(test.when(crossing(rule_removed())).reacted());
}

TEST(GivenUp, IsDraftedWhereTheRuleIsPutAgainWithAnotherTemplate) {
    Case test = given({incident(), template_named("other")});
    test.when(crossing(crossed_until()));
    test.when(crossing(rule_removed()));
    test.when(crossing(retried("other")));
    EXPECT_EQ(test.events().size(), 2u);
}

// ---- how long a refusal is known

TEST(Known, IsARefusalForADayOrWhileItCouldBeDrafted) {
    Case test = given({incident()});
    test.when(crossing(crossed_until(samples::now + std::chrono::hours{72}, "x-long")));
    test.when(crossing(crossed_until(until, "x-short")));
    test.on(samples::now + std::chrono::hours{24} - std::chrono::seconds{1}).happens(message());
    EXPECT_TRUE(test.state().refused.knows("x-short"));
    test.on(samples::now + std::chrono::hours{24}).happens(message());
    EXPECT_FALSE(test.state().refused.knows("x-short"));
    EXPECT_TRUE(test.state().refused.knows("x-long"));
    test.on(samples::now + std::chrono::hours{72}).happens(message());
    EXPECT_EQ(test.state().refused.known(), 0u);
}

TEST(Known, AreSoManyAtMost) {
    State state;
    for (std::size_t i = 0; i < RefusedCrossings::known_max + 5; ++i) {
        v1::Event event;
        event.mutable_crossing_refused()->set_crossing_id(std::to_string(i));
        ASSERT_TRUE(Decider::evolve(state, event, samples::now));
    }
    EXPECT_EQ(state.refused.known(), RefusedCrossings::known_max);
    EXPECT_FALSE(state.refused.knows("4"));
    EXPECT_TRUE(state.refused.knows("5"));
}

// ---- crossings that trigger asks for anew

TEST(Retried, IsDraftedAtOnceFromTheOtherTemplate) {
    Case test = given({incident(), template_named("other")});
    test.when(crossing(crossed_until()));
    test.when(crossing(retried("other")));
    ASSERT_EQ(test.events().size(), 2u);
    EXPECT_EQ(test.events()[0].message_created().message_id(), crossing_message_id("x-1"));
    EXPECT_EQ(test.state().refused.size(), 0u);
    EXPECT_FALSE(test.when(crossing(retried("flood"))).reacted());
}

TEST(Retried, TakesThePlaceOfWhatIsKept) {
    Case test = given({incident()});
    test.when(crossing(crossed_until()));
    test.when(crossing(retried("other")));
    EXPECT_TRUE(says(reason_of(test), "template `other` does not exist"));
    EXPECT_FALSE(test.when(crossing(retried("other"))).reacted());
    test.happens(stored_template());
    EXPECT_FALSE(attempt_due(test.state()));
    test.happens(template_named("other"));
    EXPECT_EQ(fire(test).events().size(), 2u);
}

TEST(Retried, WhereNothingIsKnownOfItIsACrossing) {
    Case test = given({incident(), stored_template()});
    test.when(crossing(retried("flood")));
    EXPECT_EQ(test.events().size(), 2u);
}

TEST(Retried, WhereItsRefusalWasForgottenIsTriedAllTheSame) {
    Case test = given({incident()});
    test.when(crossing());
    test.happens(stored_template());
    test.when(crossing(retried("flood")));
    EXPECT_EQ(test.events().size(), 2u);
}

TEST(Retried, TooLateIsRefused) {
    Case test = given({incident(), template_named("other")});
    test.when(crossing(crossed_until()));
    test.on(until).when(crossing(retried("other")));
    EXPECT_TRUE(says(reason_of(test), "too old"));
    EXPECT_EQ(test.state().refused.size(), 0u);
}

TEST(Retried, BesideItsCrossingMakesOneMessage) {
    Case test = given({incident(), stored_template()});
    test.when(foreign<trigger::v1::Event>("trigger", "bow", {crossed_until(), retried("flood")}));
    EXPECT_EQ(test.events().size(), 2u);
}

// ---- versions

TEST(Drafting, AnUnknownCommandIsRefused) {
    Case test = given();
    EXPECT_EQ(test.when(v1::Command{}).refused(), "unknown_command");
}

TEST(Drafting, AnUnknownEventIsNotFolded) {
    State state;
    EXPECT_FALSE(Decider::evolve(state, {}, samples::now));
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
    EXPECT_TRUE(other.state().expiring.empty());
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

// ---- size

// As many areas as fit into `bytes`.
content::v1::Draft large_draft(std::size_t bytes) {
    content::v1::Draft draft = samples::make_draft();
    draft.clear_evidence();
    std::string ring;
    constexpr int corners = 160;
    for (int i = 0; i <= corners; ++i) {
        const double angle = 2 * std::numbers::pi * (i % corners) / corners;
        ring += fmt::format("{}{:.5f},{:.5f}", i == 0 ? "" : " ", 51 + .1 * std::cos(angle),
                            -114 + .1 * std::sin(angle));
    }
    while (draft.ByteSizeLong() + 4'000 < bytes) {
        draft.mutable_areas(0)->add_polygons(ring);
    }
    return draft;
}

std::size_t bytes_of(const std::vector<v1::Event>& events) {
    std::size_t all = 0;
    for (const v1::Event& event : events) all += event.ByteSizeLong();
    return all;
}

using runtime::decision_bytes_max;

TEST(Size, ADraftOverTheLimitIsNotStored) {
    auto over = rough_draft();
    over.add_areas()->add_polygons(std::string(content::draft_bytes_max, '1'));
    auto test = given();
    EXPECT_EQ(ana(test).when(create(over)).refused(), "draft_too_large");
    EXPECT_EQ(test.rejection()->field, "draft");
    EXPECT_EQ(ana(test).when(revise("1", over)).refused(), "draft_too_large");
    auto put = put_template();
    *put.mutable_put_template()->mutable_draft() = over;
    EXPECT_EQ(ana(test).when(put).refused(), "draft_too_large");
}

TEST(Size, ADraftAtTheLimitIsSubmittedInRecordsThatFit) {
    const auto draft = large_draft(content::draft_bytes_max);
    auto test = given({incident(), message(draft)});
    EXPECT_EQ(ana(test).when(submit("1")).refused(), "");
    ASSERT_EQ(test.events().size(), 1u);
    EXPECT_LE(test.events()[0].message_submitted().content().size(), content::content_bytes_max);
    EXPECT_LT(bytes_of(test.events()), decision_bytes_max);
}

// The rules of a full record are recorded as refused, if need be without what a retry needs.
TEST(Size, RefusalsOfOneReadingFitIntoOneRecord) {
    Case test({incident()}, samples::now);
    std::vector<trigger::v1::Event> events;
    for (int i = 0; i < 100; ++i) {
        events.push_back(crossed_until(until, fmt::format("x-{}", i)));
        for (int hand = 0; hand < 100; ++hand)
            events.back().mutable_rule_crossed()->add_hands(std::string(128, 'h'));
    }
    test.when(foreign<trigger::v1::Event>("trigger", "bow", events, samples::now));
    ASSERT_EQ(test.events().size(), 100u);
    EXPECT_LT(bytes_of(test.events()), decision_bytes_max);
    EXPECT_GT(test.state().refused.size(), 50u);
    EXPECT_LT(test.state().refused.size(), 100u);
    EXPECT_EQ(test.state().refused.known(), 100u);
}

TEST(Size, WhatOneReadingLeadsToFitsIntoOneRecord) {
    v1::Event stored = stored_template();
    auto& draft = *stored.mutable_template_stored()->mutable_template_()->mutable_draft();
    auto large = large_draft(content::draft_bytes_max - 10'000);
    *draft.mutable_areas() = large.areas();
    Case test({incident(), stored}, samples::now);
    test.when(foreign<trigger::v1::Event>("trigger", "bow", {crossed("x-1"), crossed("x-2")},
                                          samples::now));
    ASSERT_EQ(test.events().size(), 3u);
    EXPECT_TRUE(test.events()[1].has_message_submitted());
    EXPECT_TRUE(test.events()[2].crossing_refused().reason().contains("room"));
    EXPECT_LT(bytes_of(test.events()), decision_bytes_max);
}

// Nobody needs to do anything about it.
TEST(Size, WhatFoundNoRoomIsDraftedInARecordOfItsOwn) {
    v1::Event stored = stored_template();
    auto& draft = *stored.mutable_template_stored()->mutable_template_()->mutable_draft();
    *draft.mutable_areas() = large_draft(content::draft_bytes_max - 10'000).areas();
    Case test({incident(), stored}, samples::now);
    test.when(foreign<trigger::v1::Event>(
        "trigger", "bow", {crossed_until(until, "x-1"), crossed_until(until, "x-2")},
        samples::now));
    EXPECT_TRUE(test.events()[2].crossing_refused().no_room());
    const auto due = attempt_due(test.state());
    ASSERT_TRUE(due);
    EXPECT_LE(due->at, samples::now);
    fire(test);
    ASSERT_EQ(test.events().size(), 2u);
    EXPECT_EQ(test.events()[0].message_created().crossing_id(), "x-2");
    EXPECT_FALSE(attempt_due(test.state()));
}

}  // namespace
}  // namespace tocsin::drafting
