// Each field of the content reaches the public, or is listed here with its reason: nobody can add
// one and forget where it is rendered.
#include "content/channel.hpp"
#include "unit/content/samples.hpp"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>

namespace tocsin::content {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Fields that the feed does not show, and why.
const std::map<std::string, std::string> never_shown{
    {"message_id", "people know it by its CAP identifier"},
    {"revision", "only one is ever released"},
    {"realm", "the public knows agencies only"},
    {"world", "an exercise shows as CAP `status`"},
    {"draft.title", "for those who work on it"},
    {"draft.agencies", "each has a feed of its own, which names it by `Fixed.sender_names`"},
    {"draft.channels", "where it goes, not what it says"},
    {"draft.release_at", "T0 is `Fixed.fire_at`"},
    {"draft.straggler_policy", "how it goes, not what it says"},
    {"draft.texts.channel_texts.kind", "says which channel the words are for"},
    {"draft.texts.channel_texts.text", "words for other channels, which their tests look for"},
    {"draft.retraction.channel_texts.kind", "says which channel the words are for"},
    {"draft.retraction.channel_texts.text", "words for other channels, which their tests look for"},
    {"draft.evidence.source_id", "readings are for reviewers; the texts say what the public needs"},
    {"draft.evidence.series", "readings are for reviewers"},
    {"draft.evidence.value", "readings are for reviewers"},
    {"draft.evidence.unit", "readings are for reviewers"},
    {"draft.evidence.read_at", "readings are for reviewers"},
    {"draft.evidence.threshold", "readings are for reviewers"},
};

// A content in which every field is set.
Content full() {
    Content content = samples::make_content();
    content.set_message_type(v1::MESSAGE_TYPE_UPDATE);
    auto& reference = *content.add_references();
    reference.set_sender("alerts@calgary.example.com");
    reference.set_identifier("urn:oid:2.49.0.1.124.1.2026");
    reference.set_sent("2026-06-20T11:05:00-06:00");
    Draft& draft = *content.mutable_draft();
    draft.add_channels("feed");
    draft.set_straggler_policy(v1::STRAGGLER_POLICY_WAIT);
    *draft.mutable_release_at() = runtime::to_proto(samples::now + std::chrono::minutes{30});
    draft.mutable_areas(0)->add_circles("51.05,-114.07 3");
    for (Text* text : {draft.mutable_texts(0), draft.mutable_retraction(0)}) {
        auto& other = *text->add_channel_texts();
        other.set_kind("feed");
        other.set_text("Autres mots.");
    }
    return content;
}

std::string shown(const Content& content) {
    const ChannelKind& feed = *find_kind("feed");
    std::string all;
    for (const Fixed& fixed : {samples::make_fixed(), samples::make_retraction()}) {
        const auto rendition = feed.render(content, "", fixed, feed.limits);
        EXPECT_TRUE(rendition) << rendition.error().text;
        if (rendition) all += rendition->body();
    }
    return all;
}

// Gives a plain field, or the first of several, another value.
void alter(Message& message, const FieldDescriptor& field) {
    const auto& reflection = *message.GetReflection();
    const auto change = [&](auto get, auto set, auto repeated_get, auto repeated_set, auto other) {
        if (field.is_repeated())
            (reflection.*repeated_set)(&message, &field, 0,
                                       other((reflection.*repeated_get)(message, &field, 0)));
        else
            (reflection.*set)(&message, &field, other((reflection.*get)(message, &field)));
    };
    using R = google::protobuf::Reflection;
    switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_STRING:
            return change(&R::GetString, &R::SetString, &R::GetRepeatedString,
                          &R::SetRepeatedString, [](std::string text) { return text + "x"; });
        case FieldDescriptor::CPPTYPE_INT64:
            return change(&R::GetInt64, &R::SetInt64, &R::GetRepeatedInt64, &R::SetRepeatedInt64,
                          [](std::int64_t number) { return number + 86'400; });
        case FieldDescriptor::CPPTYPE_DOUBLE:
            return change(&R::GetDouble, &R::SetDouble, &R::GetRepeatedDouble,
                          &R::SetRepeatedDouble, [](double number) { return number + 1; });
        case FieldDescriptor::CPPTYPE_ENUM:
            return change(
                &R::GetEnumValue, &R::SetEnumValue, &R::GetRepeatedEnumValue,
                &R::SetRepeatedEnumValue, [&](int value) {
                    const auto& type = *field.enum_type();
                    const int index = type.FindValueByNumber(value)->index();
                    return type.value(index + 1 < type.value_count() ? index + 1 : 1)->number();
                });
        default:
            FAIL() << field.full_name() << ": this test cannot alter a " << field.cpp_type_name();
    }
}

// `reach(content)` is the message that holds `field`.
using Reach = std::function<Message&(Content&)>;
using Use = std::function<void(const std::string& path, const Reach&, const FieldDescriptor&)>;

void each_field(const Message& message, const std::string& path, const Reach& reach,
                const Use& use) {
    const auto& reflection = *message.GetReflection();
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
        const FieldDescriptor& field = *message.GetDescriptor()->field(i);
        const std::string name = path + field.name();
        if (field.is_repeated())
            ASSERT_GT(reflection.FieldSize(message, &field), 0) << "set " << name << " in full()";
        if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
            use(name, reach, field);
            continue;
        }
        const auto inside = [reach, &field](Content& content) -> Message& {
            Message& outer = reach(content);
            const auto& of_outer = *outer.GetReflection();
            return field.is_repeated() ? *of_outer.MutableRepeatedMessage(&outer, &field, 0)
                                       : *of_outer.MutableMessage(&outer, &field);
        };
        if (!field.is_repeated())
            ASSERT_TRUE(reflection.HasField(message, &field)) << "set " << name << " in full()";
        Content copy = full();
        // Of a map the values; of a time the seconds.
        if (field.is_map()) {
            use(name, inside, *field.message_type()->map_value());
            continue;
        }
        if (field.message_type()->full_name() == "google.protobuf.Timestamp")
            use(name, inside, *field.message_type()->FindFieldByName("seconds"));
        else
            each_field(inside(copy), name + ".", inside, use);
    }
}

TEST(Rendered, EachFieldIsShownByTheFeedOrListedWithItsReason) {
    const Content before = full();
    const std::string was = shown(before);
    std::set<std::string> hidden;
    const auto whole = [](Content& content) -> Message& { return content; };
    each_field(before, "", whole, [&](const auto& path, const auto& reach, const auto& field) {
        Content content = before;
        alter(reach(content), field);
        if (shown(content) == was) hidden.insert(path);
        EXPECT_EQ(shown(content) == was, never_shown.contains(path))
            << path
            << (never_shown.contains(path)
                    ? " is shown by the feed: take it off the list"
                    : " is not shown by the feed: render it in content/channels/feed.cpp or "
                      "content/cap.cpp, or list it here with its reason");
    });
    for (const auto& [path, reason] : never_shown)
        EXPECT_TRUE(hidden.contains(path)) << path << " is no field of the content any more";
}

}  // namespace
}  // namespace tocsin::content
