#include "publishing/channels/mastodon_text.hpp"

#include "texts/utf8.hpp"

#include <charconv>
#include <utility>

namespace tocsin::publishing {

// Decodes the entity at the start of `rest`; returns how many bytes it took, 0 for none.
static std::size_t decode_entity(std::string_view rest, std::string& text) {
    static constexpr std::pair<std::string_view, char> named[] = {
        {"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},
        {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", ' '}};
    for (const auto& [name, character] : named)
        if (rest.starts_with(name)) return text += character, name.size();
    // No further: a text full of these would be searched to its end for each.
    constexpr std::size_t longest = 11;
    const auto end = rest.substr(0, longest).find(';');
    if (!rest.starts_with("&#") || end == std::string_view::npos) return 0;
    const bool hexadecimal = rest.size() > 2 && (rest[2] == 'x' || rest[2] == 'X');
    const char* first = rest.data() + (hexadecimal ? 3 : 2);
    uint32_t code = 0;
    const auto [stop, error] =
        std::from_chars(first, rest.data() + end, code, hexadecimal ? 16 : 10);
    if (error != std::errc{} || stop != rest.data() + end || code > 0x10FFFF) return 0;
    texts::append_utf8(text, code);
    return end + 1;
}

static bool is_blank(char c) { return static_cast<unsigned char>(c) <= ' '; }

std::string bare_text(std::string_view html) {
    static constexpr std::string_view no_break = "\xC2\xA0";
    std::string text;
    for (std::size_t i = 0; i < html.size();) {
        if (html[i] == '<') {
            const auto end = html.find('>', i);
            if (end == std::string_view::npos) break;
            i = end + 1;
        } else if (const std::size_t taken =
                       html[i] == '&' ? decode_entity(html.substr(i), text) : 0) {
            i += taken;
        } else {
            text += html[i++];
        }
        if (!text.empty() && is_blank(text.back())) text.pop_back();
        // Servers differ in what they make of blanks that do not break.
        if (text.ends_with(no_break)) text.resize(text.size() - no_break.size());
    }
    return text;
}

}  // namespace tocsin::publishing
