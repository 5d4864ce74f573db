#include "runtime/base/validate.hpp"

#include "runtime/base/nearest.hpp"
#include "texts/cut.hpp"
#include "texts/names.hpp"
#include "texts/visible.hpp"
#include "tocsin/rules/v1/rules.pb.h"

#include <fmt/format.h>
#include <google/protobuf/timestamp.pb.h>

#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <regex>
#include <utility>

namespace tocsin::runtime {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using rules::v1::FieldRules;

static constexpr std::size_t most = 20;
static constexpr int depth_max = 32;
static constexpr std::uint32_t bytes_default = 1'000'000;
static constexpr std::uint32_t items_default = 1'000;
// std::regex recurses: what it may be given is bounded.
static constexpr std::size_t pattern_bytes_max = 4096;

namespace {

class Check {
public:
    void message(const Message& message, const std::string& path, bool partial, int depth) {
        if (depth > depth_max) return add(path, "nested too deep");
        if (const auto* stamp = dynamic_cast<const google::protobuf::Timestamp*>(&message))
            return timestamp(*stamp, path);
        const auto* descriptor = message.GetDescriptor();
        for (int i = 0; i < descriptor->field_count() && found_.size() < most; ++i)
            field(message, descriptor->field(i), path, partial, depth);
    }

    std::vector<FieldViolation> take() { return std::move(found_); }

private:
    void add(std::string path, std::string text) {
        if (found_.size() < most) found_.push_back({std::move(path), std::move(text)});
    }

    void timestamp(const google::protobuf::Timestamp& stamp, const std::string& path) {
        // The range of google.protobuf.Timestamp: years 1 to 9999.
        if (stamp.seconds() < -62135596800 || stamp.seconds() > 253402300799 || stamp.nanos() < 0 ||
            stamp.nanos() > 999'999'999)
            add(path, "must be a time between the years 1 and 9999");
    }

    void field(const Message& message, const FieldDescriptor* field, const std::string& parent,
               bool partial, int depth) {
        const FieldRules& rules = field_rules(*field);
        const auto& reflection = *message.GetReflection();
        const std::string path = parent.empty() ? field->name() : parent + "." + field->name();
        if (field->is_repeated()) return repeated(message, field, rules, path, partial, depth);
        if (!is_set(message, field)) {
            if (rules.required() && !partial) add(path, "is required");
            if (field->cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE) return;
        }
        switch (field->cpp_type()) {
            case FieldDescriptor::CPPTYPE_STRING: {
                const std::string value = reflection.GetString(message, field);
                text(value, field, rules, path);
                if (rules.required() && !partial) visible(value, field, path);
                return name(value, rules, path);
            }
            case FieldDescriptor::CPPTYPE_MESSAGE:
                if (!reflection.HasField(message, field)) return;
                return this->message(reflection.GetMessage(message, field), path,
                                     partial || rules.partial(), depth + 1);
            case FieldDescriptor::CPPTYPE_ENUM:
                return enumeration(reflection.GetEnumValue(message, field), field, path);
            case FieldDescriptor::CPPTYPE_DOUBLE:
                return number(reflection.GetDouble(message, field), rules, path);
            case FieldDescriptor::CPPTYPE_INT32:
                return number(reflection.GetInt32(message, field), rules, path);
            case FieldDescriptor::CPPTYPE_INT64:
                return number(static_cast<double>(reflection.GetInt64(message, field)), rules,
                              path);
            case FieldDescriptor::CPPTYPE_UINT32:
            case FieldDescriptor::CPPTYPE_UINT64:
            case FieldDescriptor::CPPTYPE_FLOAT:
            case FieldDescriptor::CPPTYPE_BOOL:
                return;  // No rule is about them.
        }
    }

    static bool is_set(const Message& message, const FieldDescriptor* field) {
        const auto& reflection = *message.GetReflection();
        // Of a number without presence protobuf takes -0 for set.
        if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE && !field->has_presence())
            return reflection.GetDouble(message, field) != 0;
        return reflection.HasField(message, field);
    }

    void repeated(const Message& message, const FieldDescriptor* field, const FieldRules& rules,
                  const std::string& path, bool partial, int depth) {
        const auto& reflection = *message.GetReflection();
        const int size = reflection.FieldSize(message, field);
        if (size == 0 && rules.required() && !partial) add(path, "needs at least one item");
        if (size < static_cast<int>(rules.min_items()) && !partial && size > 0)
            add(path, fmt::format("needs at least {} items", rules.min_items()));
        const auto limit = rules.max_items() > 0 ? rules.max_items() : items_default;
        if (size > static_cast<int>(limit))
            return add(path, fmt::format("has {} items; at most {} are allowed", size, limit));
        for (int i = 0; i < size && found_.size() < most; ++i) {
            const std::string item = fmt::format("{}[{}]", path, i);
            if (field->is_map()) {
                map_entry(reflection.GetRepeatedMessage(message, field, i), rules, path, partial);
            } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
                const std::string value = reflection.GetRepeatedString(message, field, i);
                visible(value, field, item);
                text(value, field, rules, item);
                name(value, rules, item);
            } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
                this->message(reflection.GetRepeatedMessage(message, field, i), item,
                              partial || rules.partial(), depth + 1);
            } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
                enumeration(reflection.GetRepeatedEnumValue(message, field, i), field, item);
            }
        }
    }

    void map_entry(const Message& entry, const FieldRules& rules, const std::string& path,
                   bool partial) {
        const auto* key = entry.GetDescriptor()->map_key();
        const auto* value = entry.GetDescriptor()->map_value();
        const auto& reflection = *entry.GetReflection();
        if (key->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return;
        const std::string word = reflection.GetString(entry, key);
        const std::string item = fmt::format("{}[\"{}\"]", path, texts::cut(word, 64));
        if (word.empty() || word.size() > 100) add(item, "keys have 1 to 100 bytes");
        text(word, key, {}, item);
        name(word, rules, item);
        if (value->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return;
        const std::string said = reflection.GetString(entry, value);
        text(said, value, rules, item);
        if (rules.required() && !partial) visible(said, value, item);
    }

    // A name that nobody sees looks like none, and like every other such.
    void visible(const std::string& value, const FieldDescriptor* field, const std::string& path) {
        if (value.empty())
            add(path, "must not be empty");
        else if (field->type() == FieldDescriptor::TYPE_STRING && !texts::is_visible(value))
            add(path, "has only characters that cannot be seen; write at least one that can");
    }

    void number(double value, const FieldRules& rules, const std::string& path) {
        if (!std::isfinite(value)) return add(path, "must be a finite number");
        if (rules.has_range() && (value < rules.min() || value > rules.max()))
            add(path, fmt::format("must be between {} and {}", rules.min(), rules.max()));
    }

    void enumeration(int value, const FieldDescriptor* field, const std::string& path) {
        if (field->enum_type()->FindValueByNumber(value) == nullptr)
            add(path, fmt::format("{} is not a known value", value));
    }

    void text(const std::string& value, const FieldDescriptor* field, const FieldRules& rules,
              const std::string& path) {
        const auto limit = rules.max_bytes() > 0 ? rules.max_bytes() : bytes_default;
        if (value.size() > limit)
            return add(path,
                       fmt::format("has {} bytes; at most {} are allowed", value.size(), limit));
        if (field->type() != FieldDescriptor::TYPE_STRING) return;
        if (const auto bad = forbidden_character(value))
            return add(path,
                       fmt::format("holds the character U+{:04X}, which is not allowed", *bad));
        if (rules.pattern().empty() || value.empty()) return;
        if (value.size() > pattern_bytes_max || !std::regex_match(value, compiled(rules.pattern())))
            add(path, fmt::format("must match {}", rules.pattern()));
    }

    void name(const std::string& value, const FieldRules& rules, const std::string& path) {
        if (value.empty()) return;
        const std::string quoted{texts::cut(value, 64)};
        if (rules.names() == "time-zone" && !texts::is_time_zone(value)) {
            const std::string close = nearest(quoted, texts::time_zones());
            add(path, fmt::format("{} is no time zone of this machine's IANA database: {}", quoted,
                                  close.empty() ? "write one such as America/Toronto"
                                                : "did you mean " + close + "?"));
        }
        if (rules.names() == "language" && !texts::is_language(value))
            add(path, fmt::format("{} is no language tag: write a language of ISO 639 in small "
                                  "letters and a country of ISO 3166 in capitals, such as fr-CA",
                                  quoted));
    }

    // Control characters but line feed and tab, the overrides that make a text read otherwise than
    // it is stored, and what Unicode calls non-characters. Of UTF-8.
    static std::optional<unsigned> forbidden_character(const std::string& text) {
        for (std::size_t i = 0; i < text.size(); ++i) {
            const auto byte = static_cast<unsigned char>(text[i]);
            if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) return byte;
            if (byte == 0xc2 && i + 1 < text.size()) {
                const auto next = static_cast<unsigned char>(text[i + 1]);
                if (next < 0xa0) return next;
            }
            const std::size_t more = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 0;
            if (more == 0 || i + more >= text.size()) continue;
            unsigned point = static_cast<unsigned>(byte) & (0x3fU >> more);
            for (std::size_t next = i + 1; next <= i + more; ++next)
                point = point << 6 | (static_cast<unsigned>(text[next]) & 0x3fU);
            if ((point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
                (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffeU) == 0xfffeU)
                return point;
        }
        return std::nullopt;
    }

    static const std::regex& compiled(const std::string& pattern) {
        static std::mutex mutex;
        static std::map<std::string, std::regex> cache;
        const std::lock_guard guard(mutex);
        return cache.try_emplace(pattern, pattern, std::regex::ECMAScript | std::regex::optimize)
            .first->second;
    }

    std::vector<FieldViolation> found_;
};

}  // namespace

const FieldRules& field_rules(const FieldDescriptor& field) {
    if (!field.options().HasExtension(rules::v1::field) &&
        field.containing_type()->name().ends_with("Request"))
        if (const auto* common =
                rules::v1::CommonFields::descriptor()->FindFieldByName(field.name()))
            return common->options().GetExtension(rules::v1::field);
    return field.options().GetExtension(rules::v1::field);
}

std::vector<FieldViolation> violations(const Message& message, bool partial) {
    Check check;
    check.message(message, "", partial, 0);
    return check.take();
}

static std::size_t bytes_of(const Message& message, const FieldDescriptor* field, int element) {
    const auto& reflection = *message.GetReflection();
    std::string scratch;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
        return (element < 0 ? reflection.GetMessage(message, field)
                            : reflection.GetRepeatedMessage(message, field, element))
            .ByteSizeLong();
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return sizeof(std::int64_t);
    return (element < 0 ? reflection.GetStringReference(message, field, &scratch)
                        : reflection.GetRepeatedStringReference(message, field, element, &scratch))
        .size();
}

namespace {

struct Weighed {
    const FieldDescriptor* field = nullptr;
    std::size_t bytes = 0;
    int element = -1;  // the largest of a repeated field
    std::size_t element_bytes = 0;
};

}  // namespace

static Weighed weigh(const Message& message, const FieldDescriptor* field) {
    Weighed weighed{field};
    if (!field->is_repeated()) {
        weighed.bytes = bytes_of(message, field, -1);
        return weighed;
    }
    for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
        const std::size_t bytes = bytes_of(message, field, i);
        weighed.bytes += bytes;
        if (bytes <= weighed.element_bytes) continue;
        weighed.element = i;
        weighed.element_bytes = bytes;
    }
    return weighed;
}

LargestField largest_field(const Message& message) {
    constexpr int levels = 3;
    LargestField found;
    const Message* inside = &message;
    for (int level = 0; level < levels && inside != nullptr; ++level) {
        std::vector<const FieldDescriptor*> fields;
        inside->GetReflection()->ListFields(*inside, &fields);
        Weighed most_bytes;
        for (const FieldDescriptor* field : fields)
            if (const Weighed weighed = weigh(*inside, field); weighed.bytes > most_bytes.bytes)
                most_bytes = weighed;
        if (most_bytes.field == nullptr || (level > 0 && most_bytes.bytes * 2 <= found.bytes))
            break;
        const FieldDescriptor* field = most_bytes.field;
        found.path += (found.path.empty() ? "" : ".") + field->name();
        found.bytes = most_bytes.bytes;
        const bool nested =
            field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_map();
        const Message* parent = std::exchange(inside, nullptr);
        if (!field->is_repeated()) {
            if (nested) inside = &parent->GetReflection()->GetMessage(*parent, field);
            continue;
        }
        // One element of many: where none stands out, the list is what is too long.
        if (field->is_map() || most_bytes.element_bytes * 2 <= most_bytes.bytes) continue;
        found.path += fmt::format("[{}]", most_bytes.element);
        found.bytes = most_bytes.element_bytes;
        if (nested)
            inside =
                &parent->GetReflection()->GetRepeatedMessage(*parent, field, most_bytes.element);
    }
    return found;
}

}  // namespace tocsin::runtime
