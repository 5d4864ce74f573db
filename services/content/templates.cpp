#include "content/templates.hpp"

#include "content/graphemes.hpp"
#include "texts/text_fields.hpp"

#include <algorithm>
#include <cctype>
#include <span>

namespace tocsin::content {
namespace {

// Readings are a machine's own words: they fill gaps and have none.
bool may_have_gaps(const texts::TextField& where) {
    return where.field.containing_type() != Evidence::descriptor();
}

// Those that texts have between words: the others are narrow or wide by mistake.
constexpr std::string_view blanks[] = {" ", "\u00A0", "\u202F"};
// Before these, and before a blank, no blank is left for a word that is not there.
constexpr std::string_view ends[] = {".", ",", ";", ":", "!", "?", ")", "]", "»", "”", "\n", "…"};

bool starts_with_any(std::string_view text, std::span<const std::string_view> of) {
    return std::ranges::any_of(of, [&](std::string_view one) { return text.starts_with(one); });
}

// A value that is empty takes the blank before it along: `1 {{unit}}.` is `1.`
void take_blank_along(std::string& filled, std::string_view rest) {
    if (!rest.empty() && !starts_with_any(rest, blanks) && !starts_with_any(rest, ends)) return;
    for (const std::string_view blank : blanks)
        if (filled.ends_with(blank)) return filled.resize(filled.size() - blank.size());
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
        const std::string_view put =
            value(std::string{trim(text.substr(open + 2, close - open - 2))});
        filled.append(put);
        text.remove_prefix(close + 2);
        if (put.empty()) take_blank_along(filled, text);
    }
}

const std::string* find_value(const Values& values, const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : &found->second;
}

bool is_usable(const std::string& value) {
    return value.size() <= value_bytes_max && is_printable(value);
}

// What would be taken for a name even between single braces; prose between them is no placeholder.
bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= name_bytes_max && std::ranges::all_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return std::isalnum(byte) != 0 || byte >= 0x80 || c == '_' || c == '-' || c == '.';
    });
}

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes_max &&
           name.find_first_of("{}\n") == name.npos;
}

}  // namespace

std::set<std::string> placeholders(const Draft& draft) {
    std::set<std::string> names;
    texts::each_text(draft, [&](const texts::TextField& where, const std::string& text) {
        if (!may_have_gaps(where)) return;
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
    texts::edit_texts(draft, [&](const texts::TextField& where, std::string& text) {
        if (!may_have_gaps(where)) return;
        const auto own = by_language.find(where.language.empty() ? first : where.language);
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
    // A value may be empty, and leave a blank where a text begins or ends.
    texts::tidy_texts(draft);
    return draft;
}

std::string_view gap_in(std::string_view text) {
    constexpr std::string_view braces = "{}";
    for (size_t at = text.find_first_of(braces); at != text.npos;
         at = text.find_first_of(braces, at + 1)) {
        const std::string_view rest = text.substr(at);
        const size_t close = rest.find('}');
        if (rest.starts_with("}}")) return rest.substr(0, 2);
        if (rest.starts_with("{{")) {
            const bool whole = close != rest.npos && is_word(trim(rest.substr(2, close - 2))) &&
                               rest.substr(close).starts_with("}}");
            return rest.substr(0, whole ? close + 2 : 2);
        }
        if (rest[0] == '{' && close != rest.npos && is_word(rest.substr(1, close - 1)))
            return rest.substr(0, close + 1);
    }
    return {};
}

std::vector<Gap> gaps_left(const Draft& draft) {
    std::vector<Gap> gaps;
    texts::each_text(draft, [&](const texts::TextField& where, const std::string& text) {
        if (!may_have_gaps(where)) return;
        if (const std::string_view gap = gap_in(text); !gap.empty())
            gaps.push_back({where.path, std::string{gap}});
    });
    return gaps;
}

std::optional<Gap> broken_gap(const Draft& template_) {
    std::optional<Gap> broken;
    texts::each_text(template_, [&](const texts::TextField& where, const std::string& text) {
        if (broken || !may_have_gaps(where)) return;
        bool named = true;
        const std::string rest = expand(text, [&](const std::string& name) {
            named = named && is_name(name);
            return std::string_view{};
        });
        if (const std::string_view gap = gap_in(named ? rest : text); !gap.empty())
            broken = Gap{where.path, std::string{gap}};
    });
    return broken;
}

}  // namespace tocsin::content
