// Each field of the content reaches the public on each kind of channel, or is listed here with its
// reason, and each fixed value reaches it on some kind: nobody can add one and forget where it is
// rendered.
#include "content/channel.hpp"
#include "support/sample_message.hpp"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace tocsin::content {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Path of a field, and the reason.
using Reasons = std::map<std::string, std::string>;

// Fields of the content that no kind shows, and why.
const Reasons shown_nowhere{
    {"realm", "the public knows agencies only"},
    {"draft.title", "for those who work on it"},
    {"draft.agencies", "each has a feed of its own, which names it by `Fixed.sender_names`"},
    {"draft.channels", "where it goes, not what it says"},
    {"publishers.agency_id", "`Fixed.agency`"},
    {"publishers.names", "`Fixed.sender_names`"},
    {"publishers.cap_sender", "`Fixed.sender`"},
    {"publishers.destinations.channel_id", "where it goes, not what it says"},
    {"publishers.destinations.kind", "where it goes, not what it says"},
    {"publishers.destinations.url", "where it goes, not what it says"},
    {"publishers.destinations.account", "where it goes, not what it says"},
    {"publishers.destinations.languages", "where it goes, not what it says"},
    {"draft.release_at", "T0 is `Fixed.fire_at`"},
    {"draft.stragglers.wait_seconds", "when it goes, not what it says"},
    {"draft.stragglers.quorum_percent", "whether it goes, not what it says"},
    {"draft.evidence.source_id", "readings are for reviewers; the texts say what the public needs"},
    {"draft.evidence.series", "readings are for reviewers"},
    {"draft.evidence.value", "readings are for reviewers"},
    {"draft.evidence.unit", "readings are for reviewers"},
    {"draft.evidence.read_at", "readings are for reviewers"},
    {"draft.evidence.threshold", "readings are for reviewers"},
};

const std::string in_cap = "in the CAP file behind the permalink";
const std::string for_others = "words for other kinds of channel";
const std::string one_released = "only one revision is ever released";

// By kind, those that it does not show and another does.
const std::map<std::string, Reasons> not_shown{
    {"feed",
     {
         {"message_id", "people know it by its CAP identifier"},
         {"revision", one_released},
         {"world", "an exercise shows as CAP `status`"},
         {"draft.texts.channel_texts.kind", for_others},
         {"draft.texts.channel_texts.text", for_others},
         {"draft.retraction.channel_texts.kind", for_others},
         {"draft.retraction.channel_texts.text", for_others},
     }},
    {"mastodon",
     {
         {"message_id", "people know it by its permalink"},
         {"revision", one_released},
         {"world", "an exercise shows as the post's marking"},
         {"message_type", in_cap},
         {"references.sender", in_cap},
         {"references.identifier", in_cap},
         {"references.sent", in_cap},
         {"incident_id", in_cap},
         {"draft.category", in_cap},
         {"draft.urgency", in_cap},
         {"draft.severity", in_cap},
         {"draft.certainty", in_cap},
         {"draft.onset", in_cap},
         {"draft.expires", in_cap},
         {"draft.areas.descriptions", in_cap},
         {"draft.areas.polygons", in_cap},
         {"draft.areas.circles", in_cap},
         {"draft.areas.geocodes.value_name", in_cap},
         {"draft.areas.geocodes.value", in_cap},
         {"draft.event_codes.value_name", in_cap},
         {"draft.event_codes.value", in_cap},
         {"draft.texts.event", "the headline says it"},
         {"draft.retraction.event", "the headline says it"},
         {"draft.web", "the post has one link, the permalink"},
     }},
    {"webhook",
     {
         {"message_type", in_cap},
         {"references.sender", in_cap},
         {"references.identifier", in_cap},
         {"references.sent", in_cap},
         {"incident_id", in_cap},
         {"draft.category", in_cap},
         {"draft.onset", in_cap},
         {"draft.event_codes.value_name", in_cap},
         {"draft.event_codes.value", in_cap},
         {"draft.web", in_cap},
         {"draft.texts.channel_texts.kind", for_others},
         {"draft.texts.channel_texts.text", for_others},
         {"draft.retraction.channel_texts.kind", for_others},
         {"draft.retraction.channel_texts.text", for_others},
     }},
};

// Fields that the feed shows and the sample leaves empty, and why.
const Reasons not_in_sample{
    {"draft.areas.circles", "in `variants()` of cap_test.cpp"},
};

// Fixed values that no kind shows, and why.
const Reasons fixed_shown_nowhere{
    {"release_id", "names it within Tocsin"},
    {"fire_at", "when it goes, which `sent` says"},
};

// A content in which every field is set, with other words for that kind.
Content full_content(std::string_view kind) {
    Content content = samples::make_content();
    content.set_message_type(v1::MESSAGE_TYPE_UPDATE);
    auto& reference = *content.add_references();
    reference.set_sender("alerts@calgary.example.com");
    reference.set_identifier("urn:oid:2.49.0.1.124.1.2026");
    reference.set_sent("2026-06-20T11:05:00-06:00");
    Publisher& publisher = *content.add_publishers();
    publisher = samples::make_publisher("calgary");
    Destination& destination = *publisher.add_destinations();
    destination.set_channel_id("feed");
    destination.set_kind(std::string{kind});
    destination.set_url("https://hook.example.org");
    destination.set_account("hook-account");
    destination.add_languages("fr-CA");
    Draft& draft = *content.mutable_draft();
    draft.add_channels("feed");
    draft.mutable_stragglers()->set_wait_seconds(20);
    draft.mutable_stragglers()->set_quorum_percent(50);
    *draft.mutable_release_at() = runtime::to_proto(samples::now + std::chrono::minutes{30});
    draft.mutable_areas(0)->add_circles("51.05,-114.07 3");
    for (Text* text : {draft.mutable_texts(0), draft.mutable_retraction(0)}) {
        auto& other = *text->add_channel_texts();
        other.set_kind(std::string(kind));
        other.set_text("Autres mots.");
    }
    return content;
}

Fixed full_fixed() {
    Fixed fixed = samples::make_retraction();
    fixed.set_in_reply_to("109372843234");
    *fixed.mutable_expires() = runtime::to_proto(samples::now + std::chrono::hours{24});
    *fixed.add_joint() = fixed.retracts();
    fixed.mutable_joint(0)->set_identifier("urn:oid:2.49.0.1.124.1234567892.2026");
    return fixed;
}

std::string rendered(const ChannelKind& kind, const Content& content, const Fixed& fixed) {
    // Whatever fits is shown whole.
    Limits limits = kind.limits;
    limits.text_max = 0;
    std::string all;
    for (const std::string& language : languages_of(kind.traits.parts, content)) {
        auto rendition = kind.render(content, language, fixed, limits);
        if (!rendition) {
            all += rendition.error().text;
            continue;
        }
        // A digest tells of every field, and shows none.
        const std::string whole = digest(serialise(content));
        std::string& body = *rendition->mutable_body();
        if (const auto at = body.find(whole); at != std::string::npos) body.erase(at, whole.size());
        all += rendition->ShortDebugString();
    }
    return all;
}

// The message with the words for that kind and without, and its retraction likewise.
std::string shown(const ChannelKind& kind, const Content& content) {
    Content plain = content;
    for (auto* texts :
         {plain.mutable_draft()->mutable_texts(), plain.mutable_draft()->mutable_retraction()})
        for (Text& text : *texts) text.clear_channel_texts();
    std::string all;
    for (const Fixed& fixed : {samples::make_fixed(), samples::make_retraction()})
        all += rendered(kind, content, fixed) + rendered(kind, plain, fixed);
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
        case FieldDescriptor::CPPTYPE_INT32:
            return change(&R::GetInt32, &R::SetInt32, &R::GetRepeatedInt32, &R::SetRepeatedInt32,
                          [](std::int32_t number) { return number + 1; });
        case FieldDescriptor::CPPTYPE_INT64:
            return change(&R::GetInt64, &R::SetInt64, &R::GetRepeatedInt64, &R::SetRepeatedInt64,
                          [](std::int64_t number) { return number + 86'400; });
        case FieldDescriptor::CPPTYPE_DOUBLE:
            return change(&R::GetDouble, &R::SetDouble, &R::GetRepeatedDouble,
                          &R::SetRepeatedDouble, [](double number) { return number + 1; });
        case FieldDescriptor::CPPTYPE_BOOL:
            return change(&R::GetBool, &R::SetBool, &R::GetRepeatedBool, &R::SetRepeatedBool,
                          [](bool value) { return !value; });
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

// `reach(root)` is the message that holds `field`.
using Reach = std::function<Message&(Message&)>;
using Use = std::function<void(const std::string& path, const Reach&, const FieldDescriptor&)>;

void each_field_of(const Message& root, const std::string& path, const Reach& reach,
                   const Use& use) {
    const std::unique_ptr<Message> copy(root.New());
    copy->CopyFrom(root);
    const Message& message = reach(*copy);
    const auto& reflection = *message.GetReflection();
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
        const FieldDescriptor& field = *message.GetDescriptor()->field(i);
        const std::string name = path + field.name();
        if (field.is_repeated()) {
            ASSERT_GT(reflection.FieldSize(message, &field), 0) << "set " << name << " in full_...";
        }
        if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
            use(name, reach, field);
            continue;
        }
        const auto inside = [reach, &field](Message& whole) -> Message& {
            Message& outer = reach(whole);
            const auto& of_outer = *outer.GetReflection();
            return field.is_repeated() ? *of_outer.MutableRepeatedMessage(&outer, &field, 0)
                                       : *of_outer.MutableMessage(&outer, &field);
        };
        if (!field.is_repeated()) {
            ASSERT_TRUE(reflection.HasField(message, &field)) << "set " << name << " in full_...";
        }
        // Of a map the values; of a time the seconds.
        if (field.is_map()) {
            use(name, inside, *field.message_type()->map_value());
            continue;
        }
        if (field.message_type()->full_name() == "google.protobuf.Timestamp")
            use(name, inside, *field.message_type()->FindFieldByName("seconds"));
        else
            each_field_of(root, name + ".", inside, use);
    }
}

void each_field(const Message& root, const Use& use) {
    each_field_of(root, "", [](Message& whole) -> Message& { return whole; }, use);
}

// The fields of `whole` whose change does not show.
template <class Whole>
std::set<std::string> hidden(const Whole& whole,
                             const std::function<std::string(const Whole&)>& show) {
    std::set<std::string> found;
    const std::string was = show(whole);
    each_field(whole, [&](const auto& path, const auto& reach, const auto& field) {
        Whole other = whole;
        alter(reach(other), field);
        if (show(other) == was) found.insert(path);
    });
    return found;
}

void expect_listed(const std::set<std::string>& hidden, const Reasons& listed,
                   const std::string& where) {
    for (const std::string& path : hidden)
        EXPECT_TRUE(listed.contains(path))
            << path << " is not shown by " << where << ": render it, or list it with its reason";
    for (const auto& [path, reason] : listed)
        EXPECT_TRUE(hidden.contains(path))
            << path << " is shown by " << where << ", or is no field: take it off the list";
}

TEST(Rendered, EachFieldIsShownByEachKindOrListedWithItsReason) {
    for (const ChannelKind& kind : all_kinds()) {
        const std::string name(kind.kind);
        ASSERT_TRUE(not_shown.contains(name)) << "list the fields that " << name << " leaves out";
        Reasons listed = not_shown.at(name);
        listed.insert(shown_nowhere.begin(), shown_nowhere.end());
        const auto show = [&](const Content& content) { return shown(kind, content); };
        expect_listed(hidden<Content>(full_content(kind.kind), show), listed,
                      fmt::format("content/channels/{}.cpp", name));
    }
}

void add_fields_set(const Message& message, const std::string& path, std::set<std::string>& found) {
    const auto& reflection = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
        const std::string name = path + field->name();
        found.insert(name);
        if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
        if (!field->is_repeated())
            add_fields_set(reflection.GetMessage(message, field), name + ".", found);
        else
            for (int i = 0; i < reflection.FieldSize(message, field); ++i)
                add_fields_set(reflection.GetRepeatedMessage(message, field, i), name + ".", found);
    }
}

// The alerts that are held against the schema are made of it: an element out of its place would
// pass.
TEST(Rendered, EachFieldOfADraftThatTheFeedShowsIsInTheSample) {
    const ChannelKind& feed = *find_kind("feed");
    const Content full = full_content("feed");
    const std::set<std::string> unseen =
        hidden<Content>(full, [&](const Content& content) { return shown(feed, content); });
    std::set<std::string> in_sample;
    add_fields_set(samples::make_content(), "", in_sample);
    each_field(full, [&](const std::string& path, const Reach&, const FieldDescriptor&) {
        if (!path.starts_with("draft.") || unseen.contains(path) || not_in_sample.contains(path))
            return;
        EXPECT_TRUE(in_sample.contains(path))
            << "set " << path << " in tests/support/sample_message.hpp";
    });
}

TEST(Rendered, EachFixedValueIsShownBySomeKindOrListedWithItsReason) {
    const auto show = [](const Fixed& fixed) {
        std::string all;
        for (const ChannelKind& kind : all_kinds())
            all += rendered(kind, samples::make_content(), fixed);
        return all;
    };
    expect_listed(hidden<Fixed>(full_fixed(), show), fixed_shown_nowhere, "any kind of channel");
}

}  // namespace
}  // namespace tocsin::content
