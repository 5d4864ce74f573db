#include "content/templates.hpp"

#include "content/graphemes.hpp"

#include <type_traits>

namespace tocsin::content {
namespace {

template <typename TextLike, typename Visit>
void visit_text(TextLike& text, Visit&& visit) {
    const std::string& language = text.language();
    if constexpr (std::is_const_v<TextLike>) {
        for (const std::string* part :
             {&text.event(), &text.headline(), &text.description(), &text.instruction()})
            visit(language, *part);
        for (const ChannelText& other : text.channel_texts()) visit(language, other.text());
    } else {
        for (std::string* part : {text.mutable_event(), text.mutable_headline(),
                                  text.mutable_description(), text.mutable_instruction()})
            visit(language, *part);
        for (ChannelText& other : *text.mutable_channel_texts())
            visit(language, *other.mutable_text());
    }
}

// Calls visit(language, string) for everything that may have gaps; no language for title and web.
template <typename Visit>
void visit_strings(const Draft& draft, Visit&& visit) {
    visit("", draft.title());
    visit("", draft.web());
    for (const Text& text : draft.texts()) visit_text(text, visit);
    for (const Text& text : draft.retraction()) visit_text(text, visit);
    for (const Area& area : draft.areas())
        for (const auto& [language, description] : area.descriptions())
            visit(language, description);
}

template <typename Visit>
void visit_mutable_strings(Draft& draft, Visit&& visit) {
    visit("", *draft.mutable_title());
    visit("", *draft.mutable_web());
    for (Text& text : *draft.mutable_texts()) visit_text(text, visit);
    for (Text& text : *draft.mutable_retraction()) visit_text(text, visit);
    for (Area& area : *draft.mutable_areas())
        for (auto& [language, description] : *area.mutable_descriptions())
            visit(language, description);
}

// Copies `text`, with each gap replaced by what value(name) says.
template <typename Value>
std::string expand(std::string_view text, Value&& value) {
    std::string filled;
    while (true) {
        const size_t open = text.find("{{");
        const size_t close = open == text.npos ? open : text.find("}}", open + 2);
        if (close == text.npos) return filled.append(text);
        filled.append(text.substr(0, open));
        filled.append(value(std::string{trim(text.substr(open + 2, close - open - 2))}));
        text.remove_prefix(close + 2);
    }
}

const std::string* find_value(const Values& values, const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : &found->second;
}

bool is_usable(const std::string& value) {
    return value.size() <= value_bytes_max && is_printable(value);
}

}  // namespace

std::set<std::string> placeholders(const Draft& draft) {
    std::set<std::string> names;
    visit_strings(draft, [&](const std::string&, const std::string& text) {
        expand(text, [&](std::string name) {
            names.insert(std::move(name));
            return std::string_view{};
        });
    });
    return names;
}

std::expected<Draft, std::vector<std::string>> fill(const Draft& template_, const Values& values,
                                                    const LanguageValues& by_language) {
    const std::string first = template_.texts().empty() ? "" : template_.texts(0).language();
    std::set<std::string> missing;
    Draft draft = template_;
    visit_mutable_strings(draft, [&](const std::string& language, std::string& text) {
        const auto own = by_language.find(language.empty() ? first : language);
        text = expand(text, [&](const std::string& name) -> std::string_view {
            const std::string* value = nullptr;
            if (own != by_language.end()) value = find_value(own->second, name);
            if (value == nullptr) value = find_value(values, name);
            if (value != nullptr && is_usable(*value)) return *value;
            missing.insert(name);
            return "";
        });
    });
    if (!missing.empty()) return std::unexpected{std::vector(missing.begin(), missing.end())};
    return draft;
}

}  // namespace tocsin::content
