#include "cli/disclosure.hpp"

#include "runtime/base/digest.hpp"

#include <fmt/format.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <vector>

namespace tocsin::cli {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;

// Whether a reader sees that it is there, and what it is.
static bool leaves_a_mark(UChar32 c) {
    constexpr std::uint32_t unseen = U_GC_C_MASK | U_GC_Z_MASK;
    constexpr UChar32 braille_blank = 0x2800;
    return (U_GET_GC_MASK(c) & unseen) == 0 && c != braille_blank &&
           !u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

std::string visible(std::string_view text, std::string_view margin) {
    std::string shown;
    const auto size = static_cast<int32_t>(text.size());
    for (int32_t at = 0; at < size;) {
        const int32_t begin = at;
        UChar32 c = 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"  // Inside ICU's macro.
        U8_NEXT(text.data(), at, size, c);
#pragma GCC diagnostic pop
        const auto here = static_cast<std::size_t>(begin), next = static_cast<std::size_t>(at);
        // A run of blanks would move the words after it to where a line of its own begins.
        const bool between_words = begin > 0 && at < size && text[here - 1] != ' ' &&
                                   text[here - 1] != '\n' && text[next] != '\n';
        if (c == '\n')
            shown += fmt::format("\\n\n{}", margin);
        else if (c < 0)
            shown += fmt::format("<0x{:02X}>", static_cast<unsigned char>(text[here]));
        else if (c == ' ' ? between_words : leaves_a_mark(c))
            shown += text.substr(here, next - here);
        else
            shown += fmt::format("<U+{:04X}>", static_cast<std::uint32_t>(c));
    }
    return shown;
}

namespace {

// A message as lines. What may stand at the begin of one is a field's name or a margin.
class Lines {
public:
    void add_message(const Message& message);
    std::string take() { return std::move(text_); }

private:
    void add_field(const Message& message, const FieldDescriptor& field);
    void add_map(const Message& message, const FieldDescriptor& field);
    // `index` is -1 where the field does not repeat.
    void add_value(const std::string& label, const Message& message, const FieldDescriptor& field,
                   int index);
    void add_nested(const std::string& label, const Message& message);
    void add_line(const std::string& label, std::string_view value) {
        text_ += fmt::format("{}{}: {}\n", margin_, label, value);
    }

    std::string text_;
    std::string margin_;
};

bool is_number(const FieldDescriptor& field) {
    return !field.is_repeated() && !field.has_presence() &&
           field.cpp_type() != FieldDescriptor::CPPTYPE_STRING &&
           field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM;
}

bool is_set(const Message& message, const FieldDescriptor& field) {
    const auto& reflection = *message.GetReflection();
    return field.is_repeated() ? reflection.FieldSize(message, &field) > 0
                               : reflection.HasField(message, &field);
}

const Message& nested(const Message& message, const FieldDescriptor& field, int index) {
    const auto& reflection = *message.GetReflection();
    return index < 0 ? reflection.GetMessage(message, &field)
                     : reflection.GetRepeatedMessage(message, &field, index);
}

std::string text_in(const Message& message, const FieldDescriptor& field, int index) {
    const auto& reflection = *message.GetReflection();
    return index < 0 ? reflection.GetString(message, &field)
                     : reflection.GetRepeatedString(message, &field, index);
}

void Lines::add_message(const Message& message) {
    const auto& type = *message.GetDescriptor();
    std::string absent;
    for (int i = 0; i < type.field_count(); ++i) {
        const FieldDescriptor& field = *type.field(i);
        if (is_set(message, field) || is_number(field))
            add_field(message, field);
        else
            absent += (absent.empty() ? "" : ", ") + field.name();
    }
    if (!absent.empty()) text_ += fmt::format("{}(not set: {})\n", margin_, absent);
}

void Lines::add_field(const Message& message, const FieldDescriptor& field) {
    if (field.is_map()) return add_map(message, field);
    if (!field.is_repeated()) return add_value(field.name(), message, field, -1);
    for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i)
        add_value(fmt::format("{}[{}]", field.name(), i), message, field, i);
}

void Lines::add_map(const Message& message, const FieldDescriptor& field) {
    const auto& key = *field.message_type()->map_key();
    const auto& value = *field.message_type()->map_value();
    std::vector<std::pair<std::string, const Message*>> entries;
    for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
        const Message& entry = nested(message, field, i);
        std::string name;
        if (key.cpp_type() == FieldDescriptor::CPPTYPE_STRING)
            name = text_in(entry, key, -1);
        else
            google::protobuf::TextFormat::PrintFieldValueToString(entry, &key, -1, &name);
        entries.emplace_back(std::move(name), &entry);
    }
    std::ranges::sort(entries);
    for (const auto& [name, entry] : entries)
        add_value(fmt::format("{}[{}]", field.name(), visible(name, margin_ + "  | ")), *entry,
                  value, -1);
}

void Lines::add_value(const std::string& label, const Message& message,
                      const FieldDescriptor& field, int index) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
        return add_nested(label, nested(message, field, index));
    std::string value;
    if (field.type() == FieldDescriptor::TYPE_BYTES)
        value = runtime::hex(text_in(message, field, index));
    else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING)
        value = visible(text_in(message, field, index), margin_ + "  | ");
    else
        google::protobuf::TextFormat::PrintFieldValueToString(message, &field, index, &value);
    add_line(label, value);
}

void Lines::add_nested(const std::string& label, const Message& message) {
    const auto* stamp = dynamic_cast<const Timestamp*>(&message);
    if (stamp != nullptr && stamp->seconds() >= TimeUtil::kTimestampMinSeconds &&
        stamp->seconds() <= TimeUtil::kTimestampMaxSeconds && stamp->nanos() >= 0 &&
        stamp->nanos() < 1'000'000'000)
        return add_line(label, TimeUtil::ToString(*stamp));
    text_ += fmt::format("{}{}:\n", margin_, label);
    margin_ += "  ";
    add_message(message);
    margin_.resize(margin_.size() - 2);
}

std::string joined(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "." + name;
}

std::string unknown_below(const Message& message, const std::string& path);

bool names_its_value(const Message& message, const FieldDescriptor& field, int index) {
    const auto& reflection = *message.GetReflection();
    const int value = index < 0 ? reflection.GetEnumValue(message, &field)
                                : reflection.GetRepeatedEnumValue(message, &field, index);
    return field.enum_type()->FindValueByNumber(value) != nullptr;
}

std::string unknown_in(const Message& message, const FieldDescriptor& field, int index,
                       const std::string& path) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
        return unknown_below(nested(message, field, index), path);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM &&
        !names_its_value(message, field, index))
        return path;
    return {};
}

std::string unknown_below(const Message& message, const std::string& path) {
    const auto& reflection = *message.GetReflection();
    if (const auto& unknown = reflection.GetUnknownFields(message); !unknown.empty())
        return fmt::format("{}field {}", path.empty() ? "" : path + ", ",
                           unknown.field(0).number());
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
        const std::string here = joined(path, field->name());
        const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 0;
        std::string found = size > 0 ? "" : unknown_in(message, *field, -1, here);
        for (int i = 0; i < size && found.empty(); ++i)
            found = unknown_in(message, *field, i, fmt::format("{}[{}]", here, i));
        if (!found.empty()) return found;
    }
    return {};
}

}  // namespace

std::string disclosure(const Message& message) {
    Lines lines;
    lines.add_message(message);
    return lines.take();
}

std::string unknown_part(const Message& message) { return unknown_below(message, {}); }

}  // namespace tocsin::cli
