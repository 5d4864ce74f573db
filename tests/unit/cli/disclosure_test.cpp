#include "cli/disclosure.hpp"

#include "cli/special_verbs.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "content/content.hpp"
#include "runtime/base/digest.hpp"
#include "tocsin/approval/v1/approval_service.pb.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

namespace tocsin::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Visible, ALineBreakStartsNoLineOfItsOwn) {
    EXPECT_EQ(visible("one\ndigest 00"), "one\\n\n| digest 00");
    EXPECT_EQ(visible("one\r\ntwo"), "one<U+000D>\\n\n| two");
    EXPECT_EQ(visible("one\n"), "one\\n\n| ");
    EXPECT_EQ(visible("one\u2028two\u0085three\vfour"), "one<U+2028>two<U+0085>three<U+000B>four");
}

TEST(Visible, WhatLeavesNoMarkIsNamed) {
    for (const auto& [character, name] : std::initializer_list<std::pair<const char*, const char*>>{
             {"\u200b", "200B"}, {"\u200d", "200D"}, {"\u2060", "2060"},     {"\ufeff", "FEFF"},
             {"\u00ad", "00AD"}, {"\u202e", "202E"}, {"\u2066", "2066"},     {"\u061c", "061C"},
             {"\u200f", "200F"}, {"\u034f", "034F"}, {"\u3164", "3164"},     {"\ufe0f", "FE0F"},
             {"\u00a0", "00A0"}, {"\u202f", "202F"}, {"\u3000", "3000"},     {"\u2003", "2003"},
             {"\u2800", "2800"}, {"\ue000", "E000"}, {"\ufffe", "FFFE"},     {"\x1b", "001B"},
             {"\x7f", "007F"},   {"\t", "0009"},     {"\u180e", "180E"},     {"\u115f", "115F"},
             {"\u206f", "206F"}, {"\ufffb", "FFFB"}, {"\U000e0041", "E0041"}})
        EXPECT_EQ(visible(std::string("a") + character + "b"), fmt::format("a<U+{}>b", name));
    EXPECT_EQ(visible("a\xff"), "a<0xFF>");
    EXPECT_EQ(visible(std::string("a\0b", 3)), "a<U+0000>b");
}

TEST(Visible, WordsAreLeftAsTheyAre) {
    const std::string words = "Évacuez l'île, 1 110 m³/s – “maintenant” ! 水位 С water 🌊";
    EXPECT_EQ(visible(words), words);
}

TEST(Visible, BlanksThatMoveWordsAreNamed) {
    EXPECT_EQ(visible("a   b"), "a <U+0020><U+0020>b");
    EXPECT_EQ(visible(" a "), "<U+0020>a<U+0020>");
    EXPECT_EQ(visible("a \n b"), "a<U+0020>\\n\n| <U+0020>b");
}

// Sets every field there is, at every depth, each text a different word.
class Filler {
public:
    void fill(Message& message, int depth = 0) {
        const auto& type = *message.GetDescriptor();
        for (int i = 0; i < type.field_count(); ++i) fill_field(message, *type.field(i), depth);
    }
    std::vector<std::string> words;

private:
    std::string word() { return words.emplace_back(fmt::format("word{}", words.size())); }
    void fill_field(Message& message, const FieldDescriptor& field, int depth) {
        const auto& reflection = *message.GetReflection();
        const bool many = field.is_repeated();
        switch (field.cpp_type()) {
            case FieldDescriptor::CPPTYPE_STRING:
                many ? reflection.AddString(&message, &field, word())
                     : reflection.SetString(&message, &field, word());
                return;
            case FieldDescriptor::CPPTYPE_MESSAGE:
                ASSERT_LT(depth, 9);
                return fill(many ? *reflection.AddMessage(&message, &field)
                                 : *reflection.MutableMessage(&message, &field),
                            depth + 1);
            case FieldDescriptor::CPPTYPE_ENUM: {
                const auto* value = field.enum_type()->value(1);
                words.push_back(value->name());
                return reflection.SetEnum(&message, &field, value);
            }
            case FieldDescriptor::CPPTYPE_DOUBLE:
                words.push_back(fmt::format("{}.5", 1000 + words.size()));
                return reflection.SetDouble(&message, &field, std::stod(words.back()));
            case FieldDescriptor::CPPTYPE_INT64:
                words.push_back(std::to_string(100'000 + words.size()));
                // Seconds of a time are told as a time.
                if (field.containing_type()->full_name() == "google.protobuf.Timestamp")
                    words.back() = "1970-01-02T";
                return reflection.SetInt64(&message, &field, 100'000 + std::ssize(words) - 1);
            case FieldDescriptor::CPPTYPE_INT32:
                return reflection.SetInt32(&message, &field, 7);
            default:
                FAIL() << field.full_name() << ": teach this test to fill it";
        }
    }
};

TEST(Disclosure, HasEveryFieldOfTheContent) {
    content::Content content;
    Filler filler;
    filler.fill(content);
    const std::string shown = disclosure(content);
    EXPECT_GT(filler.words.size(), 40U);
    for (const std::string& word : filler.words) EXPECT_THAT(shown, HasSubstr(word));
    EXPECT_THAT(shown, Not(HasSubstr("not set")));
}

TEST(Disclosure, IsReadableAndNamesWhatIsNotSet) {
    content::Content content;
    content.set_revision(2);
    auto& draft = *content.mutable_draft();
    draft.set_title("Bow");
    auto& text = *draft.add_texts();
    text.set_language("en-CA");
    text.set_headline("Flood\nretraction[0]:");
    (*draft.add_areas()->mutable_descriptions())["fr-CA\n"] = "Partout";
    draft.mutable_release_at()->set_seconds(1'800'000'000);
    draft.add_evidence()->set_series("05BH004:flow");
    const std::string shown = disclosure(content);
    EXPECT_THAT(shown, HasSubstr("(not set: message_id, realm, incident_id, world, "));
    EXPECT_THAT(shown, HasSubstr("\ndraft:\n  title: Bow\n"));
    EXPECT_THAT(shown, HasSubstr("\n    headline: Flood\\n\n      | retraction[0]:\n"));
    EXPECT_THAT(shown, HasSubstr("\n    descriptions[fr-CA\\n\n      | ]: Partout\n"));
    EXPECT_THAT(shown, HasSubstr("\n  release_at: 2027-01-15T08:00:00Z\n"));
    EXPECT_THAT(shown, HasSubstr("\n    value: 0\n"));
    EXPECT_THAT(shown, HasSubstr("retraction, channels, "));
}

TEST(Disclosure, ShowsAFieldThatIsAddedLater) {
    google::protobuf::FileDescriptorProto file;
    content::Content::descriptor()->file()->CopyTo(&file);
    file.set_name("later.proto");
    file.set_package("later");
    file.clear_dependency();
    file.add_dependency("google/protobuf/timestamp.proto");
    // Of its own package, and without the rules beside the fields.
    for (auto& message : *file.mutable_message_type())
        for (auto& field : *message.mutable_field()) {
            field.clear_options();
            if (field.type_name().starts_with(".tocsin.content.v1"))
                field.set_type_name(".later" +
                                    field.type_name().substr(std::size(".tocsin.content.v1") - 1));
        }
    for (auto& message : *file.mutable_message_type())
        for (auto& entry : *message.mutable_nested_type())
            for (auto& field : *entry.mutable_field()) field.clear_options();
    auto& added = *file.mutable_message_type(0)->add_field();
    added.set_name("siren");
    added.set_number(99);
    added.set_type(google::protobuf::FieldDescriptorProto::TYPE_STRING);
    added.set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
    google::protobuf::DescriptorPool pool(google::protobuf::DescriptorPool::generated_pool());
    const auto* built = pool.BuildFile(file);
    ASSERT_NE(built, nullptr);
    const auto* type = built->FindMessageTypeByName("Content");
    google::protobuf::DynamicMessageFactory factory(&pool);
    const std::unique_ptr<Message> newer(factory.GetPrototype(type)->New());
    newer->GetReflection()->SetString(newer.get(), type->FindFieldByName("siren"), "all of them");
    EXPECT_THAT(disclosure(*newer), HasSubstr("siren: all of them\n"));

    content::Content older;
    ASSERT_TRUE(older.ParseFromString(newer->SerializeAsString()));
    EXPECT_EQ(unknown_part(older), "field 99");
}

TEST(UnknownPart, IsFoundAtEveryDepth) {
    content::Content content;
    Filler().fill(content);
    EXPECT_EQ(unknown_part(content), "");
    auto& text = *content.mutable_draft()->add_texts();
    text.GetReflection()->MutableUnknownFields(&text)->AddVarint(19, 1);
    EXPECT_EQ(unknown_part(content), "draft.texts[1], field 19");
    content.mutable_draft()->mutable_texts()->RemoveLast();
    content.mutable_draft()->set_severity(static_cast<content::v1::Severity>(77));
    EXPECT_EQ(unknown_part(content), "draft.severity");
}

Json review_of(const std::string& bytes) {
    return {{"content", runtime::base64(bytes)}, {"digest", runtime::hex(runtime::sha256(bytes))}};
}

// What a review with these bytes is refused for; empty when they are shown.
std::string refusal(const Json& review) {
    try {
        reviewed_content(review);
        return {};
    } catch (const Failure& failure) {
        return failure.what();
    }
}

TEST(ReviewedContent, IsWhatTheDigestCovers) {
    content::Content content;
    Filler().fill(content);
    const std::string bytes = content::serialise(content);
    EXPECT_EQ(refusal(review_of(bytes)), "");
    Json other = review_of(bytes);
    other["digest"] = runtime::hex(runtime::sha256(bytes + "x"));
    EXPECT_THAT(refusal(other), HasSubstr("do not approve"));
    other = review_of(bytes);
    other["content"] = "";
    EXPECT_THAT(refusal(other), HasSubstr("do not approve"));
    EXPECT_THAT(refusal({{"contentDropped", true}}), HasSubstr("no longer kept"));
}

TEST(ReviewedContent, IsRefusedWithAnythingThatCannotBeShown) {
    content::Content content;
    content.set_realm("delta");
    const std::string good = content::serialise(content);
    content.GetReflection()->MutableUnknownFields(&content)->AddLengthDelimited(99, "hidden");
    EXPECT_THAT(refusal(review_of(content.SerializeAsString())),
                HasSubstr("(field 99): nothing is approved; upgrade the command line"));
    // Said twice, only the last is shown; an entry of a map may hold fields that are dropped.
    EXPECT_THAT(refusal(review_of(good + good)), HasSubstr("nothing is approved"));
    const std::string entry{
        "\x0a\x01"
        "a"
        "\x12\x01"
        "b"
        "\x1a\x01"
        "c",
        9};
    const std::string area = "\x0a\x09" + entry, draft = "\x4a\x0b" + area;
    EXPECT_THAT(refusal(review_of("\x32\x0d" + draft)), HasSubstr("nothing is approved"));
    EXPECT_THAT(refusal(review_of("\xff")), HasSubstr("cannot be read"));
}

// ---- corrections of the readings that started it

content::v1::Evidence reading(double value, const char* unit = "m3/s") {
    content::v1::Evidence evidence;
    evidence.set_series("05BH004:discharge");
    evidence.set_value(value);
    evidence.set_unit(unit);
    evidence.mutable_read_at()->set_seconds(1'781'978'400);
    return evidence;
}

// As the service answers it.
Json revised(const std::vector<std::pair<double, double>>& values, const char* unit = "m3/s") {
    content::Content content;
    content.set_realm("delta");
    approval::v1::Review review;
    review.set_content(content::serialise(content));
    review.set_digest(runtime::hex(runtime::sha256(review.content())));
    for (const auto& [before, after] : values) {
        auto& revision = *review.add_evidence_revisions();
        *revision.mutable_before() = reading(before, unit);
        *revision.mutable_after() = reading(after, unit);
    }
    std::string json;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(review, &json).ok());
    return Json::parse(json);
}

constexpr const char* correction =
    "The provider corrected a reading since: 05BH004:discharge at 2026-06-20T18:00:00Z was 1,900 "
    "m3/s, is 900 m3/s";

TEST(Corrections, AreSentencesOldestFirst) {
    EXPECT_TRUE(corrections_in(revised({})).empty());
    const auto sentences = corrections_in(revised({{1900, 900}, {900, 0}}));
    ASSERT_EQ(sentences.size(), 2u);
    EXPECT_EQ(sentences[0], correction);
    EXPECT_THAT(sentences[1], ::testing::EndsWith(" was 900 m3/s, is 0 m3/s"));
}

TEST(Corrections, SayThatAReadingWasWithdrawn) {
    Json review = revised({{1900, 900}});
    review["evidenceRevisions"][0].erase("after");
    EXPECT_EQ(
        corrections_in(review)[0],
        "The provider withdrew a reading since: 05BH004:discharge at 2026-06-20T18:00:00Z was "
        "1,900 m3/s");
}

TEST(Corrections, SayValuesAsTheyAre) {
    const std::pair<double, const char*> values[] = {{999, "999"},
                                                     {1000, "1,000"},
                                                     {-1234.5, "-1,234.5"},
                                                     {1e6, "1,000,000"},
                                                     {123456.78125, "123,456.78125"},
                                                     {0.125, "0.125"},
                                                     {-12, "-12"}};
    for (const auto& [value, text] : values)
        EXPECT_THAT(corrections_in(revised({{1, value}}, ""))[0],
                    ::testing::EndsWith(fmt::format(" was 1, is {}", text)));
}

TEST(Corrections, OfAProviderPassForNoLineOfTheirOwn) {
    const std::string sentence = corrections_in(revised({{1, 2}}, "m\ndigest 00\u202e"))[0];
    EXPECT_THAT(sentence, HasSubstr("m\\n\n| digest 00<U+202E>"));
}

TEST(Corrections, AreTheLastThingReadBeforeApproving) {
    const std::string text = text_to_approve(revised({{1900, 900}}));
    EXPECT_THAT(text, HasSubstr("realm: delta\n"));
    EXPECT_THAT(text, ::testing::EndsWith(fmt::format("\n{}\n", correction)));
    EXPECT_THAT(text_to_approve(revised({})), ::testing::ContainsRegex("\ndigest [0-9a-f]+\n$"));
}

TEST(Corrections, AreTheFirstThingOfAReview) {
    ::testing::internal::CaptureStdout();
    print_review(revised({{1900, 900}}));
    const std::string printed = ::testing::internal::GetCapturedStdout();
    EXPECT_THAT(printed, ::testing::StartsWith(fmt::format("{}\ndigest: ", correction)));
    EXPECT_THAT(printed, Not(HasSubstr("evidenceRevisions")));
}

TEST(Corrections, AreCountedInAList) {
    const auto& row = *std::ranges::find_if(
        verbs(), [](const Verb& verb) { return verb.noun == "review" && verb.name == "list"; });
    ::testing::internal::CaptureStdout();
    print_answer(row, {{"reviews", {revised({{1900, 900}, {900, 950}}), revised({})}}}, false);
    const std::string printed = ::testing::internal::GetCapturedStdout();
    EXPECT_THAT(printed, HasSubstr("CORRECTED"));
    EXPECT_THAT(printed, ::testing::ContainsRegex("\n +2 +[0-9a-f]{8}"));
    EXPECT_THAT(printed, Not(HasSubstr("discharge")));
}

}  // namespace
}  // namespace tocsin::cli
