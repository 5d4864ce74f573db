#include "cli/disclosure.hpp"

#include "cli/special_verbs.hpp"
#include "cli/table.hpp"
#include "content/content.hpp"
#include "runtime/digest.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/dynamic_message.h>

namespace tocsin::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using testing::HasSubstr;
using testing::Not;

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
    content.mutable_draft()->set_straggler_policy(static_cast<content::v1::StragglerPolicy>(77));
    EXPECT_EQ(unknown_part(content), "draft.straggler_policy");
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
    EXPECT_THAT(refusal(review_of("\xff")), HasSubstr("can not be read"));
}

}  // namespace
}  // namespace tocsin::cli
