#include "texts/text_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::texts {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int depth_max = 32;

bool is_text(const FieldDescriptor& field) { return field.type() == FieldDescriptor::TYPE_STRING; }

bool holds_messages(const FieldDescriptor& field) {
    return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

std::string joined(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "." + name;
}

// The language that the texts in `message` are in.
std::string language_of(const Message& message, const std::string& above) {
    const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName("language");
    if (field == nullptr || !is_text(*field) || field->is_repeated()) return above;
    return message.GetReflection()->GetString(message, field);
}

// By key: the map itself has no order, and the same input must lead to the same words.
std::vector<std::pair<std::string, int>> entries_of(const Message& message,
                                                    const FieldDescriptor* field) {
    std::vector<std::pair<std::string, int>> entries;
    const auto& reflection = *message.GetReflection();
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        const Message& entry = reflection.GetRepeatedMessage(message, field, i);
        const FieldDescriptor* key = entry.GetDescriptor()->map_key();
        if (is_text(*key)) entries.emplace_back(entry.GetReflection()->GetString(entry, key), i);
    }
    std::ranges::sort(entries);
    return entries;
}

// Walks a message as `Whole`, which is const or not. `text(message, field, index, where)` is called
// for each text, with index -1 where the field is no list.
template <class Whole, class Text>
class Walk {
public:
    explicit Walk(Text text) : text_(std::move(text)) {}

    void message(Whole& message, const std::string& path, const std::string& above, int depth) {
        if (depth > depth_max) return;
        const std::string language = language_of(message, above);
        const auto* descriptor = message.GetDescriptor();
        for (int i = 0; i < descriptor->field_count(); ++i) {
            const FieldDescriptor* field = descriptor->field(i);
            const std::string name = joined(path, field->name());
            if (field->is_map())
                map(message, field, name, depth);
            else if (field->is_repeated())
                list(message, field, name, language, depth);
            else if (is_text(*field))
                text_(message, field, -1, TextField{*field, name, language});
            else if (holds_messages(*field) && message.GetReflection()->HasField(message, field))
                this->message(inner(message, field), name, language, depth + 1);
        }
    }

private:
    void list(Whole& message, const FieldDescriptor* field, const std::string& path,
              const std::string& language, int depth) {
        const int size = message.GetReflection()->FieldSize(message, field);
        for (int i = 0; i < size; ++i) {
            std::string item = fmt::format("{}[{}]", path, i);
            if (is_text(*field))
                text_(message, field, i, TextField{*field, std::move(item), language});
            else if (holds_messages(*field))
                this->message(inner(message, field, i), item, language, depth + 1);
        }
    }

    void map(Whole& message, const FieldDescriptor* field, const std::string& path, int depth) {
        const FieldDescriptor* value = field->message_type()->map_value();
        if (!is_text(*value) && !holds_messages(*value)) return;
        for (const auto& [key, index] : entries_of(message, field)) {
            Whole& entry = inner(message, field, index);
            std::string item = fmt::format("{}[{}]", path, key);
            if (is_text(*value))
                text_(entry, value, -1, TextField{*field, std::move(item), key});
            else
                this->message(inner(entry, value), item, key, depth + 1);
        }
    }

    static const Message& inner(const Message& message, const FieldDescriptor* field) {
        return message.GetReflection()->GetMessage(message, field);
    }
    static Message& inner(Message& message, const FieldDescriptor* field) {
        return *message.GetReflection()->MutableMessage(&message, field);
    }
    static const Message& inner(const Message& message, const FieldDescriptor* field, int index) {
        return message.GetReflection()->GetRepeatedMessage(message, field, index);
    }
    static Message& inner(Message& message, const FieldDescriptor* field, int index) {
        return *message.GetReflection()->MutableRepeatedMessage(&message, field, index);
    }

    Text text_;
};

const std::string& text_in(const Message& message, const FieldDescriptor* field, int index,
                           std::string& scratch) {
    const auto& reflection = *message.GetReflection();
    if (index < 0) return reflection.GetStringReference(message, field, &scratch);
    return reflection.GetRepeatedStringReference(message, field, index, &scratch);
}

// Those of Unicode's White_Space that UTF-8 writes in several bytes.
constexpr std::string_view wide_blanks[] = {"\u0085", "\u00A0", "\u1680", "\u2000", "\u2001",
                                            "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
                                            "\u2007", "\u2008", "\u2009", "\u200A", "\u2028",
                                            "\u2029", "\u202F", "\u205F", "\u3000"};
constexpr std::string_view narrow_blanks = " \t\n\v\f\r";

std::string_view without_edges(std::string_view text) {
    while (!text.empty()) {
        const std::size_t before = text.size();
        text.remove_prefix(std::min(text.find_first_not_of(narrow_blanks), text.size()));
        text.remove_suffix(text.size() - (text.find_last_not_of(narrow_blanks) + 1));
        for (const std::string_view blank : wide_blanks) {
            if (text.starts_with(blank)) text.remove_prefix(blank.size());
            if (text.ends_with(blank)) text.remove_suffix(blank.size());
        }
        if (text.size() == before) break;
    }
    return text;
}

}  // namespace

void each_text(const Message& message,
               const std::function<void(const TextField&, const std::string&)>& visit) {
    std::string scratch;
    Walk<const Message,
         std::function<void(const Message&, const FieldDescriptor*, int, const TextField&)>>(
        [&](const Message& inside, const FieldDescriptor* field, int index,
            const TextField& where) { visit(where, text_in(inside, field, index, scratch)); })
        .message(message, "", "", 0);
}

void edit_texts(Message& message, const std::function<void(const TextField&, std::string&)>& edit) {
    std::string scratch;
    Walk<Message, std::function<void(Message&, const FieldDescriptor*, int, const TextField&)>>(
        [&](Message& inside, const FieldDescriptor* field, int index, const TextField& where) {
            std::string text = text_in(inside, field, index, scratch);
            edit(where, text);
            // Nothing is written that was not changed: a field that is not set stays so.
            if (text == text_in(inside, field, index, scratch)) return;
            if (index < 0)
                inside.GetReflection()->SetString(&inside, field, std::move(text));
            else
                inside.GetReflection()->SetRepeatedString(&inside, field, index, std::move(text));
        })
        .message(message, "", "", 0);
}

std::string tidy(const std::string& text) {
    const std::string_view inner = without_edges(text);
    std::string tidied;
    tidied.reserve(inner.size());
    for (std::size_t i = 0; i < inner.size(); ++i) {
        if (inner[i] != '\r')
            tidied += inner[i];
        else if (i + 1 == inner.size() || inner[i + 1] != '\n')
            tidied += '\n';
    }
    return tidied;
}

void tidy_texts(Message& message) {
    edit_texts(message, [](const TextField&, std::string& text) { text = tidy(text); });
}

}  // namespace tocsin::texts
