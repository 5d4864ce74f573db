#include "content/check_parts.hpp"

#include "content/canada.hpp"
#include "content/channel.hpp"
#include "content/checks.hpp"
#include "content/graphemes.hpp"
#include "content/shapes.hpp"
#include "content/templates.hpp"
#include "texts/letters.hpp"
#include "texts/text_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace tocsin::content {
namespace {

// CAP 1.2 section 3.2.2.
constexpr int64_t headline_characters_max = 160;

void check_channel_texts(const Texts& texts, int index, const std::string& path, Findings& found) {
    const Text& text = texts[index];
    std::set<std::string> kinds;
    for (int i = 0; i < text.channel_texts_size(); ++i) {
        const ChannelText& other = text.channel_texts(i);
        const std::string field = fmt::format("{}.channel_texts[{}]", path, i);
        if (find_kind(other.kind()) == nullptr)
            found.error("unknown_kind", field + ".kind",
                        fmt::format("There is no kind of channel `{}`: choose one that exists.",
                                    other.kind()));
        if (!kinds.insert(other.kind()).second)
            found.error("channel_text_duplicate", field + ".kind",
                        fmt::format("Keep one text for `{}`.", other.kind()));
        check_words(other.text(), field + ".text", found);
        for (const Text& peer : texts)
            if (find_channel_text(peer, other.kind()) < 0)
                found.warning("channel_text_parity", field,
                              fmt::format("Write the text for `{}` in {} too.", other.kind(),
                                          peer.language()));
    }
}

void check_text(const Texts& texts, int index, const std::string& path, Findings& found) {
    const Text& text = texts[index];
    check_words(text.event(), path + ".event", found);
    check_words(text.headline(), path + ".headline", found);
    check_words(text.description(), path + ".description", found);
    check_words(text.instruction(), path + ".instruction", found);
    const int64_t over = grapheme_count(text.headline()) - headline_characters_max;
    if (over > 0)
        found.error("headline_long", path + ".headline",
                    fmt::format("Shorten the headline by {} characters, to {}.", over,
                                headline_characters_max));
    check_channel_texts(texts, index, path, found);
}

// A crude sign that one language was pasted into the other.
void check_same(const Text& text, const Text& other, const std::string& path, Findings& found) {
    if (primary_language(text.language()) == primary_language(other.language())) return;
    const auto look = [&](const char* part, std::string_view own, std::string_view others) {
        if (!trim(own).empty() && trim(own) == trim(others))
            found.warning("same_text", path + part,
                          fmt::format("The {} text is the same as the {} one: translate it.",
                                      text.language(), other.language()));
    };
    look(".headline", text.headline(), other.headline());
    look(".description", text.description(), other.description());
    look(".instruction", text.instruction(), other.instruction());
}

// Receivers compare names letter by letter: a place under a mistyped one is a place to nobody. Any
// other list may be named as its keeper names it.
std::string geocode_name_problem(std::string_view name) {
    static constexpr std::string_view known[] = {"SAME", "UGC", "FIPS6", "EMMA_ID", "NUTS3"};
    for (const std::string_view list : known)
        if (name != list && texts::lower_case(name) == texts::lower_case(list))
            return fmt::format("Write the name of the code list as its receivers do: {}.", list);
    return location_list_problem(name);
}

void check_geocodes(const Area& area, const std::string& path, Findings& found) {
    for (int i = 0; i < area.geocodes_size(); ++i)
        if (std::string problem = geocode_name_problem(area.geocodes(i).value_name());
            !problem.empty())
            found.error("geocode_name", fmt::format("{}.geocodes[{}].value_name", path, i),
                        std::move(problem));
}

void check_shapes(const Area& area, const std::string& path, Findings& found) {
    for (int i = 0; i < area.polygons_size(); ++i)
        if (auto bad = check_polygon(area.polygons(i), fmt::format("{}.polygons[{}]", path, i)))
            found.add(std::move(*bad));
    for (int i = 0; i < area.circles_size(); ++i)
        if (auto bad = check_circle(area.circles(i), fmt::format("{}.circles[{}]", path, i)))
            found.add(std::move(*bad));
    if (area.polygons().empty() && area.circles().empty() && area.geocodes().empty())
        found.warning("no_shape", path,
                      "Draw the area or give its code: without either no map can show it.");
}

}  // namespace

void check_words(std::string_view words, const std::string& field, Findings& found) {
    if (shows_nothing(words)) found.error("missing", field, "Write this text; it is empty.");
}

void check_characters(const Draft& draft, Findings& found) {
    texts::each_text(draft, [&](const texts::TextField& where, const std::string& text) {
        if (!is_printable(text, "\n\t"))
            found.error("control_character", where.path,
                        "Type this text again: it has characters that cannot be shown.");
        else if (const auto hidden = invisible_character(text))
            found.warning("invisible_character", where.path,
                          fmt::format("U+{:04X} is in this text, which no reader sees: type the "
                                      "text again, or acknowledge it.",
                                      static_cast<std::uint32_t>(*hidden)));
        if (const auto odd = meaningless_character(text))
            found.warning("meaningless_character", where.path,
                          fmt::format("U+{:04X} is in this text, which readers see as a box or "
                                      "otherwise each: write what is meant, or acknowledge it.",
                                      static_cast<std::uint32_t>(*odd)));
        if (has_heaped_marks(text))
            found.warning("heaped_marks", where.path,
                          "A letter of this text has more than 10 marks: type it again, or "
                          "acknowledge it.");
    });
    for (const Gap& gap : gaps_left(draft))
        found.error("placeholder_left", gap.field,
                    fmt::format("Write what is meant instead of {}: readers would see it as it is.",
                                gap.words));
}

std::set<std::string> needed_languages(const Draft& draft) {
    std::set<std::string> languages(required_languages.begin(), required_languages.end());
    for (const Text& text : draft.texts()) languages.insert(text.language());
    return languages;
}

void check_texts(const Texts& texts, const std::set<std::string>& needed, const std::string& field,
                 Findings& found) {
    for (const std::string& language : needed)
        if (find_text(texts, language) < 0)
            found.error("language_missing", field, fmt::format("Write the {} text.", language));
    std::set<std::string> seen;
    for (int i = 0; i < texts.size(); ++i) {
        const std::string path = fmt::format("{}[{}]", field, i);
        if (!seen.insert(texts[i].language()).second)
            found.error("language_duplicate", path + ".language",
                        fmt::format("Keep one text in {}.", texts[i].language()));
        check_text(texts, i, path, found);
        for (int other = 0; other < i; ++other) check_same(texts[i], texts[other], path, found);
    }
}

void check_areas(const Draft& draft, Findings& found) {
    if (draft.areas().empty()) found.error("missing", "areas", "Say where the message applies.");
    for (int i = 0; i < draft.areas_size(); ++i) {
        const std::string path = fmt::format("areas[{}]", i);
        const auto& descriptions = draft.areas(i).descriptions();
        for (const std::string& language : needed_languages(draft)) {
            const auto own = descriptions.find(language);
            check_words(own == descriptions.end() ? std::string_view{} : own->second,
                        fmt::format("{}.descriptions[{}]", path, language), found);
        }
        check_shapes(draft.areas(i), path, found);
        check_geocodes(draft.areas(i), path, found);
    }
}

void check_event_codes(const Draft& draft, Findings& found) {
    int canadian = 0;
    for (int i = 0; i < draft.event_codes_size(); ++i) {
        const v1::EventCode& code = draft.event_codes(i);
        const std::string path = fmt::format("event_codes[{}]", i);
        if (std::string problem = event_list_problem(code.value_name()); !problem.empty()) {
            found.error("event_code_name", path + ".value_name", std::move(problem));
        } else if (is_canadian_event_list(code.value_name())) {
            if (!is_canadian_event(code))
                found.error("event_code", path + ".value",
                            "Write the code as the Canadian list has it, such as flashFlood: 4 to "
                            "12 letters and digits.");
            if (++canadian > 1)
                found.error("event_code_duplicate", path,
                            "Keep one code of the Canadian list: an alert has one event.");
        }
    }
    if (canadian == 0) return;
    for (int i = 0; i < draft.areas_size(); ++i)
        if (!has_canadian_location(draft.areas(i)))
            found.warning("profile_incomplete", fmt::format("areas[{}].geocodes", i),
                          "Give the area its code in profile:CAP-CP:Location:0.3 too: without it "
                          "the alert does not follow the Canadian profile.");
}

}  // namespace tocsin::content
