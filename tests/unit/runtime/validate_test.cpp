#include "runtime/base/validate.hpp"

#include "runtime/edge/service_named.hpp"
#include "services.inc"
#include "texts/enum_names.hpp"
#include "tocsin/approval/v1/approval_service.pb.h"
#include "tocsin/content/v1/content.pb.h"
#include "tocsin/drafting/v1/drafting_service.pb.h"
#include "tocsin/ledger/v1/ledger.pb.h"
#include "tocsin/ledger/v1/ledger_service.pb.h"
#include "tocsin/measurement/v1/measurement_service.pb.h"
#include "tocsin/publishing/v1/publishing_service.pb.h"
#include "tocsin/rules/v1/rules.pb.h"
#include "tocsin/trigger/v1/trigger_service.pb.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>

#include <regex>
#include <set>

namespace tocsin::runtime {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::Message;
using ::testing::ElementsAre;

// A message type of its own, so that the rules are tested and not today's requests.
class Validate : public ::testing::Test {
protected:
    Validate() : pool_(DescriptorPool::generated_pool()) {
        google::protobuf::FileDescriptorProto file;
        EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
            name: "thing.proto" package: "test" syntax: "proto3"
            dependency: "tocsin/rules/v1/rules.proto"
            dependency: "google/protobuf/timestamp.proto"
            message_type {
                name: "Thing"
                field { name: "id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL
                        options { [tocsin.rules.v1.field] {
                            required: true max_bytes: 8 pattern: "[a-z]+" } } }
                field { name: "count" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL
                        options { [tocsin.rules.v1.field] { min: 1 max: 5 has_range: true } } }
                field { name: "ratio" number: 3 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
                field { name: "children" number: 4 type: TYPE_MESSAGE label: LABEL_REPEATED
                        type_name: ".test.Thing"
                        options { [tocsin.rules.v1.field] { max_items: 3 } } }
                field { name: "at" number: 5 type: TYPE_MESSAGE label: LABEL_OPTIONAL
                        type_name: ".google.protobuf.Timestamp" }
                field { name: "words" number: 6 type: TYPE_STRING label: LABEL_REPEATED
                        options { [tocsin.rules.v1.field] { max_bytes: 3 max_items: 2 } } }
                field { name: "free" number: 7 type: TYPE_STRING label: LABEL_OPTIONAL }
                field { name: "raw" number: 8 type: TYPE_BYTES label: LABEL_OPTIONAL
                        options { [tocsin.rules.v1.field] { max_bytes: 4 } } }
            })",
                                                                  &file));
        const auto* built = pool_.BuildFile(file);
        EXPECT_NE(built, nullptr);
        // Timestamps are the generated type, as in a real request.
        factory_.SetDelegateToGeneratedFactory(true);
        thing_ = factory_.GetPrototype(built->message_type(0));
    }

    // Paths of what is wrong in a Thing given as text.
    std::vector<std::string> wrong(const std::string& text) {
        const std::unique_ptr<Message> message(thing_->New());
        EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, message.get())) << text;
        std::vector<std::string> paths;
        for (const auto& violation : violations(*message)) {
            EXPECT_FALSE(violation.description.empty());
            paths.push_back(violation.field);
        }
        return paths;
    }

    DescriptorPool pool_;
    google::protobuf::DynamicMessageFactory factory_;
    const Message* thing_ = nullptr;
};

TEST_F(Validate, AGoodMessageHasNothingWrong) {
    EXPECT_THAT(wrong("id: 'abc' count: 3 ratio: 0.5 words: 'a' free: 'two\\nlines\\t.'"),
                ElementsAre());
}

TEST_F(Validate, Strings) {
    EXPECT_THAT(wrong(""), ElementsAre("id"));
    EXPECT_THAT(wrong("id: 'abcdefghi'"), ElementsAre("id"));
    EXPECT_THAT(wrong("id: 'ABC'"), ElementsAre("id"));
    EXPECT_THAT(wrong("id: 'abc' raw: '\\000\\001\\002\\377'"), ElementsAre());
    EXPECT_THAT(wrong("id: 'abc' raw: '12345'"), ElementsAre("raw"));
}

TEST_F(Validate, CharactersThatDeceiveAreRefused) {
    for (const std::string bad :
         {"\\000", "\\001", "\\r", "\\033", "\\177", "\\302\\205", "\\342\\200\\252",
          "\\342\\200\\256", "\\342\\201\\246", "\\342\\201\\251"})
        EXPECT_THAT(wrong("id: 'abc' free: 'x" + bad + "y'"), ElementsAre("free")) << bad;
    // No-break space, zero-width joiner, a left-to-right mark, a family emoji.
    for (const std::string good : {"\\302\\240", "\\342\\200\\215", "\\342\\200\\216",
                                   "\\360\\237\\221\\250\\342\\200\\215\\360\\237\\221\\251"})
        EXPECT_THAT(wrong("id: 'abc' free: 'x" + good + "y'"), ElementsAre()) << good;
}

TEST(ValidateNames, HoldNoNonCharacter) {
    approval::v1::ImportRosterRequest request;
    request.set_request_id("019a0000-0000-7000-8000-000000000001");
    auto& agency = *request.mutable_roster()->add_agencies();
    agency.set_agency_id("city");
    const auto wrong = [&](const std::string& sender, const std::string& name) {
        agency.set_cap_sender(sender);
        (*agency.mutable_names())["en-CA"] = name;
        std::string fields;
        for (const FieldViolation& one : violations(request))
            if (one.description.starts_with("holds the character U+"))
                fields +=
                    one.field + " " + one.description.substr(20, one.description.find(',') - 20);
        return fields;
    };
    EXPECT_EQ(wrong("alerts@city.example", "City \uFDCF\uFDF0\uFFFD\U0001FFFD\U0001F6A8"), "");
    EXPECT_EQ(wrong("alerts\uFDD0@city.example", "City"), "roster.agencies[0].cap_sender U+FDD0");
    EXPECT_EQ(wrong("alerts\uFFFF", "City"), "roster.agencies[0].cap_sender U+FFFF");
    EXPECT_EQ(wrong("a", "City \U0001FFFE"), "roster.agencies[0].names[\"en-CA\"] U+1FFFE");
    EXPECT_EQ(wrong("a", "\U0010FFFF"), "roster.agencies[0].names[\"en-CA\"] U+10FFFF");
}

TEST(ValidateNames, NeedSomethingThatCanBeSeen) {
    approval::v1::ImportRosterRequest request;
    request.set_request_id("019a0000-0000-7000-8000-000000000001");
    auto& agency = *request.mutable_roster()->add_agencies();
    agency.set_agency_id("city");
    agency.set_cap_sender("alerts@city.example");
    auto& person = *request.mutable_roster()->add_people();
    person.set_subject("ana");
    person.set_agency_id("city");
    person.add_roles("author");
    const auto wrong = [&](const std::string& name_of_agency, const std::string& name_of_person) {
        (*agency.mutable_names())["en-CA"] = name_of_agency;
        person.set_name(name_of_person);
        std::string all;
        for (const FieldViolation& one : violations(request))
            all += one.field + " " + one.description + "\n";
        return all;
    };
    const std::string unseen =
        " has only characters that cannot be seen; write at least one that can\n";
    EXPECT_EQ(wrong("City", "Ana"), "");
    EXPECT_EQ(wrong("", "Ana"), "roster.agencies[0].names[\"en-CA\"] must not be empty\n");
    for (const std::string blank :
         {"\u200B", "\uFEFF", "\u00AD", "\u2800", "\u3164", "\U000E0041"}) {
        EXPECT_EQ(wrong(blank, "Ana"), "roster.agencies[0].names[\"en-CA\"]" + unseen);
        EXPECT_EQ(wrong("City", blank), "roster.people[0].name" + unseen);
        EXPECT_EQ(wrong("City" + blank, blank + "Ana"), "");
    }
}

// A template may leave out what is required, and says of some of it only that it is there.
TEST(ValidateNames, OfATemplateMayBeEmpty) {
    content::v1::Draft draft;
    draft.set_title("\u200B");
    (*draft.add_areas()->mutable_descriptions())["en-CA"] = "";
    EXPECT_TRUE(violations(draft, true).empty());
    EXPECT_FALSE(violations(draft).empty());
}

TEST_F(Validate, Numbers) {
    EXPECT_THAT(wrong("id: 'abc' count: 6"), ElementsAre("count"));
    EXPECT_THAT(wrong("id: 'abc' count: -1"), ElementsAre("count"));
    EXPECT_THAT(wrong("id: 'abc' ratio: nan"), ElementsAre("ratio"));
    EXPECT_THAT(wrong("id: 'abc' ratio: inf"), ElementsAre("ratio"));
}

TEST_F(Validate, RepeatedFieldsNameTheirItem) {
    EXPECT_THAT(wrong("id: 'a' words: 'ok' words: 'long'"), ElementsAre("words[1]"));
    EXPECT_THAT(wrong("id: 'a' words: 'a' words: 'b' words: 'c'"), ElementsAre("words"));
    EXPECT_THAT(wrong("id: 'a' children { id: 'b' } children { children { id: 'X' } }"),
                ElementsAre("children[1].id", "children[1].children[0].id"));
}

TEST_F(Validate, Timestamps) {
    EXPECT_THAT(wrong("id: 'a' at { seconds: 1700000000 nanos: 5 }"), ElementsAre());
    EXPECT_THAT(wrong("id: 'a' at { seconds: 253402300800 }"), ElementsAre("at"));
    EXPECT_THAT(wrong("id: 'a' at { nanos: -1 }"), ElementsAre("at"));
}

TEST_F(Validate, DepthAndAmountAreBounded) {
    std::string deep = "id: 'a'";
    for (int i = 0; i < 40; ++i) deep = "id: 'a' children { " + deep + " }";
    EXPECT_EQ(wrong(deep).size(), 1U);
    std::string wide = "id: 'a'";
    for (int i = 0; i < 3; ++i) {
        std::string inner;
        for (int j = 0; j < 3; ++j) inner += " children { children {} children {} children {} }";
        wide += " children {" + inner + " }";
    }
    EXPECT_EQ(wrong(wide).size(), 20U);
}

TEST_F(Validate, AMapNamesItsKey) {
    drafting::v1::CreateMessageRequest request;
    const auto maps_only = [&] {
        std::vector<std::string> paths;
        for (const auto& one : violations(request))
            if (one.field.starts_with("values")) paths.push_back(one.field);
        return paths;
    };
    (*request.mutable_values())["place"] = "Harbour";
    EXPECT_THAT(maps_only(), ElementsAre());
    (*request.mutable_values())["place"] = std::string(2001, 'x');
    EXPECT_THAT(maps_only(), ElementsAre("values[\"place\"]"));
}

// What is wrong with one field, as people are told.
std::string told(const Message& message, const std::string& field) {
    for (const auto& violation : violations(message))
        if (violation.field == field) return violation.description;
    return "";
}

TEST(ValidateNames, ATimeZoneIsOneThatExists) {
    trigger::v1::PutRuleRequest rule;
    for (const char* good : {"", "UTC", "America/Edmonton"}) {
        rule.set_time_zone(good);
        EXPECT_EQ(told(rule, "time_zone"), "") << good;
    }
    rule.set_time_zone("America/Toronot");
    EXPECT_EQ(told(rule, "time_zone"),
              "America/Toronot is no time zone of this machine's IANA database: did you mean "
              "America/Toronto?");
    rule.set_time_zone("Mountain Standard Time (Canada)");
    EXPECT_TRUE(told(rule, "time_zone").ends_with("write one such as America/Toronto"));
}

TEST(ValidateNames, ALanguageIsOneThatExistsInListsAndKeysToo) {
    content::v1::Text text;
    text.set_language("en-UK");
    EXPECT_TRUE(told(text, "language").starts_with("en-UK is no language tag"));
    publishing::v1::PutChannelRequest channel;
    channel.add_languages("fr-CA");
    channel.add_languages("fx-CA");
    EXPECT_EQ(told(channel, "languages[0]"), "");
    EXPECT_NE(told(channel, "languages[1]"), "");
    approval::v1::Agency agency;
    (*agency.mutable_names())["fr-Ca"] = "Ville de Calgary";
    EXPECT_NE(told(agency, "names[\"fr-Ca\"]"), "");
    content::v1::Area area;
    (*area.mutable_descriptions())["fr-CA"] = "Berges";
    EXPECT_TRUE(violations(area).empty());
    (*area.mutable_descriptions())["french"] = "Berges";
    EXPECT_NE(told(area, "descriptions[\"french\"]"), "");
}

TEST(ValidateNames, AFilterNamesAStateThatExists) {
    drafting::v1::ListMessagesRequest list;
    for (const auto state : texts::enum_values<drafting::v1::MessageState>()) {
        list.set_state(state);
        EXPECT_TRUE(violations(list).empty()) << texts::enum_name(state);
    }
    list.set_state(static_cast<drafting::v1::MessageState>(99));
    EXPECT_NE(told(list, "state"), "");
}

TEST(ValidateNumbers, AThresholdIsGivenAndMayBeNought) {
    trigger::v1::PutRuleRequest rule;
    EXPECT_EQ(told(rule, "threshold"), "is required");
    rule.set_threshold(0);
    EXPECT_EQ(told(rule, "threshold"), "");
    rule.set_threshold(2e12);
    EXPECT_NE(told(rule, "threshold"), "");
}

// Of these 0 is what somebody means who says nothing: no hysteresis, at once, the first page.
const std::set<std::string> nought_is_a_default{
    "hysteresis", "for_seconds", "cooldown_seconds", "stale_seconds", "page_size", "page",
    "max_age_seconds", "max_gap_seconds",
    // And no budget, and as long as is usual.
    "budget_posts", "budget_seconds", "budget_reserve", "lasts_seconds", "remind_after_seconds"};

void expect_numbers_to_be_given(const google::protobuf::Descriptor* message, int& count) {
    using google::protobuf::FieldDescriptor;
    for (int i = 0; i < message->field_count(); ++i) {
        const auto* field = message->field(i);
        const bool number = field->cpp_type() != FieldDescriptor::CPPTYPE_BOOL &&
                            field->cpp_type() != FieldDescriptor::CPPTYPE_STRING &&
                            field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE &&
                            field->cpp_type() != FieldDescriptor::CPPTYPE_ENUM;
        if (!number || field->is_repeated()) continue;
        ++count;
        const auto& rules = field_rules(*field);
        EXPECT_TRUE(rules.has_range()) << field->full_name();
        if (nought_is_a_default.contains(field->name())) continue;
        EXPECT_TRUE(rules.required())
            << field->full_name() << " is read as 0 where it is not given";
        EXPECT_TRUE(field->has_presence() || rules.min() > 0) << field->full_name();
    }
}

// The files of what the services take and give, each once.
std::set<const google::protobuf::FileDescriptor*> files_of_services() {
    std::set<const google::protobuf::FileDescriptor*> files;
#define TOCSIN_NAME(service) #service,
    for (const char* name : {TOCSIN_SERVICES(TOCSIN_NAME) "ledger"}) {
#undef TOCSIN_NAME
        const auto* service = service_named(name);
        EXPECT_NE(service, nullptr) << name;
        if (service == nullptr) continue;
        const auto* file = service->file();
        files.insert(file);
        for (int i = 0; i < file->dependency_count(); ++i) files.insert(file->dependency(i));
    }
    return files;
}

TEST(ValidateProtos, NoNumberThatIsMissingIsReadAsNought) {
    int count = 0;
    for (const auto* file : files_of_services())
        for (int i = 0; i < file->message_type_count(); ++i)
            if (file->message_type(i)->name().ends_with("Request"))
                expect_numbers_to_be_given(file->message_type(i), count);
    EXPECT_GT(count, 10);
}

TEST(ValidateProtos, WhatManyRequestsHaveIsDeclaredOnce) {
    const auto& list = *publishing::v1::ListReleasesRequest::descriptor();
    EXPECT_EQ(field_rules(*list.FindFieldByName("page_size")).max(), 500);
    publishing::v1::ListReleasesRequest request;
    request.set_page_size(501);
    const auto wrong = violations(request);
    ASSERT_EQ(wrong.size(), 1u);
    EXPECT_EQ(wrong[0].field, "page_size");
    // No request says it again; in other messages a field of that name is one of its own.
    const auto& common = *rules::v1::CommonFields::descriptor();
    for (const auto* file : files_of_services())
        for (int i = 0; i < file->message_type_count(); ++i)
            for (int j = 0; j < common.field_count(); ++j) {
                const auto* field = file->message_type(i)->FindFieldByName(common.field(j)->name());
                if (field == nullptr || !file->message_type(i)->name().ends_with("Request"))
                    continue;
                EXPECT_FALSE(field->options().HasExtension(rules::v1::field)) << field->full_name();
                EXPECT_EQ(field->type(), common.field(j)->type()) << field->full_name();
            }
    const auto& cause = *ledger::v1::Cause::descriptor();
    EXPECT_FALSE(field_rules(*cause.FindFieldByName("request_id")).required());
}

// A pattern that does not compile would throw at the first request that meets it.
void compile_patterns(const google::protobuf::Descriptor* message, int& count) {
    for (int i = 0; i < message->field_count(); ++i) {
        const auto& rules = message->field(i)->options().GetExtension(rules::v1::field);
        if (rules.pattern().empty()) continue;
        ++count;
        EXPECT_NO_THROW(std::regex(rules.pattern(), std::regex::ECMAScript))
            << message->field(i)->full_name();
        EXPECT_LE(rules.max_bytes(), 4096U) << message->field(i)->full_name();
    }
    for (int i = 0; i < message->nested_type_count(); ++i)
        compile_patterns(message->nested_type(i), count);
}

TEST(ValidateProtos, EveryDeclaredPatternCompilesAndIsBounded) {
    int count = 0;
    auto files = files_of_services();
    files.insert(content::v1::Draft::descriptor()->file());
    for (const auto* file : files)
        for (int i = 0; i < file->message_type_count(); ++i)
            compile_patterns(file->message_type(i), count);
    EXPECT_GT(count, 5);
}

TEST(LargestField, IsNamedAsFarAsOneStandsOut) {
    drafting::v1::CreateMessageRequest request;
    EXPECT_EQ(largest_field(request).path, "");
    request.set_incident_id("inc-1");
    EXPECT_EQ(largest_field(request).path, "incident_id");
    EXPECT_EQ(largest_field(request).bytes, 5U);
    auto& draft = *request.mutable_draft();
    draft.set_title("Bow in flood");
    EXPECT_EQ(largest_field(request).path, "draft.title");
    for (int i = 0; i < 3; ++i) draft.add_areas()->add_polygons(std::string(100, 'p'));
    EXPECT_EQ(largest_field(request).path, "draft.areas");
    draft.mutable_areas(1)->add_polygons(std::string(1000, 'p'));
    EXPECT_EQ(largest_field(request).path, "draft.areas[1].polygons[1]");
    EXPECT_EQ(largest_field(request).bytes, 1000U);
    draft.mutable_areas(1)->add_polygons(std::string(1000, 'p'));
    EXPECT_EQ(largest_field(request).path, "draft.areas[1].polygons");
    (*request.mutable_values())["level"] = std::string(10'000, 'v');
    EXPECT_EQ(largest_field(request).path, "values");
}

}  // namespace
}  // namespace tocsin::runtime
